// The book's losses of two weights, each with its gradient by hand.
import { NETWORK_SLICE } from "./network_slice.js";
import { catmullRom } from "./bicubic.js";

const sigmoid = (x) => 1 / (1 + Math.exp(-x));

function quadratic(curvatures, angle) {
  const [h1, h2] = curvatures;
  const c = Math.cos(angle);
  const s = Math.sin(angle);
  return {
    domain: [[-3, 3], [-2, 2]],
    start: [-2.5, 1.5],
    minima: [[0, 0]],
    floor: 0,
    loss(w1, w2) {
      const u1 = c * w1 + s * w2;
      const u2 = -s * w1 + c * w2;
      return (h1 * u1 * u1 + h2 * u2 * u2) / 2;
    },
    gradient(w1, w2, g) {
      const u1 = h1 * (c * w1 + s * w2);
      const u2 = h2 * (-s * w1 + c * w2);
      g[0] = c * u1 - s * u2;
      g[1] = s * u1 + c * u2;
    },
  };
}

const pathological = {
  domain: [[-6, 6], [-20, 6]],
  start: [5, 5],
  minima: [],
  floor: 0,
  loss: (w1, w2) => Math.tanh(w1) ** 2 + 0.01 * Math.abs(w1) + sigmoid(w2),
  gradient(w1, w2, g) {
    const t = Math.tanh(w1);
    const y = sigmoid(w2);
    g[0] = 2 * t * (1 - t * t) + 0.01 * Math.sign(w1);
    g[1] = y * (1 - y);
  },
};

const WELLS = [[1, -0.5], [-1, 0.5], [-0.5, -0.8]];

const steep = {
  domain: [[-2, 2], [-2, 2]],
  start: [0, 0],
  minima: WELLS,
  loss(w1, w2) {
    let sum = 0;
    for (const [c1, c2] of WELLS) sum -= well(w1 - c1, w2 - c2);
    return sum;
  },
  gradient(w1, w2, g) {
    g[0] = 0;
    g[1] = 0;
    for (const [c1, c2] of WELLS) {
      const slope = well(w1 - c1, w2 - c2) / 0.04;
      g[0] += slope * (w1 - c1);
      g[1] += slope * (w2 - c2);
    }
  },
};

function well(d1, d2) {
  return Math.exp(-(d1 * d1 + d2 * d2) / 0.08) / (2 * Math.PI * 0.04);
}

const beale = {
  domain: [[-4.5, 4.5], [-4.5, 4.5]],
  start: [1, 1.5],
  minima: [[3, 0.5]],
  floor: 0,
  loss(w1, w2) {
    const a = 1.5 - w1 + w1 * w2;
    const b = 2.25 - w1 + w1 * w2 ** 2;
    const c = 2.625 - w1 + w1 * w2 ** 3;
    return a * a + b * b + c * c;
  },
  gradient(w1, w2, g) {
    const a = 2 * (1.5 - w1 + w1 * w2);
    const b = 2 * (2.25 - w1 + w1 * w2 ** 2);
    const c = 2 * (2.625 - w1 + w1 * w2 ** 3);
    g[0] = a * (w2 - 1) + b * (w2 ** 2 - 1) + c * (w2 ** 3 - 1);
    g[1] = a * w1 + b * (2 * w1 * w2) + c * (3 * w1 * w2 ** 2);
  },
};

const saddle = {
  domain: [[-1.5, 1.5], [-1.5, 1.5]],
  start: [1.2, 0.01],
  minima: [],
  loss: (w1, w2) => w1 * w1 - w2 * w2,
  gradient(w1, w2, g) {
    g[0] = 2 * w1;
    g[1] = -2 * w2;
  },
};

const rosenbrock = {
  domain: [[-2, 2], [-1, 3]],
  start: [-1.2, 1],
  minima: [[1, 1]],
  floor: 0,
  loss: (w1, w2) => (1 - w1) ** 2 + 100 * (w2 - w1 * w1) ** 2,
  gradient(w1, w2, g) {
    const d = 200 * (w2 - w1 * w1);
    g[0] = -2 * (1 - w1) - d * 2 * w1;
    g[1] = d;
  },
};

const cliff = {
  domain: [[3, 7], [-4, 0]],
  start: [5, -2.2],
  minima: [],
  floor: 0,
  loss(w1, w2) {
    let x = 0.5;
    for (let t = 0; t < 50; t++) x = w1 * sigmoid(x) + w2;
    return (sigmoid(x) - 0.7) ** 2;
  },
  gradient(w1, w2, g) {
    let x = 0.5;
    let d1 = 0;
    let d2 = 0;
    for (let t = 0; t < 50; t++) {
      const y = sigmoid(x);
      const slope = w1 * y * (1 - y);
      d1 = y + slope * d1;
      d2 = 1 + slope * d2;
      x = w1 * y + w2;
    }
    const y = sigmoid(x);
    const d = 2 * (y - 0.7) * y * (1 - y);
    g[0] = d * d1;
    g[1] = d * d2;
  },
};

const plateau = {
  domain: [[-4, 4], [-4, 4]],
  start: [-3, 1.5],
  minima: [[0, 0]],
  floor: 0,
  loss: (w1, w2) => 1 - Math.exp(-(w1 * w1 + w2 * w2) / 2),
  gradient(w1, w2, g) {
    const e = Math.exp(-(w1 * w1 + w2 * w2) / 2);
    g[0] = w1 * e;
    g[1] = w2 * e;
  },
};

