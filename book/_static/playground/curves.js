// The losses of all runs, step by step.
import { dashOf, drawAxes, fit, plain, powerOfTen, powers, segment, ticks } from "./canvas.js";
import { STYLES } from "./styles.js";
import { lifted } from "./palette.js";

const LEAST = 1e-12; // below it a loss is drawn as this

/** What the curves show of a loss: its distance from the lowest, or itself. */
export function heightOf(surface) {
  if (surface.floor === undefined) return { log: false, of: (loss) => loss };
  return { log: true, of: (loss) => Math.log10(Math.max(loss - surface.floor, LEAST)) };
}

export function drawCurves(canvas, surface, settings, runs, step, focus, palette) {
  const { ctx, width, height } = fit(canvas);
  const box = { left: 46, top: 8, right: width - 14, bottom: height - 24 };
  const { log, of } = heightOf(surface);
  const [low, high] = range(runs, of, log);
  const x = (t) => box.left + ((box.right - box.left) * t) / settings.steps;
  const y = (v) => box.bottom - ((box.bottom - box.top) * (v - low)) / (high - low);
  const yTicks = log ? powers(low, high, 6).map((k) => [y(k), powerOfTen(k)]) : ticks(low, high, 5).map((v) => [y(v), plain(v)]);
  drawAxes(ctx, box, ticks(0, settings.steps, 5).map((t) => [x(t), plain(t)]), yTicks, palette);

  ctx.save();
  ctx.beginPath();
  ctx.rect(box.left, box.top - 4, box.right - box.left + 4, box.bottom - box.top + 8);
  ctx.clip();
  for (const { name, losses } of runs) {
    const style = STYLES[name];
    const line = name === focus ? 2.6 : 2;
    ctx.lineWidth = line;
    ctx.lineJoin = "round";
    ctx.strokeStyle = lifted(style.color, palette);
    ctx.setLineDash(dashOf(style, 2));
    ctx.beginPath();
    losses.forEach((loss, t) => {
      const v = of(loss);
      ctx.lineTo(x(t), y(Number.isFinite(v) ? Math.min(Math.max(v, low - 9), high + 9) : high + 9));
    });
    ctx.stroke();
  }
  ctx.setLineDash([3, 3]);
  ctx.lineWidth = 1;
  ctx.strokeStyle = palette.muted;
  segment(ctx, x(step), box.top, x(step), box.bottom);
  ctx.restore();
}

/** Both ends of the axis: all that is finite, but not much above where the runs began. */
function range(runs, of, log) {
  const first = runs.length ? of(runs[0].losses[0]) : 1;
  let low = first;
  let high = first;
  for (const { losses } of runs) {
    for (const loss of losses) {
      const v = of(loss);
      if (!Number.isFinite(v)) continue;
      low = Math.min(low, v);
      high = Math.max(high, v);
    }
  }
  if (log) return [Math.floor(Math.min(low, first - 1)), Math.ceil(Math.min(high, first + 2) + 0.1)];
  const room = Math.max(Math.abs(first), 0.5);
  low = Math.max(low, first - 6 * room);
  high = Math.min(high, first + 3 * room);
  const edge = 0.06 * (high - low || 1);
  return [low - edge, high + edge];
}
