// What goes on inside the method in focus: four quantities of both weights, step by step.
import { fit, plain, powerOfTen, powers, segment, ticks, drawAxes } from "./canvas.js";
import { METHODS } from "./methods.js";
import { STYLES } from "./styles.js";
import { lifted } from "./palette.js";

const FIRST = { v: "Velocity v", m: "First moment m" };
const SECOND = { v: "Second moment v", largest: "Largest second moment", u: "Largest gradient u" };

/** The quantities of a method: what to call them, where they are, how to draw them. */
export function quantities(name) {
  const { first, second } = METHODS[name];
  return [
    { key: "gradient", words: "Gradient g", log: false },
    { key: "first", words: first ? FIRST[first] : "Velocity", log: false, missing: !first },
    { key: "second", words: second ? SECOND[second] : "Second moment", log: true, missing: !second },
    { key: "rate", words: "Effective rate", log: true },
  ];
}

/** A quantity after this many steps: two numbers, or null before the first step. */
export function valueAt(run, key, step) {
  if (!run || step < 1 || run.log.length === 0) return null;
  return run.log[Math.min(step, run.log.length) - 1][key];
}

export function drawQuantity(canvas, run, { key, log, missing }, steps, step, palette) {
  const { ctx, width, height } = fit(canvas);
  const box = { left: 46, top: 6, right: width - 6, bottom: height - 8 };
  if (missing || !run || !run.log.length) return;
  const of = log ? (v) => Math.log10(Math.max(v, 1e-16)) : (v) => v;
  const values = run.log.map((entry) => entry[key].map(of));
  const [low, high] = ends(values, log);
  const x = (t) => box.left + ((box.right - box.left) * t) / steps;
  const y = (v) => box.bottom - ((box.bottom - box.top) * (v - low)) / (high - low);
  const marks = log ? powers(low, high, 3).map((k) => [y(k), powerOfTen(k)]) : ticks(low, high, 3).map((v) => [y(v), plain(v, 2)]);
  drawAxes(ctx, box, [], marks, palette);
  ctx.save();
  ctx.beginPath();
  ctx.rect(box.left, 0, box.right - box.left, height);
  ctx.clip();
  [lifted(STYLES[run.name].color, palette), palette.ink].forEach((color, i) => {
    ctx.strokeStyle = color;
    ctx.lineWidth = i ? 1.4 : 2;
    ctx.setLineDash(i ? [4, 3] : []);
    ctx.beginPath();
    values.forEach((pair, t) => {
      if (Number.isFinite(pair[i])) ctx.lineTo(x(t + 1), y(Math.min(Math.max(pair[i], low - 99), high + 99)));
    });
    ctx.stroke();
  });
  ctx.setLineDash([3, 3]);
  ctx.lineWidth = 1;
  ctx.strokeStyle = palette.muted;
  segment(ctx, x(step), box.top, x(step), box.bottom);
  ctx.restore();
}

function ends(values, log) {
  const all = values.flat().filter(Number.isFinite).sort((a, b) => a - b);
  if (!all.length) return [-1, 1];
  let [low, high] = [all[0], all[all.length - 1]];
  if (log) return [Math.floor(low), Math.max(Math.ceil(high), Math.floor(low) + 1)];
  const most = Math.abs(values[0][0]) + Math.abs(values[0][1]);
  low = Math.max(low, -20 * most - 1e-12);
  high = Math.min(high, 20 * most + 1e-12);
  const edge = 0.08 * (high - low || 1);
  return [low - edge, high + edge];
}
