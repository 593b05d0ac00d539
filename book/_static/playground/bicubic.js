// A smooth surface through a table of losses, as course_lib.network_slice has it.

const clamp = (x, low, high) => Math.min(Math.max(x, low), high);

function cubic(p0, p1, p2, p3, f) {
  const a = 3 * (p1 - p2) + p3 - p0;
  const b = 2 * p0 - 5 * p1 + 4 * p2 - p3;
  return p1 + (f / 2) * (p2 - p0 + f * (b + f * a));
}

function cubicSlope(p0, p1, p2, p3, f) {
  const a = 3 * (p1 - p2) + p3 - p0;
  const b = 2 * p0 - 5 * p1 + 4 * p2 - p3;
  return (p2 - p0 + f * (2 * b + f * 3 * a)) / 2;
}

/** Loss and gradient; beyond the table the squared distance from its edge is added. */
export function catmullRom(table, domain) {
  const counts = [table.length, table[0].length];
  const place = (w, axis) => {
    const [low, high] = domain[axis];
    const inside = clamp(w, low, high);
    const scale = (counts[axis] - 1) / (high - low);
    const u = (inside - low) * scale;
    const cell = clamp(Math.floor(u), 0, counts[axis] - 2);
    return { cell, f: u - cell, out: w - inside, scale };
  };
  const at = (i, j) => table[clamp(i, 0, counts[0] - 1)][clamp(j, 0, counts[1] - 1)];
  const across = (along, i, j, f) =>
    [-1, 0, 1, 2].map((k) => along(at(i + k, j - 1), at(i + k, j), at(i + k, j + 1), at(i + k, j + 2), f));

  return {
    loss(w1, w2) {
      if (!Number.isFinite(w1 + w2)) return NaN;
      const a = place(w1, 0);
      const b = place(w2, 1);
      const rows = across(cubic, a.cell, b.cell, b.f);
      return cubic(...rows, a.f) + a.out ** 2 + b.out ** 2;
    },
    gradient(w1, w2, g) {
      g[0] = NaN;
      g[1] = NaN;
      if (!Number.isFinite(w1 + w2)) return;
      const a = place(w1, 0);
      const b = place(w2, 1);
      const slope1 = cubicSlope(...across(cubic, a.cell, b.cell, b.f), a.f) * a.scale;
      const slope2 = cubic(...across(cubicSlope, a.cell, b.cell, b.f), a.f) * b.scale;
      g[0] = a.out ? 2 * a.out : slope1;
      g[1] = b.out ? 2 * b.out : slope2;
    },
  };
}
