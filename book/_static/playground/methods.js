// The update rules, one step each, in the order and the symbols of course_lib.optim.
// step(w, g, s, h) changes the weights w and the state s in place and writes into s.rate by
// what each weight's first moment (its gradient, where there is none) was multiplied.

const sign = Math.sign;

function decay(w, g, h, i) {
  return h.weight_decay ? g[i] + h.weight_decay * w[i] : g[i];
}

function gradientStep(w, g, s, h) {
  for (let i = 0; i < 2; i++) {
    w[i] -= h.lr * decay(w, g, h, i);
    s.rate[i] = h.lr;
  }
}

function momentumStep(w, g, s, h) {
  for (let i = 0; i < 2; i++) {
    s.v[i] = decay(w, g, h, i) + h.momentum * s.v[i];
    w[i] -= h.lr * s.v[i];
    s.rate[i] = h.lr;
  }
}

function nesterovStep(w, g, s, h) {
  for (let i = 0; i < 2; i++) {
    const d = decay(w, g, h, i);
    s.v[i] = d + h.momentum * s.v[i];
    w[i] -= h.lr * (d + h.momentum * s.v[i]);
    s.rate[i] = h.lr;
  }
}

function localGainsStep(w, g, s, h) {
  for (let i = 0; i < 2; i++) {
    if (s.t === 1) s.a[i] = 1;
    else s.a[i] = g[i] * s.before[i] > 0 ? s.a[i] + h.beta : s.a[i] * (1 - h.beta);
    w[i] -= h.lr * (s.a[i] * g[i]);
    s.before[i] = g[i];
    s.rate[i] = h.lr * s.a[i];
  }
}

function rpropStep(w, g, s, h) {
  for (let i = 0; i < 2; i++) {
    if (s.t === 1) s.size[i] = h.lr;
    const agreement = g[i] * s.before[i];
    if (agreement > 0) s.size[i] *= 1.2;
    if (agreement < 0) s.size[i] *= 0.5;
    s.size[i] = Math.min(Math.max(s.size[i], 1e-6), 50);
    const seen = agreement < 0 ? 0 : g[i];
    w[i] -= s.size[i] * sign(seen);
    s.before[i] = seen;
    s.rate[i] = s.size[i] / Math.abs(g[i]);
  }
}

function adagradStep(w, g, s, h) {
  const lr = h.lr / (1 + (s.t - 1) * h.lr_decay);
  for (let i = 0; i < 2; i++) {
    const d = decay(w, g, h, i);
    s.v[i] += d * d;
    s.rate[i] = lr / (Math.sqrt(s.v[i]) + h.eps);
    w[i] -= (lr * d) / (Math.sqrt(s.v[i]) + h.eps);
  }
}

function adadeltaStep(w, g, s, h) {
  for (let i = 0; i < 2; i++) {
    const d = decay(w, g, h, i);
    s.v[i] = h.rho * s.v[i] + (1 - h.rho) * d * d;
    const ratio = Math.sqrt(s.u[i] + h.eps) / Math.sqrt(s.v[i] + h.eps);
    const delta = ratio * d;
    s.u[i] = h.rho * s.u[i] + (1 - h.rho) * delta * delta;
    w[i] -= h.lr * delta;
    s.rate[i] = h.lr * ratio;
  }
}

function rmspropStep(w, g, s, h) {
  for (let i = 0; i < 2; i++) {
    const d = decay(w, g, h, i);
    s.v[i] = h.alpha * s.v[i] + (1 - h.alpha) * d * d;
    const root = Math.sqrt(s.v[i]) + h.eps;
    if (h.momentum) {
      s.u[i] = h.momentum * s.u[i] + d / root;
      w[i] -= h.lr * s.u[i];
    } else {
      w[i] -= (h.lr * d) / root;
    }
    s.rate[i] = h.lr / root;
  }
}

function moments(w, d, s, h, i) {
  s.m[i] += (1 - h.beta1) * (d - s.m[i]);
  s.v[i] = h.beta2 * s.v[i] + (1 - h.beta2) * d * d;
}

function adamWith(divisor) {
  return (w, g, s, h) => {
    const rate = h.lr / (1 - h.beta1 ** s.t);
    const correction = Math.sqrt(1 - h.beta2 ** s.t);
    for (let i = 0; i < 2; i++) {
      moments(w, decay(w, g, h, i), s, h, i);
      const root = Math.sqrt(divisor(s, i)) / correction + h.eps;
      w[i] -= (rate * s.m[i]) / root;
      s.rate[i] = rate / root;
    }
  };
}

const adamStep = adamWith((s, i) => s.v[i]);

const amsgradStep = adamWith((s, i) => {
  s.largest[i] = s.t === 1 ? s.v[i] : Math.max(s.largest[i], s.v[i]);
  return s.largest[i];
});

