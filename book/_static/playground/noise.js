// The noise of course_lib.surfaces.Noisy: a function of the seed and the step alone.

function uniform(seed, counter) {
  let h = (Math.imul(seed, 0x9e3779b9) + Math.imul(counter, 0x85ebca77) + 1) >>> 0;
  h = Math.imul(h ^ (h >>> 16), 0x85ebca6b) >>> 0;
  h = Math.imul(h ^ (h >>> 13), 0xc2b2ae35) >>> 0;
  return ((h ^ (h >>> 16)) >>> 0) / 2 ** 32;
}

/** What step t adds to the gradient: two numbers of mean 0 and this standard deviation. */
export function tilt(seed, t, std, out) {
  for (let i = 0; i < 2; i++) out[i] = (2 * uniform(seed, 2 * t + i) - 1) * std * Math.sqrt(3);
}
