// The map: the surface from above, and the paths on it.
import { contours, sample, spread } from "./contours.js";
import { between, channels, lifted } from "./palette.js";
import { dashOf, drawAxes, fit, plain, segment, ticks } from "./canvas.js";
import { drawMarker } from "./markers.js";
import { STYLES } from "./styles.js";

const FINE = [161, 121];
const COARSE = [97, 73]; // on a phone, whose map is small and whose processor slow
const LEVELS = 15;
const LINE = 2.2;

// Around a map: room for the numbers of its axes.
const WITH_AXES = { left: 38, top: 10, right: 10, bottom: 26 };

/** Where the map lies in its canvas, and from weights to pixels and back. */
export function frame(surface, width, height, room = WITH_AXES) {
  const box = { left: room.left, top: room.top, right: width - room.right, bottom: height - room.bottom };
  const [[low1, high1], [low2, high2]] = surface.domain;
  const scale1 = (box.right - box.left) / (high1 - low1);
  const scale2 = (box.bottom - box.top) / (high2 - low2);
  return {
    box,
    toPixel: ([a, b]) => [box.left + (a - low1) * scale1, box.bottom - (b - low2) * scale2],
    toWeights: (x, y) => [low1 + (x - box.left) / scale1, low2 + (box.bottom - y) / scale2],
  };
}

/** Shades, lines and axes: drawn once for each surface, size and theme. */
export function drawGround(canvas, surface, palette) {
  const { ctx, width, height } = fit(canvas);
  const { box, toPixel } = frame(surface, width, height);
  const grid = sample(surface, ...(width < 480 ? COARSE : FINE));
  const scale = spread(grid);
  ctx.drawImage(shades(grid, scale, palette), box.left, box.top, box.right - box.left, box.bottom - box.top);

  ctx.strokeStyle = palette.line;
  ctx.lineWidth = 0.8;
  const sx = (box.right - box.left) / (grid.columns - 1);
  const sy = (box.bottom - box.top) / (grid.rows - 1);
  ctx.beginPath();
  const levels = Array.from({ length: LEVELS - 1 }, (_, k) => scale.level((k + 1) / LEVELS));
  contours(grid, levels, (x1, y1, x2, y2) => {
    ctx.moveTo(box.left + x1 * sx, box.top + y1 * sy);
    ctx.lineTo(box.left + x2 * sx, box.top + y2 * sy);
  });
  ctx.stroke();

  const [[low1, high1], [low2, high2]] = surface.domain;
  const clear = { ...palette, grid: "transparent" };
  const xTicks = ticks(low1, high1, 5).map((t) => [toPixel([t, 0])[0], plain(t)]);
  const yTicks = ticks(low2, high2, 5).map((t) => [toPixel([0, t])[1], plain(t)]);
  drawAxes(ctx, box, xTicks, yTicks, clear);
  for (const w of surface.minima) drawMarker(ctx, "*", ...toPixel(w), 7, palette.ink, palette.card);
  for (const w of surface.corners ?? []) drawMarker(ctx, "*", ...toPixel(w), 7, palette.ink, palette.card);
}

function shades({ values, columns, rows }, scale, palette) {
  const small = document.createElement("canvas");
  small.width = columns;
  small.height = rows;
  const ctx = small.getContext("2d");
  const image = ctx.createImageData(columns, rows);
  const [low, high] = [channels(palette.low), channels(palette.high)];
  for (let k = 0; k < values.length; k++) {
    const [r, g, b] = between(low, high, scale.share(values[k]));
    image.data[4 * k] = r;
    image.data[4 * k + 1] = g;
    image.data[4 * k + 2] = b;
    image.data[4 * k + 3] = 255;
  }
  ctx.putImageData(image, 0, 0);
  return small;
}

/** The paths up to this step, a diverging one up to the edge, and the start to drag; short paths with their steps as `dots`. */
export function drawPaths(canvas, surface, runs, step, focus, palette, { room, dots = true } = {}) {
  const { ctx, width, height } = fit(canvas);
  const { box, toPixel } = frame(surface, width, height, room);
  const inOrder = [...runs].sort((a, b) => (a.name === focus) - (b.name === focus));
  for (const { name, path, verdict } of inOrder) {
    const style = STYLES[name];
    const color = lifted(style.color, palette);
    const gone = ["diverges", "infinite"].includes(verdict.kind) ? verdict.left : Infinity;
    const points = path.slice(0, Math.min(step, gone) + 1).map(toPixel);
    ctx.lineJoin = "round";
    ctx.lineWidth = name === focus ? LINE * 1.3 : LINE;
    ctx.strokeStyle = color;
    ctx.setLineDash(dashOf(style, LINE));
    const exit = drawLine(ctx, points, box);
    ctx.setLineDash([]);
    if (dots && points.length <= 40) for (const p of points.slice(1, -1)) dot(ctx, p, box, color);
    const end = points[points.length - 1];
    if (isIn(end, box)) drawMarker(ctx, style.marker, ...end, 6, color, palette.card);
    else if (exit) drawExit(ctx, exit, color, palette);
  }
  drawStart(ctx, toPixel(runs.length ? runs[0].path[0] : surface.start), palette);
}