function adamwStep(w, g, s, h) {
  for (let i = 0; i < 2; i++) w[i] *= 1 - h.lr * h.weight_decay;
  adamStep(w, g, s, { ...h, weight_decay: 0 });
}

function adamaxStep(w, g, s, h) {
  const rate = h.lr / (1 - h.beta1 ** s.t);
  for (let i = 0; i < 2; i++) {
    const d = decay(w, g, h, i);
    s.m[i] += (1 - h.beta1) * (d - s.m[i]);
    s.u[i] = Math.max(h.beta2 * s.u[i], Math.abs(d) + h.eps);
    w[i] -= (rate * s.m[i]) / s.u[i];
    s.rate[i] = rate / s.u[i];
  }
}

function nadamStep(w, g, s, h) {
  if (s.t === 1) s.product = 1;
  const [mu, next] = [s.t, s.t + 1].map((t) => h.beta1 * (1 - 0.5 * 0.96 ** (t * h.momentum_decay)));
  s.product *= mu;
  const correction = Math.sqrt(1 - h.beta2 ** s.t);
  for (let i = 0; i < 2; i++) {
    const d = decay(w, g, h, i);
    moments(w, d, s, h, i);
    const root = Math.sqrt(s.v[i]) / correction + h.eps;
    w[i] -= (((h.lr * (1 - mu)) / (1 - s.product)) * d) / root;
    s.rate[i] = (h.lr * next) / (1 - s.product * next) / root;
    w[i] -= (((h.lr * next) / (1 - s.product * next)) * s.m[i]) / root;
  }
}

function radamStep(w, g, s, h) {
  const rate = h.lr / (1 - h.beta1 ** s.t);
  const correction = 1 - h.beta2 ** s.t;
  const end = 2 / (1 - h.beta2) - 1;
  const rho = end - (2 * s.t * h.beta2 ** s.t) / correction;
  const r = Math.sqrt(((rho - 4) * (rho - 2) * end) / ((end - 4) * (end - 2) * rho));
  for (let i = 0; i < 2; i++) {
    moments(w, decay(w, g, h, i), s, h, i);
    if (rho > 5) {
      const scale = (rate * r * Math.sqrt(correction)) / (Math.sqrt(s.v[i]) + h.eps);
      w[i] -= scale * s.m[i];
      s.rate[i] = scale;
    } else {
      w[i] -= rate * s.m[i];
      s.rate[i] = rate;
    }
  }
}

function lionStep(w, g, s, h) {
  for (let i = 0; i < 2; i++) {
    const c = s.m[i] + (1 - h.beta1) * (g[i] - s.m[i]);
    w[i] *= 1 - h.lr * h.weight_decay;
    w[i] -= h.lr * sign(c);
    s.m[i] += (1 - h.beta2) * (g[i] - s.m[i]);
    s.rate[i] = h.lr / Math.abs(c);
  }
}

function scheduleFreeStep(w, g, s, h) {
  if (s.t === 1) {
    s.z.set(w);
    s.x.set(w);
    s.largest_rate = 0;
    s.total = 0;
  }
  s.largest_rate = Math.max(s.largest_rate, h.lr);
  s.total += s.largest_rate ** 2;
  const c = s.total > 0 ? s.largest_rate ** 2 / s.total : 0;
  for (let i = 0; i < 2; i++) {
    s.z[i] -= h.lr * decay(w, g, h, i);
    s.x[i] += c * (s.z[i] - s.x[i]);
    w[i] = s.z[i] + h.momentum * (s.x[i] - s.z[i]);
    s.rate[i] = h.lr;
  }
}

const SIMPLE = { lr: 0.01, weight_decay: 0 };
const WITH_MOMENTUM = { lr: 0.01, momentum: 0.9, weight_decay: 0 };
const ADAM = { lr: 0.1, beta1: 0.9, beta2: 0.999, eps: 1e-8, weight_decay: 0 };
const ADAM_RULE = ["m ← β₁m + (1−β₁)g", "v ← β₂v + (1−β₂)g²"];

