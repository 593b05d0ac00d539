// Shades and lines of equal loss.

/** The loss on a grid over the map, rows from the top. */
export function sample(surface, columns, rows) {
  const [[low1, high1], [low2, high2]] = surface.domain;
  const values = new Float64Array(columns * rows);
  for (let r = 0; r < rows; r++) {
    const w2 = high2 - ((high2 - low2) * r) / (rows - 1);
    for (let c = 0; c < columns; c++) {
      values[r * columns + c] = surface.loss(low1 + ((high1 - low1) * c) / (columns - 1), w2);
    }
  }
  return { values, columns, rows };
}

/** From a loss to 0 … 1, by the power that puts the median of the map halfway. */
export function spread({ values }) {
  const sorted = Float64Array.from(values).sort();
  const low = sorted[0];
  const high = sorted[sorted.length - 1];
  const middle = (sorted[sorted.length >> 1] - low) / (high - low);
  const power = -Math.log2(Math.min(Math.max(middle, 2 ** -8), 0.5));
  return {
    share: (loss) => (Math.max(loss - low, 0) / (high - low)) ** (1 / power),
    level: (share) => low + (high - low) * share ** power,
  };
}

/**
 * Marching squares: draw(x1, y1, x2, y2) is told each piece of the lines of these rising levels, in
 * cells of the grid. Most cells are crossed by no line, so each is looked at once for all of them.
 */
export function contours({ values, columns, rows }, levels, draw) {
  for (let r = 0; r < rows - 1; r++) {
    for (let c = 0; c < columns - 1; c++) {
      const k = r * columns + c;
      const a = values[k];
      const b = values[k + 1];
      const d = values[k + columns];
      const e = values[k + columns + 1];
      const low = Math.min(a, b, d, e);
      const high = Math.max(a, b, d, e);
      for (const level of levels) {
        if (level >= high) break;
        if (level < low) continue;
        const kind = (a > level) + 2 * (b > level) + 4 * (e > level) + 8 * (d > level);
        const top = c + (level - a) / (b - a);
        const right = r + (level - b) / (e - b);
        const bottom = c + (level - d) / (e - d);
        const left = r + (level - a) / (d - a);
        if (kind === 1 || kind === 14 || kind === 5) draw(c, left, top, r);
        if (kind === 2 || kind === 13 || kind === 10) draw(top, r, c + 1, right);
        if (kind === 4 || kind === 11 || kind === 5) draw(c + 1, right, bottom, r + 1);
        if (kind === 8 || kind === 7 || kind === 10) draw(bottom, r + 1, c, left);
        if (kind === 3 || kind === 12) draw(c, left, c + 1, right);
        if (kind === 6 || kind === 9) draw(top, r, bottom, r + 1);
      }
    }
  }
}