const isIn = ([x, y], { left, top, right, bottom }) => x >= left && x <= right && y >= top && y <= bottom;

function dot(ctx, p, box, color) {
  if (!isIn(p, box)) return;
  ctx.beginPath();
  ctx.arc(p[0], p[1], 2.4, 0, 2 * Math.PI);
  ctx.fillStyle = color;
  ctx.fill();
}

/** The line inside of the box; returns [x, y, dx, dy] where it leaves for the last time. */
function drawLine(ctx, points, box) {
  let exit = null;
  ctx.beginPath();
  let pen = null;
  for (let k = 1; k < points.length; k++) {
    const [from, to] = [points[k - 1], nearEnough(points[k - 1], points[k])];
    const cut = to && clipTo(box, from, to);
    if (!cut) continue;
    const [x1, y1, x2, y2] = cut;
    if (!pen || pen[0] !== x1 || pen[1] !== y1) ctx.moveTo(x1, y1);
    ctx.lineTo(x2, y2);
    pen = [x2, y2];
    if (isIn(from, box) && !isIn(to, box)) exit = [x2, y2, to[0] - from[0], to[1] - from[1]];
  }
  ctx.stroke();
  return exit;
}

/** The next point; where it is no number, far off in a direction that is still known. */
function nearEnough(from, to) {
  if (to.every(Number.isFinite)) return to;
  const ahead = to.map((c, i) => (Number.isFinite(c) ? c - from[i] : Number.isNaN(c) ? 0 : Math.sign(c) * 1e9));
  return ahead.some((d) => d !== 0) ? from.map((c, i) => c + ahead[i]) : null;
}

/** Liang and Barsky: the part of a line inside of a box. */
function clipTo({ left, top, right, bottom }, [x1, y1], [x2, y2]) {
  let [begin, end] = [0, 1];
  const [dx, dy] = [x2 - x1, y2 - y1];
  for (const [p, q] of [[-dx, x1 - left], [dx, right - x1], [-dy, y1 - top], [dy, bottom - y1]]) {
    if (p === 0) {
      if (q < 0) return null;
    } else if (p < 0) begin = Math.max(begin, q / p);
    else end = Math.min(end, q / p);
  }
  if (!(begin <= end)) return null;
  return [x1 + begin * dx, y1 + begin * dy, x1 + end * dx, y1 + end * dy];
}

function drawExit(ctx, [x, y, dx, dy], color, palette) {
  const length = Math.hypot(dx, dy) || 1;
  const [ux, uy] = [dx / length, dy / length];
  ctx.beginPath();
  ctx.moveTo(x + 2 * ux, y + 2 * uy);
  ctx.lineTo(x - 11 * ux - 6 * uy, y - 11 * uy + 6 * ux);
  ctx.lineTo(x - 11 * ux + 6 * uy, y - 11 * uy - 6 * ux);
  ctx.closePath();
  ctx.lineWidth = 1.5;
  ctx.strokeStyle = palette.card;
  ctx.stroke();
  ctx.fillStyle = color;
  ctx.fill();
}

function drawStart(ctx, [x, y], palette) {
  ctx.lineWidth = 2.5;
  ctx.beginPath();
  ctx.arc(x, y, 9, 0, 2 * Math.PI);
  ctx.fillStyle = palette.card;
  ctx.globalAlpha = 0.85;
  ctx.fill();
  ctx.globalAlpha = 1;
  ctx.strokeStyle = palette.ink;
  ctx.stroke();
  ctx.lineWidth = 1.5;
  segment(ctx, x - 4, y, x + 4, y);
  segment(ctx, x, y - 4, x, y + 4);
}

/** Dragging by mouse, pen, touch and arrow keys; move(weights) is told each new start. */
export function listen(canvas, current, move, room) {
  const at = (event) => {
    const bounds = canvas.getBoundingClientRect();
    const { toWeights } = frame(current().surface, canvas.clientWidth, canvas.clientHeight, room);
    return toWeights(event.clientX - bounds.left, event.clientY - bounds.top);
  };
  canvas.addEventListener("pointerdown", (event) => {
    if (event.button !== 0) return;
    canvas.setPointerCapture(event.pointerId);
    canvas.focus({ preventScroll: true });
    move(at(event));
    event.preventDefault();
  });
  canvas.addEventListener("pointermove", (event) => {
    if (canvas.hasPointerCapture(event.pointerId)) move(at(event));
  });
  const arrows = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, 1], ArrowDown: [0, -1] };
  canvas.addEventListener("keydown", (event) => {
    const arrow = arrows[event.key];
    if (!arrow || event.ctrlKey || event.altKey || event.metaKey) return;
    const { surface, settings } = current();
    const part = event.shiftKey ? 10 : 100;
    move(settings.start.map((w, i) => w + (arrow[i] * (surface.domain[i][1] - surface.domain[i][0])) / part));
    event.preventDefault();
  });
}
