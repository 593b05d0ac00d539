// The map of the first page: hills in the light of a low sun, and lines of equal loss.
import { between, channels } from "./palette.js";
import { contours, sample, spread } from "./contours.js";
import { drawMarker } from "./markers.js";
import { fit } from "./canvas.js";
import { frame } from "./map.js";

const RELIEF = 96;
const RELIEF_LINES = 18;
const SUN = [-0.62, -0.62, 0.48]; // from the upper left: x to the right, y down, z up
const STEEP = 17; // a unit of loss, in cells of the grid

/** Draws in pieces, so that nobody waits for it. The whole canvas is map; `room` is what `frame` takes. */
export function* drawRelief(canvas, surface, palette, room) {
  const { ctx, width, height } = fit(canvas);
  if (!width || !height) return;
  const grid = sample(surface, RELIEF, Math.round((RELIEF * height) / width));
  yield;
  const scale = spread(grid);
  ctx.drawImage(lit(grid, scale, palette), 0, 0, width, height);
  ctx.lineWidth = 0.7;
  ctx.strokeStyle = palette.line;
  ctx.globalAlpha = 0.55;
  const [sx, sy] = [width / (grid.columns - 1), height / (grid.rows - 1)];
  yield;
  const levels = Array.from({ length: RELIEF_LINES - 1 }, (_, k) => scale.level((k + 1) / RELIEF_LINES));
  ctx.beginPath();
  contours(grid, levels, (x1, y1, x2, y2) => {
    ctx.moveTo(x1 * sx, y1 * sy);
    ctx.lineTo(x2 * sx, y2 * sy);
  });
  ctx.stroke();
  yield;
  ctx.globalAlpha = 1;
  const { toPixel } = frame(surface, width, height, room);
  for (const w of surface.corners) drawMarker(ctx, "*", ...toPixel(w), 8, palette.ink, palette.card);
}

/** Low is `low`, high is `high`, and slopes away from the sun lie in the shade. */
function lit({ values, columns, rows }, scale, palette) {
  const small = document.createElement("canvas");
  [small.width, small.height] = [columns, rows];
  const ctx = small.getContext("2d");
  const image = ctx.createImageData(columns, rows);
  const [low, high, shade, light] = ["low", "high", "shade", "light"].map((name) => channels(palette[name]));
  const at = (c, r) => values[Math.min(Math.max(r, 0), rows - 1) * columns + Math.min(Math.max(c, 0), columns - 1)];
  for (let r = 0; r < rows; r++) {
    for (let c = 0; c < columns; c++) {
      const dx = (STEEP * (at(c + 1, r) - at(c - 1, r))) / 2;
      const dy = (STEEP * (at(c, r + 1) - at(c, r - 1))) / 2;
      const bright = (SUN[2] - SUN[0] * dx - SUN[1] * dy) / Math.hypot(1, dx, dy) / SUN[2] - 1; // 0 on flat ground
      const ground = between(low, high, scale.share(at(c, r)));
      const color = between(ground, bright < 0 ? shade : light, Math.min(Math.abs(bright) * 0.75, 0.85));
      image.data.set([...color, 255], 4 * (r * columns + c));
    }
  }
  ctx.putImageData(image, 0, 0);
  return small;
}
