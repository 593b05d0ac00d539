// The colour, dash and marker of each method, as course_lib.plotting.style has them.
// A dash is in widths of the line.

const SOLID = [];
const DASHED = [5, 1.6];
const DOTTED = [1.2, 1.4];
const DASH_DOT = [6, 1.6, 1.2, 1.6];
const DASH_DOT_DOT = [6, 1.4, 1.2, 1.4, 1.2, 1.4];
const LONG_DASHED = [10, 2];

const style = (color, dash, marker) => ({ color, dash, marker });

export const STYLES = {
  SGD: style("#1f6fb4", SOLID, "o"),
  Momentum: style("#d1560b", DASHED, "s"),
  Nesterov: style("#b0418f", DASH_DOT, "^"),
  LocalGains: style("#94613c", DOTTED, "v"),
  Rprop: style("#8d6a85", DASHED, "<"),
  Adagrad: style("#c42942", DOTTED, "D"),
  Adadelta: style("#8a6d00", LONG_DASHED, ">"),
  RMSprop: style("#7a5cd6", DASH_DOT_DOT, "v"),
  Adam: style("#00916a", SOLID, "P"),
  AMSGrad: style("#638a1f", DASHED, "X"),
  Adamax: style("#4f7f5f", DOTTED, "p"),
  NAdam: style("#e8588a", DASH_DOT, "h"),
  RAdam: style("#3a90e5", LONG_DASHED, "d"),
  AdamW: style("#1b93ab", DASHED, "*"),
  Lion: style("#ad5a1e", SOLID, "8"),
  "Schedule-Free": style("#0e7670", DASH_DOT_DOT, "p"),
};
