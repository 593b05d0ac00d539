// Canvases that are sharp on every screen, and axes on them.

/** Size a canvas to its box; drawing is then in CSS pixels. */
export function fit(canvas) {
  const width = canvas.clientWidth;
  const height = canvas.clientHeight;
  const scale = Math.min(window.devicePixelRatio || 1, 3);
  const [w, h] = [Math.round(width * scale), Math.round(height * scale)];
  if (canvas.width !== w) canvas.width = w;
  if (canvas.height !== h) canvas.height = h;
  const ctx = canvas.getContext("2d");
  ctx.setTransform(scale, 0, 0, scale, 0, 0);
  ctx.clearRect(0, 0, width, height);
  ctx.font = "12px system-ui, sans-serif";
  return { ctx, width, height, scale };
}

/** Round numbers between two ends, about `count` of them. */
export function ticks(low, high, count) {
  if (!(high > low)) return [low];
  const rough = (high - low) / count;
  const power = 10 ** Math.floor(Math.log10(rough));
  const step = [1, 2, 5, 10].find((k) => k * power >= rough) * power;
  const found = [];
  for (let k = Math.ceil(low / step - 1e-9); k * step <= high * (1 + 1e-9) + step * 1e-9; k++) found.push(k * step);
  return found;
}

/** Powers of ten between two exponents, at most `count`. */
export function powers(low, high, count) {
  const step = Math.max(1, Math.ceil((high - low) / count));
  const found = [];
  for (let k = Math.ceil(low / step) * step; k <= high; k += step) found.push(k);
  return found;
}

const RAISED = { "-": "⁻", 0: "⁰", 1: "¹", 2: "²", 3: "³", 4: "⁴", 5: "⁵", 6: "⁶", 7: "⁷", 8: "⁸", 9: "⁹" };

/** 10 to this power, as short as it reads well. */
export function powerOfTen(k) {
  if (k >= -2 && k <= 3) return String(Number((10 ** k).toPrecision(2)));
  return `10${[...String(k)].map((c) => RAISED[c]).join("")}`;
}

/** A number as a person would write it. */
export function plain(x, digits = 3) {
  if (Number.isNaN(x)) return "NaN";
  if (!Number.isFinite(x)) return x > 0 ? "∞" : "−∞";
  if (x === 0) return "0";
  const size = Math.abs(x);
  if (size >= 1e5 || size < 1e-3) {
    const [mantissa, k] = x.toExponential(digits - 2).split("e");
    return `${mantissa.replace("-", "−")}·10${[...String(Number(k))].map((c) => RAISED[c]).join("")}`;
  }
  return String(Number(x.toPrecision(digits))).replace("-", "−");
}

/** A frame with lines and labels: box {left, top, right, bottom}, ticks as [pixel, text]. */
export function drawAxes(ctx, box, xTicks, yTicks, palette) {
  ctx.setLineDash([]);
  ctx.lineWidth = 1;
  ctx.strokeStyle = palette.grid;
  ctx.fillStyle = palette.muted;
  ctx.textAlign = "center";
  ctx.textBaseline = "top";
  for (const [x, text] of xTicks) {
    segment(ctx, x, box.top, x, box.bottom);
    ctx.fillText(text, x, box.bottom + 5);
  }
  ctx.textAlign = "right";
  ctx.textBaseline = "middle";
  for (const [y, text] of yTicks) {
    segment(ctx, box.left, y, box.right, y);
    ctx.fillText(text, box.left - 6, y);
  }
}

export function segment(ctx, x1, y1, x2, y2) {
  ctx.beginPath();
  ctx.moveTo(x1, y1);
  ctx.lineTo(x2, y2);
  ctx.stroke();
}

/** The dash of a method in pixels, for a line of this width. */
export function dashOf(style, width) {
  return style.dash.map((part) => part * width);
}
