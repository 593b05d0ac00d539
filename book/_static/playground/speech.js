// What happened, in words: beside each method, and for those who do not see the map.
import { SURFACES } from "./surfaces.js";
import { plain } from "./canvas.js";

const steps = (n) => (n === 1 ? "1 step" : `${n} steps`);

/** How a run ended, in a few words. */
export function verdictOf({ hyper, verdict, losses, path }) {
  const { kind, step, left } = verdict;
  const last = losses.length - 1;
  switch (kind) {
    case "infinite":
      if (left === step && path[last].some(Number.isNaN)) return `stops after ${steps(step)}: 0 divided by 0`;
      return `diverges: leaves the map at step ${left}, no finite number after ${steps(step)}`;
    case "diverges":
      return `diverges: leaves the map at step ${step}`;
    case "leaves":
      return `leaves the map downhill at step ${step}`;
    case "still":
      return hyper.lr === 0 ? "stands still: its rate is 0" : "stands still";
    case "arrived":
      return `arrives after ${steps(step)}`;
    default:
      return `loss ${plain(losses[last])} after ${steps(last)}`;
  }
}

/** The whole picture in a few sentences. */
export function describe(settings, runs) {
  const [a, b] = settings.start.map((w) => plain(w));
  const ends = runs.map((run) => `${run.name} ${verdictOf(run)}.`);
  return [`${SURFACES[settings.surface].name}, start at ${a}, ${b}.`, ...ends].join(" ");
}

/** What a phase map says, in a sentence. */
export function describePhase({ name, summary, words, reachable }) {
  const percent = (share) => `${Math.round(100 * share)} %`;
  const arrives = reachable ? `, ${percent(summary.arrived)} lower the loss a thousandfold` : "";
  return `Rate of ${name} across, ${words} upwards: ${percent(summary.diverged)} of the map diverges${arrives}.`;
}
