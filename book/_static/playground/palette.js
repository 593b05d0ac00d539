// The colours of the page, light or dark, as playground.css gives them.

const NAMES = ["card", "ink", "muted", "grid", "low", "high", "line", "near", "far", "shade", "light"];

export function readPalette(root) {
  const style = getComputedStyle(root);
  const value = (name) => style.getPropertyValue(`--pg-${name}`).trim();
  return { ...Object.fromEntries(NAMES.map((name) => [name, value(name)])), lift: Number(value("lift")) };
}

/** The colour of a method's line: in the dark it is lifted, some of the way to white. */
export function lifted(color, { lift }) {
  return lift ? `rgb(${between(channels(color), [255, 255, 255], lift).join(",")})` : color;
}

/** "#rrggbb" as three numbers. */
export function channels(color) {
  return [1, 3, 5].map((i) => parseInt(color.slice(i, i + 2), 16));
}

/** The colour this share of the way from one to another. */
export function between(from, to, share) {
  return from.map((c, i) => Math.round(c + (to[i] - c) * share));
}
