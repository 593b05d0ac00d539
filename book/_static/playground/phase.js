// The phase map: where a method would end for every rate and one more hyperparameter.
import { between, channels } from "./palette.js";
import { drawAxes, fit, plain, powerOfTen, powers, segment, ticks } from "./canvas.js";
import { heightOf } from "./curves.js";
import { lastLoss } from "./walk.js";
import { SURFACES } from "./surfaces.js";
import { METHODS, suitableRate } from "./methods.js";

const ACROSS = 40;
const UPWARDS = 22;

// [lowest, highest, logarithmic]: memories near 1 are spread out as 1 minus a power of ten.
const RANGES = {
  momentum: [0, 1, "linear"],
  beta1: [0, 0.99, "linear"],
  alpha: [0, 0.999, "linear"],
  rho: [0, 0.999, "linear"],
  beta: [0, 0.6, "linear"],
  beta2: [-4, 0, "memory"],
  eps: [-8, 1, "log"],
  lr_decay: [0, 1, "linear"],
  weight_decay: [0, 1, "linear"],
  noise: [0, 4, "linear"],
};

/** Both axes: from the place in the map, 0 … 1, to the value and back. */
export function axesOf(settings, name, axis) {
  const middle = Math.log10(suitableRate(METHODS[name], SURFACES[settings.surface].rates));
  const [low, high, kind] = RANGES[axis];
  const values = {
    linear: [(p) => low + (high - low) * p, (v) => (v - low) / (high - low)],
    log: [(p) => 10 ** (low + (high - low) * p), (v) => (Math.log10(Math.max(v, 1e-99)) - low) / (high - low)],
    memory: [(p) => 1 - 10 ** (-(high - low) * p), (v) => -Math.log10(Math.max(1 - v, 1e-99)) / (high - low)],
  }[kind];
  return {
    rate: { to: (p) => 10 ** (middle - 2 + 3.5 * p), from: (v) => (Math.log10(Math.max(v, 1e-99)) - middle + 2) / 3.5, low: middle - 2, high: middle + 1.5 },
    other: { to: values[0], from: values[1], kind, low, high },
  };
}

/** The settings and hyperparameters of a place in the map. */
export function placeInPhase(settings, name, axis, px, py) {
  const { rate, other } = axesOf(settings, name, axis);
  const { hyper } = settings.methods.find((method) => method.name === name);
  const changed = { ...hyper, lr: rate.to(px) };
  if (axis === "noise") return { settings: { ...settings, noise: other.to(py) }, hyper: changed };
  return { settings, hyper: { ...changed, [axis]: other.to(py) } };
}

/** A map that is computed a little in each frame: coarse first, then every cell. */
export class Phase {
  constructor() {
    this.cells = new Float64Array(ACROSS * UPWARDS);
    this.order = coarseFirst();
    this.next = this.order.length;
  }

  begin(surface, settings, name, axis) {
    Object.assign(this, { surface, settings, name, axis, next: 0 });
    const { of } = heightOf(surface);
    this.first = of(surface.loss(...settings.start));
    this.of = of;
  }

  get done() {
    return this.next >= this.order.length;
  }

  /** Compute for some milliseconds, and one cell at least. */
  advance(budget) {
    const until = performance.now() + budget;
    for (let some = true; some && !this.done; some = performance.now() < until) {
      const [column, row, size] = this.order[this.next++];
      const { settings, hyper } = placeInPhase(this.settings, this.name, this.axis, (column + 0.5) / ACROSS, (row + 0.5) / UPWARDS);
      const { loss, diverged } = lastLoss(this.surface, settings, this.name, hyper);
      const value = diverged ? Infinity : this.of(loss) - this.first;
      for (let c = column; c < Math.min(column + size, ACROSS); c++) {
        for (let r = row; r < Math.min(row + size, UPWARDS); r++) this.cells[r * ACROSS + c] = value;
      }
    }
  }

  /** How many cells of the map diverge, and how many get to a thousandth of the first loss. */
  summary() {
    const diverged = this.cells.filter((v) => v === Infinity).length;
    const arrived = this.cells.filter((v) => v <= -3).length;
    return { diverged: diverged / this.cells.length, arrived: arrived / this.cells.length };
  }
}

function coarseFirst() {
  const order = [];
  const seen = new Set();
  for (const size of [4, 2, 1]) {
    for (let r = 0; r < UPWARDS; r += size) {
      for (let c = 0; c < ACROSS; c += size) {
        const key = r * ACROSS + c;
        if (!seen.has(key)) order.push([c, r, size]);
        seen.add(key);
      }
    }
  }
  return order;
}

export function phaseBox(width, height) {
  return { left: 46, top: 8, right: width - 10, bottom: height - 24 };
}

