// A run of one method from one start, what was inside it at each step, and how it ended.
import { METHODS, freshState, takeStep } from "./methods.js";
import { SCHEDULES } from "./schedules.js";
import { tilt } from "./noise.js";

const GOAL = 1e-3; // the share of the first loss, above the floor, that counts as arrived

function clipNorm(g, most) {
  const scale = Math.min(most / Math.hypot(g[0], g[1]), 1);
  g[0] *= scale;
  g[1] *= scale;
}

/** Calls see(t, w, g, s, lr) after each step until the end or the first infinity or NaN. */
function eachStep(surface, settings, name, hyper, see) {
  const method = METHODS[name];
  const schedule = SCHEDULES[settings.schedule].make(hyper.lr, settings.steps);
  const w = Float64Array.from(settings.start);
  const g = new Float64Array(2);
  const xi = new Float64Array(2);
  const s = freshState(method);
  const h = { ...hyper };
  for (let t = 0; t < settings.steps; t++) {
    surface.gradient(w[0], w[1], g);
    if (settings.noise) {
      tilt(settings.seed, t, settings.noise, xi);
      g[0] += xi[0];
      g[1] += xi[1];
    }
    if (settings.clip) clipNorm(g, settings.clip);
    h.lr = schedule(t);
    takeStep(method, w, g, s, h);
    see(t + 1, w, g, s, h.lr);
    if (!Number.isFinite(w[0]) || !Number.isFinite(w[1])) return;
  }
}

/** The whole run: path and losses, and with `inside` every quantity of every step. */
export function run(surface, settings, name, hyper, inside = false) {
  const method = METHODS[name];
  const path = [[...settings.start]];
  const losses = [surface.loss(...settings.start)];
  const log = [];
  eachStep(surface, settings, name, hyper, (t, w, g, s, lr) => {
    path.push([w[0], w[1]]);
    losses.push(surface.loss(w[0], w[1]));
    if (inside) {
      log.push({
        lr,
        gradient: [g[0], g[1]],
        first: method.first ? [...s[method.first]] : null,
        second: method.second ? [...s[method.second]] : null,
        rate: [...s.rate],
      });
    }
  });
  return { name, hyper, path, losses, log, verdict: judge(surface, settings, path, losses) };
}

/** The loss at the end alone, for a phase map. */
export function lastLoss(surface, settings, name, hyper) {
  const end = [...settings.start];
  eachStep(surface, settings, name, hyper, (t, w) => {
    end[0] = w[0];
    end[1] = w[1];
  });
  const loss = surface.loss(...end);
  return { loss, diverged: !Number.isFinite(loss) || hasDiverged(surface, end, loss, settings) };
}

export function isOutside(surface, [a, b], margin = 0) {
  const [[low1, high1], [low2, high2]] = surface.domain;
  const m1 = margin * (high1 - low1);
  const m2 = margin * (high2 - low2);
  return !(a >= low1 - m1 && a <= high1 + m1 && b >= low2 - m2 && b <= high2 + m2);
}

function hasDiverged(surface, end, loss, settings) {
  const before = surface.loss(...settings.start);
  return isOutside(surface, end) && loss > before && loss - before > 1e-9 * Math.abs(before);
}

/** How a run ended: {kind, step}. */
function judge(surface, settings, path, losses) {
  const last = path.length - 1;
  const outside = path.findIndex((w) => isOutside(surface, w));
  const left = outside < 0 ? last : outside;
  if (!Number.isFinite(losses[last]) || !path[last].every(Number.isFinite)) {
    return { kind: "infinite", step: last, left };
  }
  if (hasDiverged(surface, path[last], losses[last], settings)) return { kind: "diverges", step: left, left };
  if (path.every((w) => w[0] === path[0][0] && w[1] === path[0][1])) return { kind: "still", step: 0 };
  if (surface.floor !== undefined) {
    const goal = surface.floor + GOAL * (losses[0] - surface.floor);
    // Whoever only flies through has not arrived: from this step on it stays.
    if (losses[last] <= goal) return { kind: "arrived", step: losses.findLastIndex((loss) => loss > goal) + 1 };
  }
  if (isOutside(surface, path[last])) return { kind: "leaves", step: left };
  return { kind: "on the way", step: last };
}