// kind: which of a surface's three rates suits it, and by what to multiply that.
export const METHODS = {
  SGD: {
    hyper: SIMPLE, keep: [], step: gradientStep, kind: [0, 1], page: "sgd",
    rule: ["w ← w − ηg"],
  },
  Momentum: {
    hyper: WITH_MOMENTUM, keep: ["v"], first: "v", step: momentumStep, kind: [1, 1],
    page: "momentum", rule: ["v ← μv + g", "w ← w − ηv"],
  },
  Nesterov: {
    hyper: WITH_MOMENTUM, keep: ["v"], first: "v", step: nesterovStep, kind: [1, 1],
    page: "momentum", rule: ["v ← μv + g", "w ← w − η(g + μv)"],
  },
  LocalGains: {
    hyper: { lr: 0.01, beta: 0.05 }, keep: ["a", "before"], step: localGainsStep,
    kind: [1, 1], page: "adaptive",
    rule: ["a ← a + β where g keeps its sign, else (1−β)a", "w ← w − ηag"],
  },
  Rprop: {
    hyper: { lr: 0.01 }, keep: ["size", "before"], step: rpropStep, kind: [2, 1],
    page: "adaptive",
    rule: ["s ← 1.2s where g keeps its sign, s/2 where it flips", "w ← w − s·sign(g)"],
  },
  Adagrad: {
    hyper: { lr: 0.5, lr_decay: 0, eps: 1e-10, weight_decay: 0 }, keep: ["v"], second: "v",
    step: adagradStep, kind: [2, 4], page: "adaptive",
    rule: ["v ← v + g²", "w ← w − η g/(√v + ε)"],
  },
  Adadelta: {
    hyper: { lr: 1, rho: 0.9, eps: 1e-6, weight_decay: 0 }, keep: ["v", "u"], second: "v",
    step: adadeltaStep, kind: null, page: "adaptive",
    rule: ["v ← ρv + (1−ρ)g²", "Δ = √(u+ε)/√(v+ε) · g", "u ← ρu + (1−ρ)Δ²", "w ← w − ηΔ"],
  },
  RMSprop: {
    hyper: { lr: 0.05, alpha: 0.9, eps: 1e-8, weight_decay: 0, momentum: 0 },
    keep: ["v", "u"], second: "v", step: rmspropStep, kind: [2, 0.5], page: "adaptive",
    rule: ["v ← αv + (1−α)g²", "w ← w − η g/(√v + ε)"],
  },
  Adam: {
    hyper: ADAM, keep: ["m", "v"], first: "m", second: "v", step: adamStep, kind: [2, 1],
    page: "adaptive", rule: [...ADAM_RULE, "w ← w − η m̂/(√v̂ + ε)"],
  },
  AMSGrad: {
    hyper: ADAM, keep: ["m", "v", "largest"], first: "m", second: "largest",
    step: amsgradStep, kind: [2, 1], page: "adam_family",
    rule: [...ADAM_RULE, "w ← w − η m̂/(√max v̂ + ε)"],
  },
  Adamax: {
    hyper: ADAM, keep: ["m", "u"], first: "m", second: "u", step: adamaxStep, kind: [2, 1],
    page: "adam_family",
    rule: ["m ← β₁m + (1−β₁)g", "u ← max(β₂u, |g| + ε)", "w ← w − η m̂/u"],
  },
  NAdam: {
    hyper: { ...ADAM, momentum_decay: 0.004 }, keep: ["m", "v"], first: "m", second: "v",
    step: nadamStep, kind: [2, 1], page: "adam_family",
    rule: [...ADAM_RULE, "w ← w − η (g and the next μm, corrected)/(√v̂ + ε)"],
  },
  RAdam: {
    hyper: ADAM, keep: ["m", "v"], first: "m", second: "v", step: radamStep, kind: [2, 1],
    page: "adam_family",
    rule: [...ADAM_RULE, "w ← w − η m̂ at first, later w − η r m̂/(√v̂ + ε)"],
  },
  AdamW: {
    hyper: { ...ADAM, weight_decay: 0.01 }, keep: ["m", "v"], first: "m", second: "v",
    step: adamwStep, kind: [2, 1], page: "adam_family",
    rule: ["w ← w − ηλw", ...ADAM_RULE, "w ← w − η m̂/(√v̂ + ε)"],
  },
  Lion: {
    hyper: { lr: 0.03, beta1: 0.9, beta2: 0.99, weight_decay: 0 }, keep: ["m"], first: "m",
    step: lionStep, kind: [2, 0.3], page: "beyond_adam",
    rule: ["c = β₁m + (1−β₁)g", "w ← w − η(sign c + λw)", "m ← β₂m + (1−β₂)g"],
  },
  "Schedule-Free": {
    hyper: WITH_MOMENTUM, keep: ["z", "x"], step: scheduleFreeStep, kind: [0, 1],
    page: "beyond_adam",
    rule: ["z ← z − ηg", "x ← the average of all z", "w ← (1−μ)z + μx"],
  },
};

/** The state of a method before its first step. */
export function freshState(method) {
  const s = { t: 0, rate: new Float64Array(2) };
  for (const name of method.keep) s[name] = new Float64Array(2);
  return s;
}

/** One step of a method, counted. */
export function takeStep(method, w, g, s, h) {
  s.t += 1;
  method.step(w, g, s, h);
}

/** The rate that suits a method on a surface with these three rates. */
export function suitableRate(method, rates) {
  if (!method.kind) return method.hyper.lr;
  const [which, factor] = method.kind;
  return Number((rates[which] * factor).toPrecision(3));
}