const localMinima = {
  domain: [[-5, 5], [-5, 5]],
  start: [-4, 3.5],
  minima: [[0, 0]],
  floor: 0,
  loss(w1, w2) {
    const ripples = (2 - Math.cos(3 * w1) - Math.cos(3 * w2)) / 2;
    return (w1 * w1 + w2 * w2) / 10 + ripples;
  },
  gradient(w1, w2, g) {
    g[0] = w1 / 5 + 1.5 * Math.sin(3 * w1);
    g[1] = w2 / 5 + 1.5 * Math.sin(3 * w2);
  },
};

const misleading = {
  domain: [[-3.5, 3.5], [-2.5, 2.5]],
  start: [0.2, 0.6],
  minima: [[1.4853353098523439, 0]],
  loss(w1, w2) {
    const shallow = Math.exp(-((w1 + 1.5) ** 2 + w2 * w2) / 2);
    const deep = 2 * Math.exp(-((w1 - 1.5) ** 2 + w2 * w2) / 0.32);
    return (w1 * w1 + w2 * w2) / 20 - shallow - deep;
  },
  gradient(w1, w2, g) {
    const shallow = Math.exp(-((w1 + 1.5) ** 2 + w2 * w2) / 2);
    const deep = (2 * Math.exp(-((w1 - 1.5) ** 2 + w2 * w2) / 0.32)) / 0.16;
    g[0] = w1 / 10 + shallow * (w1 + 1.5) + deep * (w1 - 1.5);
    g[1] = w2 / 10 + shallow * w2 + deep * w2;
  },
};

const network = {
  ...catmullRom(NETWORK_SLICE.losses, NETWORK_SLICE.domain),
  domain: NETWORK_SLICE.domain,
  start: [0.5, 1],
  minima: [],
  corners: NETWORK_SLICE.corners,
};
network.floor = lowestOf(network, NETWORK_SLICE.losses);

/** The lowest loss of a smooth surface: near the lowest number of its table, ever finer. */
function lowestOf({ loss, domain }, table) {
  let best = [Infinity, 0, 0];
  table.forEach((row, i) => row.forEach((value, j) => (best = value < best[0] ? [value, i, j] : best)));
  const [step1, step2] = domain.map(([low, high], k) => (high - low) / ((k ? table[0] : table).length - 1));
  let [a, b] = [domain[0][0] + best[1] * step1, domain[1][0] + best[2] * step2];
  let lowest = best[0];
  for (let scale = 1; scale > 1e-8; scale /= 3) {
    const [middle1, middle2] = [a, b];
    for (let i = -4; i <= 4; i++) {
      for (let j = -4; j <= 4; j++) {
        const [w1, w2] = [middle1 + (i / 4) * scale * step1, middle2 + (j / 4) * scale * step2];
        if (loss(w1, w2) < lowest) [lowest, a, b] = [loss(w1, w2), w1, w2];
      }
    }
  }
  return lowest;
}

// rates: what suits plain gradients, a velocity, and a step of its own for each weight.
export const SURFACES = {
  ravine: {
    name: "Ravine", rates: [0.09, 0.03, 0.15], make: (k, turn) => quadratic([1, k], turn),
    sentence: "A bowl κ times as steep across as along.",
  },
  noisy: {
    name: "Noisy bowl", rates: [0.15, 0.05, 0.15], noise: 1, make: () => quadratic([1, 5], 0),
    sentence: "Every step sees the slope of another minibatch: the true one plus noise.",
  },
  pathological: {
    name: "Pathological curvature", rates: [10, 1, 1], make: () => pathological,
    sentence: "Steep walls, and a floor that falls slowly and for ever.",
  },
  steep: {
    name: "Steep optima", rates: [0.5, 1, 0.2], make: () => steep,
    sentence: "Almost no slope, then three narrow wells.",
  },
  beale: {
    name: "Beale", rates: [0.01, 0.005, 0.1], make: () => beale,
    sentence: "Flat valleys that meet in a cross, with steep corners.",
  },
  saddle: {
    name: "Saddle", rates: [0.05, 0.02, 0.05], make: () => saddle,
    sentence: "Up one way, down the other; in the middle the gradient is zero.",
  },
  rosenbrock: {
    name: "Rosenbrock", rates: [0.001, 0.0003, 0.05], make: () => rosenbrock,
    sentence: "A bent valley: easy to reach, slow to follow.",
  },
  cliff: {
    name: "Cliff", rates: [0.1, 0.02, 0.05], make: () => cliff,
    sentence: "A recurrent unit: at the wall the gradient is thousands of times as long.",
  },
  plateau: {
    name: "Plateau", rates: [2, 0.5, 0.2], make: () => plateau,
    sentence: "A bowl that levels off: far from the minimum there is almost no slope.",
  },
  local: {
    name: "Local minima", rates: [0.2, 0.05, 0.2], make: () => localMinima,
    sentence: "A wide bowl under ripples, and each ripple is a trap.",
  },
  misleading: {
    name: "Misleading slope", rates: [0.1, 0.05, 0.1], make: () => misleading,
    sentence: "The slope leads to the shallow basin; the deep one is next door.",
  },
  network: {
    name: "A trained network", rates: [5, 1, 0.5], make: () => network,
    sentence:
      "The loss on 1,000 images, on the plane through three trained networks (marked): " +
      "51,000 weights, seen along two directions.",
  },
};

/** The surface of these settings; where the loss has a lowest value, `floor` is it. */
export function makeSurface(id, kappa, turn) {
  const surface = SURFACES[id].make(kappa, (turn * Math.PI) / 180);
  if (surface.floor === undefined && surface.minima.length) {
    const floor = Math.min(...surface.minima.map(([a, b]) => surface.loss(a, b)));
    return { ...surface, floor, id };
  }
  return { ...surface, id };
}
