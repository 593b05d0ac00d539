// The markers of Matplotlib that the book uses, as polygons around 0 of about radius 1.

const around = (n, turn, radius = () => 1) =>
  Array.from({ length: n }, (_, k) => {
    const angle = turn + (2 * Math.PI * k) / n;
    return [radius(k) * Math.sin(angle), -radius(k) * Math.cos(angle)];
  });

const cross = (turn) => {
  const a = 0.36;
  const corners = [[-a, -1], [a, -1], [a, -a], [1, -a], [1, a], [a, a], [a, 1], [-a, 1], [-a, a], [-1, a], [-1, -a], [-a, -a]];
  const [c, s] = [Math.cos(turn), Math.sin(turn)];
  return corners.map(([x, y]) => [c * x - s * y, s * x + c * y]);
};

const POLYGONS = {
  o: around(24, 0),
  s: around(4, Math.PI / 4, () => 1.25),
  D: around(4, 0, () => 1.25),
  d: around(4, 0, (k) => (k % 2 ? 0.75 : 1.25)),
  "^": around(3, 0, () => 1.2),
  v: around(3, Math.PI, () => 1.2),
  "<": around(3, -Math.PI / 2, () => 1.2),
  ">": around(3, Math.PI / 2, () => 1.2),
  p: around(5, 0, () => 1.1),
  h: around(6, 0, () => 1.1),
  H: around(6, Math.PI / 6, () => 1.1),
  8: around(8, Math.PI / 8, () => 1.05),
  "*": around(10, 0, (k) => (k % 2 ? 0.5 : 1.3)),
  P: cross(0),
  X: cross(Math.PI / 4),
};

/** Draw a marker at (x, y), filled with `color` and edged with `edge`. */
export function drawMarker(ctx, marker, x, y, radius, color, edge) {
  ctx.beginPath();
  for (const [dx, dy] of POLYGONS[marker]) ctx.lineTo(x + radius * dx, y + radius * dy);
  ctx.closePath();
  ctx.setLineDash([]);
  ctx.lineWidth = 1.2;
  ctx.strokeStyle = edge;
  ctx.stroke();
  ctx.fillStyle = color;
  ctx.fill();
}