export function drawPhase(canvas, phase, palette) {
  const { ctx, width, height } = fit(canvas);
  const box = phaseBox(width, height);
  const { rate, other } = axesOf(phase.settings, phase.name, phase.axis);
  const [near, far] = [channels(palette.near), channels(palette.far)];
  const [w, h] = [(box.right - box.left) / ACROSS, (box.bottom - box.top) / UPWARDS];
  const { log } = heightOf(phase.surface);
  const depth = log ? 8 : lowest(phase.cells);
  ctx.fillStyle = palette.card;
  ctx.fillRect(box.left, box.top, box.right - box.left, box.bottom - box.top);
  const hatched = new Path2D();
  for (let r = 0; r < UPWARDS; r++) {
    for (let c = 0; c < ACROSS; c++) {
      const value = phase.cells[r * ACROSS + c];
      const [x, y] = [box.left + c * w, box.bottom - (r + 1) * h];
      if (value === Infinity) hatched.rect(x, y, w, h);
      else {
        const share = Math.min(Math.max(-value / depth, 0), 1);
        ctx.fillStyle = `rgb(${between(far, near, share).join(",")})`;
        ctx.fillRect(x, y, w + 0.5, h + 0.5);
      }
    }
  }
  hatch(ctx, hatched, box, palette);
  const xTicks = powers(rate.low, rate.high, 6).map((k) => [box.left + ((k - rate.low) / (rate.high - rate.low)) * (box.right - box.left), powerOfTen(k)]);
  const atY = (share) => box.bottom - share * (box.bottom - box.top);
  drawAxes(ctx, box, xTicks, otherTicks(other).map(([share, text]) => [atY(share), text]), { ...palette, grid: "transparent" });
  drawEdge(ctx, phase, rate, other, box, palette);
  const { hyper } = phase.settings.methods.find((method) => method.name === phase.name);
  const value = phase.axis === "noise" ? phase.settings.noise : hyper[phase.axis];
  crosshair(ctx, rate.from(hyper.lr), other.from(value), box, palette);
}

function lowest(cells) {
  const finite = cells.filter(Number.isFinite);
  return Math.max(1e-9, -Math.min(...finite, 0));
}

function otherTicks({ kind, low, high, from }) {
  if (kind === "linear") return ticks(low, high, 5).map((v) => [from(v), plain(v)]);
  if (kind === "log") return powers(low, high, 5).map((k) => [from(10 ** k), powerOfTen(k)]);
  return [0, 0.9, 0.99, 0.999].map((v) => [from(v), String(v)]);
}

function hatch(ctx, cells, box, palette) {
  ctx.save();
  ctx.clip(cells);
  ctx.strokeStyle = palette.muted;
  ctx.globalAlpha = 0.55;
  ctx.lineWidth = 1;
  ctx.setLineDash([]);
  const height = box.bottom - box.top;
  for (let x = box.left - height; x < box.right; x += 7) segment(ctx, x, box.bottom, x + height, box.top);
  ctx.restore();
}

/** On a ravine theory knows the edge of SGD and of momentum: η = 2(1 + μ)/κ. */
export function edgeOf(settings, name) {
  const known = settings.surface === "ravine" && settings.schedule === "constant" && !settings.clip;
  if (!known || (name !== "SGD" && name !== "Momentum")) return null;
  const steepest = Math.max(1, settings.kappa);
  return (mu) => (2 * (1 + (name === "SGD" ? 0 : mu))) / steepest;
}

function drawEdge(ctx, phase, rate, other, box, palette) {
  const edge = edgeOf(phase.settings, phase.name);
  if (!edge || (phase.axis !== "momentum" && phase.name !== "SGD")) return;
  ctx.save();
  ctx.beginPath();
  ctx.rect(box.left, box.top, box.right - box.left, box.bottom - box.top);
  ctx.clip();
  for (const [width, color] of [[4, palette.card], [1.6, palette.ink]]) {
    ctx.beginPath();
    for (let k = 0; k <= 40; k++) {
      const px = rate.from(edge(other.to(k / 40)));
      ctx.lineTo(box.left + px * (box.right - box.left), box.bottom - (k / 40) * (box.bottom - box.top));
    }
    ctx.setLineDash([]);
    ctx.lineWidth = width;
    ctx.strokeStyle = color;
    ctx.stroke();
  }
  ctx.restore();
}

function crosshair(ctx, px, py, box, palette) {
  const x = box.left + Math.min(Math.max(px, 0), 1) * (box.right - box.left);
  const y = box.bottom - Math.min(Math.max(py, 0), 1) * (box.bottom - box.top);
  ctx.setLineDash([]);
  for (const [width, color] of [[5, palette.card], [2, palette.ink]]) {
    ctx.lineWidth = width;
    ctx.strokeStyle = color;
    ctx.beginPath();
    ctx.arc(x, y, 7, 0, 2 * Math.PI);
    ctx.stroke();
  }
}
