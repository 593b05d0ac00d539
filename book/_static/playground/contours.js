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

/** Marching squares: the pieces of the line of one level, in cells of the grid. */
export function* contour({ values, columns, rows }, level) {
  for (let r = 0; r < rows - 1; r++) {
    for (let c = 0; c < columns - 1; c++) {
      const k = r * columns + c;
      const a = values[k];
      const b = values[k + 1];
      const d = values[k + columns];
      const e = values[k + columns + 1];
      const kind = (a > level) + 2 * (b > level) + 4 * (e > level) + 8 * (d > level);
      if (kind === 0 || kind === 15) continue;
      const top = () => [c + (level - a) / (b - a), r];
      const right = () => [c + 1, r + (level - b) / (e - b)];
      const bottom = () => [c + (level - d) / (e - d), r + 1];
      const left = () => [c, r + (level - a) / (d - a)];
      if (kind === 1 || kind === 14) yield [left(), top()];
      else if (kind === 2 || kind === 13) yield [top(), right()];
      else if (kind === 4 || kind === 11) yield [right(), bottom()];
      else if (kind === 8 || kind === 7) yield [bottom(), left()];
      else if (kind === 3 || kind === 12) yield [left(), right()];
      else if (kind === 6 || kind === 9) yield [top(), bottom()];
      else if (kind === 5) yield* [[left(), top()], [right(), bottom()]];
      else yield* [[top(), right()], [bottom(), left()]];
    }
  }
}
