// Made by `python book/playground.py join`; edit the modules.
(function () {
"use strict";

// methods.js
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
const METHODS = {
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
function freshState(method) {
  const s = { t: 0, rate: new Float64Array(2) };
  for (const name of method.keep) s[name] = new Float64Array(2);
  return s;
}

/** One step of a method, counted. */
function takeStep(method, w, g, s, h) {
  s.t += 1;
  method.step(w, g, s, h);
}

/** The rate that suits a method on a surface with these three rates. */
function suitableRate(method, rates) {
  if (!method.kind) return method.hyper.lr;
  const [which, factor] = method.kind;
  return Number((rates[which] * factor).toPrecision(3));
}

// presets.js
// Situations worth a look. Each is a state of the page in the form of its address; the list
// on the page, which chapters link to, repeats names and sentences.

const PRESETS = [
  {
    id: "ravine", name: "The ravine",
    sentence: "SGD zigzags between the walls, momentum runs along the floor.",
    state: "surface=ravine&kappa=50&steps=100&m=SGD,lr:0.038&m=Momentum,lr:0.02,momentum:0.8&focus=Momentum",
  },
  {
    id: "edge", name: "The edge",
    sentence:
      "At a rate just above 2/κ plain SGD is thrown out; with momentum the edge lies at 2(1+μ)/κ.",
    state: "surface=ravine&kappa=20&steps=60&m=SGD,lr:0.102&m=Momentum,lr:0.102,momentum:0.6&focus=SGD",
  },
  {
    id: "friction", name: "Too little friction",
    sentence: "With μ = 0.98 the ball passes the minimum again and again: a loss that swings.",
    state: "surface=ravine&kappa=10&steps=200&m=Momentum,lr:0.02,momentum:0.98&m=Nesterov,lr:0.02,momentum:0.98&focus=Momentum",
  },
  {
    id: "pathological", name: "Pathological curvature",
    sentence: "SGD bounces between the walls, while momentum and Adam find the floor and follow it.",
    state: "surface=pathological&start=5,5&steps=100&m=SGD,lr:10&m=Momentum,lr:1,momentum:0.9&m=Adam,lr:1&focus=Adam",
  },
  {
    id: "steep", name: "Steep optima",
    sentence: "Where the slope is nearly nothing and then far too much, only Adam stops in a well.",
    state: "surface=steep&start=0,0&steps=100&m=SGD,lr:0.5&m=Momentum,lr:0.1,momentum:0.9&m=Adam,lr:0.2&focus=Adam",
  },
  {
    id: "turned", name: "The turned ravine",
    sentence:
      "A rate for each weight helps along the axes; turn the ravine, and Adam ends far above momentum.",
    state: "surface=ravine&kappa=100&turn=40&steps=200&m=Momentum,lr:0.01,momentum:0.9&m=Adagrad,lr:0.6&m=RMSprop,lr:0.05&m=Adam,lr:0.15&focus=Adam",
  },
  {
    id: "saddle", name: "The saddle",
    sentence: "Beside the ridge the slope is tiny, so plain SGD is slow to leave; adaptive steps are not.",
    state: "surface=saddle&steps=120&m=SGD,lr:0.02&m=Momentum,lr:0.02,momentum:0.8&m=Adagrad,lr:0.1&m=RMSprop,lr:0.02&m=Adam,lr:0.03&focus=RMSprop",
  },
  {
    id: "plateau", name: "The plateau",
    sentence:
      "Far from the minimum there is almost no slope: SGD hardly moves, while methods whose steps have a length of their own go on.",
    state: "surface=plateau&start=-3.4,2.4&steps=100&m=SGD,lr:1&m=Momentum,lr:0.5,momentum:0.9&m=Adam,lr:0.2&m=Lion,lr:0.1&focus=SGD",
  },
  {
    id: "noise", name: "The noise floor",
    sentence: "With a constant rate the noise keeps the loss up; larger rates stay higher.",
    state: "surface=noisy&noise=2&steps=300&m=SGD,lr:0.15&m=Momentum,lr:0.03,momentum:0.9&m=Adam,lr:0.15&focus=SGD",
  },
  {
    id: "decay", name: "Decay the rate",
    sentence: "The same noise, but the rate falls to zero along a cosine, and the loss with it.",
    state: "surface=noisy&noise=2&steps=300&schedule=cosine&m=SGD,lr:0.15&m=Momentum,lr:0.03,momentum:0.9&m=Adam,lr:0.15&focus=SGD",
  },
  {
    id: "cliff", name: "The cliff",
    sentence: "One step on the wall throws SGD far away; clip the gradient at 1 and it stays.",
    state: "surface=cliff&steps=200&m=SGD,lr:0.1&m=Adam,lr:0.05&focus=SGD",
  },
  {
    id: "epsilon", name: "What ε does",
    sentence:
      "With ε = 10 Adam’s rate is nearly the same for both weights; AMSGrad beside it keeps 10⁻⁸.",
    state: "surface=ravine&kappa=5&steps=100&m=Adam,lr:1,eps:10&m=AMSGrad,lr:0.15&focus=Adam&axis=eps",
  },
  {
    id: "network", name: "A trained network",
    sentence:
      "From this start SGD, momentum and RMSprop end beside one trained network, Adam beside another.",
    state: "surface=network&start=12,8&steps=150&m=SGD,lr:8&m=Momentum,lr:3,momentum:0.9&m=RMSprop,lr:0.2&m=Adam,lr:0.5&focus=Adam",
  },
];

// schedules.js
// Learning-rate schedules: from the step, counted from 0, to the share of the rate.
// The names and the rules are those of course_lib.optim.schedules.

const halfCosine = (start, end, progress) => end + ((start - end) * (1 + Math.cos(Math.PI * progress))) / 2;

function warmUp(schedule, steps) {
  return (t) => (t >= steps ? schedule(t - steps) : (schedule(0) * t) / steps);
}

function oneCycle(lr, total) {
  const first = lr / 25;
  const last = first / 1e4;
  const peak = 0.3 * total - 1;
  const end = total - 1;
  return (t) => {
    if (t < peak) return halfCosine(first, lr, t / peak);
    return halfCosine(lr, last, Math.min((t - peak) / (end - peak), 1));
  };
}

function triangle(lr, half) {
  return (t) => {
    const cycle = Math.floor(t / (2 * half));
    return lr * (1 - Math.abs(t / half - 2 * cycle - 1));
  };
}

const part = (total, share) => Math.max(1, Math.floor(total * share));

function linear(lr, total) {
  return (t) => (1 - Math.min(t / total, 1)) * lr;
}

// make(lr, total): the schedule over that many steps.
const SCHEDULES = {
  constant: { name: "constant", make: (lr) => () => lr },
  linear: { name: "linear decay", make: linear },
  cosine: {
    name: "cosine",
    make: (lr, total) => (t) => halfCosine(lr, 0, Math.min(t / total, 1)),
  },
  step: {
    name: "halved every fifth",
    make: (lr, total) => (t) => lr * 0.5 ** Math.floor(t / part(total, 0.2)),
  },
  inverse: { name: "1/t", make: (lr, total) => (t) => lr / (1 + (10 / total) * t) },
  triangular: { name: "triangular", make: (lr, total) => triangle(lr, part(total, 0.1)) },
  onecycle: { name: "one cycle", make: oneCycle },
  warmup: {
    name: "warm-up, then cosine",
    make(lr, total) {
      const steps = part(total, 0.1);
      const rest = Math.max(1, total - steps);
      return warmUp((t) => halfCosine(lr, 0, Math.min(t / rest, 1)), steps);
    },
  },
  wsd: {
    name: "warm-up, stable, decay",
    make(lr, total) {
      const steps = Math.floor(total * 0.1);
      const falling = part(total, 0.2);
      const stable = total - steps - falling;
      const fall = linear(lr, falling);
      return warmUp((t) => fall(Math.max(t - stable, 0)), steps);
    },
  },
};

// styles.js
// The colour, dash and marker of each method, as course_lib.plotting.style has them.
// A dash is in widths of the line.

const SOLID = [];
const DASHED = [5, 1.6];
const DOTTED = [1.2, 1.4];
const DASH_DOT = [6, 1.6, 1.2, 1.6];
const DASH_DOT_DOT = [6, 1.4, 1.2, 1.4, 1.2, 1.4];
const LONG_DASHED = [10, 2];

const style = (color, dash, marker) => ({ color, dash, marker });

const STYLES = {
  SGD: style("#1f6fb4", SOLID, "o"),
  Momentum: style("#d1560b", DASHED, "s"),
  Nesterov: style("#b0418f", DASH_DOT, "^"),
  LocalGains: style("#94613c", DOTTED, "v"),
  Rprop: style("#8d6a85", DASHED, "<"),
  Adagrad: style("#c42942", DOTTED, "D"),
  Adadelta: style("#8a6d00", LONG_DASHED, ">"),
  RMSprop: style("#7a5cd6", DASH_DOT_DOT, "v"),
  Adam: style("#00916a", SOLID, "P"),
  AMSGrad: style("#638a1f", DASHED, "X"),
  Adamax: style("#4f7f5f", DOTTED, "p"),
  NAdam: style("#e8588a", DASH_DOT, "h"),
  RAdam: style("#3a90e5", LONG_DASHED, "d"),
  AdamW: style("#1b93ab", DASHED, "*"),
  Lion: style("#ad5a1e", SOLID, "8"),
  "Schedule-Free": style("#0e7670", DASH_DOT_DOT, "p"),
};

// network_slice.js
// The loss of a real network on the plane through three of them, on 1,000 images.
// Made by `python book/playground.py slice`.
const NETWORK_SLICE = {"domain":[[-14.785406112670898,14.785406112670898],
[-14.785406112670898,14.785406112670898]],"corners":[[-7.551,-4.928],
[8.288,-4.928],
[-0.737,9.857]],"losses":[[0.4331,0.4158,0.4011,0.3863,0.3709,0.3584,0.3499,0.3473,0.3494,0.3565,0.3687,0.3861,0.4033,0.4208,0.4374,0.4525,0.4683,0.4838,0.4941,0.4998,0.5037,0.5063,0.5088,0.5091,0.5088],
[0.4177,0.3984,0.3814,0.3653,0.3495,0.3366,0.3288,0.3262,0.3283,0.3356,0.3477,0.3651,0.3843,0.404,0.4217,0.4374,0.4528,0.4661,0.4726,0.4758,0.4775,0.4789,0.4781,0.4756,0.4746],
[0.4023,0.383,0.3644,0.3467,0.3303,0.3163,0.3082,0.3063,0.3088,0.3162,0.3287,0.3467,0.3682,0.3896,0.409,0.4258,0.4407,0.4499,0.4524,0.4517,0.4506,0.4482,0.4434,0.4399,0.4387],
[0.3898,0.369,0.3498,0.3316,0.314,0.2998,0.29,0.2878,0.2911,0.2992,0.3127,0.3323,0.3562,0.3792,0.401,0.419,0.4309,0.4352,0.4327,0.4271,0.4214,0.4135,0.4066,0.4026,0.4014],
[0.3843,0.361,0.3394,0.3202,0.3023,0.2871,0.2768,0.2724,0.2758,0.2852,0.301,0.3238,0.3507,0.3763,0.4003,0.4168,0.423,0.4209,0.4122,0.401,0.3884,0.3765,0.3694,0.3657,0.3633],
[0.3864,0.3608,0.3364,0.3147,0.2967,0.281,0.2696,0.2637,0.2666,0.2771,0.2959,0.3232,0.3544,0.3838,0.4078,0.4185,0.4165,0.4059,0.3896,0.3709,0.353,0.3407,0.3337,0.3286,0.3255],
[0.3977,0.37,0.3432,0.3188,0.2992,0.2843,0.2724,0.266,0.2684,0.2805,0.3029,0.3351,0.3714,0.4035,0.4227,0.424,0.4111,0.3896,0.3636,0.3389,0.3196,0.3069,0.2983,0.2927,0.2914],
[0.4144,0.3888,0.3626,0.3374,0.3158,0.3006,0.2901,0.284,0.2875,0.3024,0.3289,0.3662,0.4068,0.4361,0.4449,0.4315,0.4037,0.3692,0.3348,0.3064,0.2863,0.272,0.2637,0.2613,0.2646],
[0.4326,0.4114,0.3901,0.3696,0.3507,0.3355,0.3267,0.3237,0.3305,0.3497,0.3814,0.4232,0.4625,0.4812,0.4712,0.436,0.3898,0.3437,0.3028,0.272,0.2509,0.2382,0.2341,0.236,0.2428],
[0.4476,0.4329,0.4188,0.4061,0.3954,0.3871,0.384,0.3877,0.4011,0.4279,0.4665,0.508,0.5365,0.533,0.4937,0.4318,0.3677,0.3121,0.2683,0.2382,0.2201,0.2114,0.2105,0.2155,0.225],
[0.4562,0.4468,0.4398,0.4371,0.4384,0.4434,0.4529,0.4694,0.4944,0.5312,0.5733,0.6063,0.6164,0.5828,0.5098,0.4214,0.3413,0.2795,0.2374,0.2112,0.1971,0.1919,0.1929,0.1992,0.2101],
[0.463,0.457,0.4545,0.4584,0.4694,0.4875,0.5127,0.544,0.5834,0.6289,0.6679,0.691,0.6829,0.6228,0.5211,0.4123,0.3224,0.2594,0.22,0.1974,0.1858,0.182,0.1842,0.1914,0.2029],
[0.4639,0.4602,0.4605,0.4674,0.482,0.5056,0.538,0.5778,0.6257,0.6709,0.711,0.7357,0.7223,0.6493,0.5326,0.4141,0.3234,0.2632,0.2255,0.2033,0.1921,0.1878,0.1892,0.1955,0.2055],
[0.4561,0.4517,0.4515,0.4573,0.4701,0.4911,0.5197,0.5554,0.5934,0.6337,0.6809,0.7183,0.7171,0.6542,0.544,0.4311,0.3442,0.2855,0.248,0.2244,0.2117,0.2062,0.2061,0.2105,0.2186],
[0.4437,0.4365,0.4335,0.4349,0.4398,0.4495,0.4661,0.4862,0.5079,0.5439,0.5926,0.6396,0.6575,0.6225,0.5419,0.449,0.3719,0.3171,0.2799,0.2554,0.2411,0.2343,0.2317,0.2332,0.2381],
[0.4293,0.4186,0.4106,0.4043,0.3988,0.396,0.3961,0.396,0.4075,0.4376,0.4809,0.5298,0.5648,0.564,0.522,0.4594,0.399,0.3509,0.3159,0.2917,0.2767,0.2693,0.2658,0.2649,0.267],
[0.4123,0.3982,0.3846,0.3701,0.3557,0.3413,0.3254,0.3169,0.3228,0.3438,0.3783,0.4244,0.4718,0.4988,0.4915,0.4601,0.4208,0.3839,0.3528,0.3295,0.3143,0.3067,0.3036,0.3017,0.3018],
[0.3944,0.3759,0.357,0.3371,0.3162,0.2926,0.2727,0.2631,0.2647,0.2788,0.3067,0.3487,0.3991,0.4413,0.4582,0.4521,0.4329,0.4098,0.3861,0.3655,0.3506,0.3421,0.3379,0.3362,0.336],
[0.3762,0.3551,0.3334,0.3105,0.2842,0.2584,0.2405,0.2312,0.2318,0.243,0.2667,0.3052,0.353,0.399,0.4293,0.4398,0.4361,0.425,0.411,0.3958,0.3831,0.3746,0.3697,0.3679,0.3681],
[0.3621,0.3391,0.3157,0.2898,0.2626,0.2398,0.224,0.2161,0.2176,0.2278,0.2499,0.2845,0.3283,0.3734,0.4088,0.4296,0.4366,0.4338,0.4273,0.4192,0.4112,0.4051,0.4011,0.399,0.3988],
[0.3521,0.3282,0.3029,0.2768,0.2523,0.232,0.2186,0.2131,0.2153,0.226,0.2473,0.2787,0.3184,0.3614,0.3987,0.4246,0.4389,0.443,0.4413,0.4379,0.4339,0.4309,0.4293,0.4293,0.4302],
[0.3468,0.3211,0.2964,0.2728,0.2498,0.2322,0.2219,0.2183,0.2214,0.2324,0.2528,0.2825,0.3195,0.36,0.3972,0.4256,0.4439,0.4536,0.4563,0.4564,0.4557,0.4554,0.4552,0.4558,0.4581],
[0.3433,0.3189,0.2969,0.2737,0.2525,0.2387,0.231,0.2292,0.2336,0.2446,0.2641,0.2928,0.328,0.3665,0.403,0.432,0.4526,0.4664,0.4736,0.477,0.4782,0.4797,0.4816,0.4836,0.4858],
[0.3437,0.3226,0.3001,0.2771,0.2601,0.2498,0.2446,0.2448,0.2505,0.2616,0.2802,0.3077,0.3413,0.3781,0.4144,0.4427,0.465,0.4817,0.493,0.5003,0.5037,0.5056,0.5085,0.5109,0.514],
[0.3498,0.3283,0.3047,0.2848,0.2723,0.265,0.2621,0.2641,0.271,0.2824,0.3003,0.3266,0.358,0.3932,0.4291,0.4576,0.4802,0.4993,0.5135,0.524,0.5313,0.5345,0.5372,0.5402,0.5417]]};

// bicubic.js
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
function catmullRom(table, domain) {
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

// surfaces.js
// The book's losses of two weights, each with its gradient by hand.

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
const SURFACES = {
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
function makeSurface(id, kappa, turn) {
  const surface = SURFACES[id].make(kappa, (turn * Math.PI) / 180);
  if (surface.floor === undefined && surface.minima.length) {
    const floor = Math.min(...surface.minima.map(([a, b]) => surface.loss(a, b)));
    return { ...surface, floor, id };
  }
  return { ...surface, id };
}

// elements.js
// Making elements of a page.

/** An element with properties, attributes (written with a dash or as `role`) and children. */
function element(tag, properties = {}, ...children) {
  const made = document.createElement(tag);
  for (const [key, value] of Object.entries(properties)) {
    if (key.includes("-") || key === "role" || key === "for") made.setAttribute(key, value);
    else made[key] = value;
  }
  made.append(...children);
  return made;
}

/** A select with these [value, text] options. */
function choiceOf(label, options, change) {
  const select = element("select", { onchange: () => change(select.value) });
  for (const [value, text] of options) select.append(element("option", { value }, text));
  const whole = element("label", { className: "pg-field" }, element("span", {}, label), select);
  return { whole, set: (value) => (select.value = value), select };
}

// canvas.js
// Canvases that are sharp on every screen, and axes on them.

/** Size a canvas to its box; drawing is then in CSS pixels. */
function fit(canvas) {
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
function ticks(low, high, count) {
  if (!(high > low)) return [low];
  const rough = (high - low) / count;
  const power = 10 ** Math.floor(Math.log10(rough));
  const step = [1, 2, 5, 10].find((k) => k * power >= rough) * power;
  const found = [];
  for (let k = Math.ceil(low / step - 1e-9); k * step <= high * (1 + 1e-9) + step * 1e-9; k++) found.push(k * step);
  return found;
}

/** Powers of ten between two exponents, at most `count`. */
function powers(low, high, count) {
  const step = Math.max(1, Math.ceil((high - low) / count));
  const found = [];
  for (let k = Math.ceil(low / step) * step; k <= high; k += step) found.push(k);
  return found;
}

const RAISED = { "-": "⁻", 0: "⁰", 1: "¹", 2: "²", 3: "³", 4: "⁴", 5: "⁵", 6: "⁶", 7: "⁷", 8: "⁸", 9: "⁹" };

/** 10 to this power, as short as it reads well. */
function powerOfTen(k) {
  if (k >= -2 && k <= 3) return String(Number((10 ** k).toPrecision(2)));
  return `10${[...String(k)].map((c) => RAISED[c]).join("")}`;
}

/** A number as a person would write it. */
function plain(x, digits = 3) {
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
function drawAxes(ctx, box, xTicks, yTicks, palette) {
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

function segment(ctx, x1, y1, x2, y2) {
  ctx.beginPath();
  ctx.moveTo(x1, y1);
  ctx.lineTo(x2, y2);
  ctx.stroke();
}

/** The dash of a method in pixels, for a line of this width. */
function dashOf(style, width) {
  return style.dash.map((part) => part * width);
}

// palette.js
// The colours of the page, light or dark, as playground.css gives them.

const NAMES = ["card", "ink", "muted", "grid", "low", "high", "line", "near", "far", "shade", "light"];

function readPalette(root) {
  const style = getComputedStyle(root);
  const value = (name) => style.getPropertyValue(`--pg-${name}`).trim();
  return { ...Object.fromEntries(NAMES.map((name) => [name, value(name)])), lift: Number(value("lift")) };
}

/** The colour of a method's line: in the dark it is lifted, some of the way to white. */
function lifted(color, { lift }) {
  return lift ? `rgb(${between(channels(color), [255, 255, 255], lift).join(",")})` : color;
}

/** "#rrggbb" as three numbers. */
function channels(color) {
  return [1, 3, 5].map((i) => parseInt(color.slice(i, i + 2), 16));
}

/** The colour this share of the way from one to another. */
function between(from, to, share) {
  return from.map((c, i) => Math.round(c + (to[i] - c) * share));
}

// internals.js
// What goes on inside the method in focus: four quantities of both weights, step by step.

const FIRST = { v: "Velocity v", m: "First moment m" };
const SECOND = { v: "Second moment v", largest: "Largest second moment", u: "Largest gradient u" };

/** The quantities of a method: what to call them, where they are, how to draw them. */
function quantities(name) {
  const { first, second } = METHODS[name];
  return [
    { key: "gradient", words: "Gradient g", log: false },
    { key: "first", words: first ? FIRST[first] : "Velocity", log: false, missing: !first },
    { key: "second", words: second ? SECOND[second] : "Second moment", log: true, missing: !second },
    { key: "rate", words: "Effective rate", log: true },
  ];
}

/** A quantity after this many steps: two numbers, or null before the first step. */
function valueAt(run, key, step) {
  if (!run || step < 1 || run.log.length === 0) return null;
  return run.log[Math.min(step, run.log.length) - 1][key];
}

function drawQuantity(canvas, run, { key, log, missing }, steps, step, palette) {
  const { ctx, width, height } = fit(canvas);
  const box = { left: 46, top: 6, right: width - 6, bottom: height - 8 };
  if (missing || !run || !run.log.length) return;
  const of = log ? (v) => Math.log10(Math.max(v, 1e-16)) : (v) => v;
  const values = run.log.map((entry) => entry[key].map(of));
  const [low, high] = ends(values, log);
  const x = (t) => box.left + ((box.right - box.left) * t) / steps;
  const y = (v) => box.bottom - ((box.bottom - box.top) * (v - low)) / (high - low);
  const marks = log ? powers(low, high, 3).map((k) => [y(k), powerOfTen(k)]) : ticks(low, high, 3).map((v) => [y(v), plain(v, 2)]);
  drawAxes(ctx, box, [], marks, palette);
  ctx.save();
  ctx.beginPath();
  ctx.rect(box.left, 0, box.right - box.left, height);
  ctx.clip();
  [lifted(STYLES[run.name].color, palette), palette.ink].forEach((color, i) => {
    ctx.strokeStyle = color;
    ctx.lineWidth = i ? 1.4 : 2;
    ctx.setLineDash(i ? [4, 3] : []);
    ctx.beginPath();
    values.forEach((pair, t) => {
      if (Number.isFinite(pair[i])) ctx.lineTo(x(t + 1), y(Math.min(Math.max(pair[i], low - 99), high + 99)));
    });
    ctx.stroke();
  });
  ctx.setLineDash([3, 3]);
  ctx.lineWidth = 1;
  ctx.strokeStyle = palette.muted;
  segment(ctx, x(step), box.top, x(step), box.bottom);
  ctx.restore();
}

function ends(values, log) {
  const all = values.flat().filter(Number.isFinite).sort((a, b) => a - b);
  if (!all.length) return [-1, 1];
  let [low, high] = [all[0], all[all.length - 1]];
  if (log) return [Math.floor(low), Math.max(Math.ceil(high), Math.floor(low) + 1)];
  const most = Math.abs(values[0][0]) + Math.abs(values[0][1]);
  low = Math.max(low, -20 * most - 1e-12);
  high = Math.min(high, 20 * most + 1e-12);
  const edge = 0.08 * (high - low || 1);
  return [low - edge, high + edge];
}

// curves.js
// The losses of all runs, step by step.

const LEAST = 1e-12; // below it a loss is drawn as this

/** What the curves show of a loss: its distance from the lowest, or itself. */
function heightOf(surface) {
  if (surface.floor === undefined) return { log: false, of: (loss) => loss };
  return { log: true, of: (loss) => Math.log10(Math.max(loss - surface.floor, LEAST)) };
}

function drawCurves(canvas, surface, settings, runs, step, focus, palette) {
  const { ctx, width, height } = fit(canvas);
  const box = { left: 46, top: 8, right: width - 14, bottom: height - 24 };
  const { log, of } = heightOf(surface);
  const [low, high] = range(runs, of, log);
  const x = (t) => box.left + ((box.right - box.left) * t) / settings.steps;
  const y = (v) => box.bottom - ((box.bottom - box.top) * (v - low)) / (high - low);
  const yTicks = log ? powers(low, high, 6).map((k) => [y(k), powerOfTen(k)]) : ticks(low, high, 5).map((v) => [y(v), plain(v)]);
  drawAxes(ctx, box, ticks(0, settings.steps, 5).map((t) => [x(t), plain(t)]), yTicks, palette);

  ctx.save();
  ctx.beginPath();
  ctx.rect(box.left, box.top - 4, box.right - box.left + 4, box.bottom - box.top + 8);
  ctx.clip();
  for (const { name, losses } of runs) {
    const style = STYLES[name];
    const line = name === focus ? 2.6 : 2;
    ctx.lineWidth = line;
    ctx.lineJoin = "round";
    ctx.strokeStyle = lifted(style.color, palette);
    ctx.setLineDash(dashOf(style, 2));
    ctx.beginPath();
    losses.forEach((loss, t) => {
      const v = of(loss);
      ctx.lineTo(x(t), y(Number.isFinite(v) ? Math.min(Math.max(v, low - 9), high + 9) : high + 9));
    });
    ctx.stroke();
  }
  ctx.setLineDash([3, 3]);
  ctx.lineWidth = 1;
  ctx.strokeStyle = palette.muted;
  segment(ctx, x(step), box.top, x(step), box.bottom);
  ctx.restore();
}

/** Both ends of the axis: all that is finite, but not much above where the runs began. */
function range(runs, of, log) {
  const first = runs.length ? of(runs[0].losses[0]) : 1;
  let low = first;
  let high = first;
  for (const { losses } of runs) {
    for (const loss of losses) {
      const v = of(loss);
      if (!Number.isFinite(v)) continue;
      low = Math.min(low, v);
      high = Math.max(high, v);
    }
  }
  if (log) return [Math.floor(Math.min(low, first - 1)), Math.ceil(Math.min(high, first + 2) + 0.1)];
  const room = Math.max(Math.abs(first), 0.5);
  low = Math.max(low, first - 6 * room);
  high = Math.min(high, first + 3 * room);
  const edge = 0.06 * (high - low || 1);
  return [low - edge, high + edge];
}

// charts_card.js
// The loss curves, and what goes on inside the method in focus.

function curvesCard() {
  const canvas = element("canvas", { className: "pg-chart", role: "img", "aria-label": "Loss curves" });
  const title = element("h2", {}, "Loss");
  const whole = element("div", { className: "pg-card pg-curves" }, title, canvas);
  return {
    whole,
    draw(surface, settings, runs, step, palette, words) {
      title.textContent = surface.floor === undefined ? "Loss" : "Loss above the lowest";
      canvas.setAttribute("aria-label", `Loss curves. ${words}`);
      drawCurves(canvas, surface, settings, runs, step, settings.focus, palette);
    },
  };
}

function insideCard() {
  const title = element("h2", {});
  const key = element("p", { className: "pg-key" });
  key.innerHTML = '<span class="pg-solid" aria-hidden="true"></span> w₁ <span class="pg-dashed" aria-hidden="true"></span> w₂';
  const lines = [0, 1, 2, 3].map(() => {
    const name = element("span", { className: "pg-quantity" });
    const value = element("span", { className: "pg-value" });
    const canvas = element("canvas", { className: "pg-spark", "aria-hidden": "true" });
    return { name, value, canvas, whole: element("div", { className: "pg-inside-line" }, name, value, canvas) };
  });
  const whole = element("div", { className: "pg-card pg-inside" }, title, key, ...lines.map((line) => line.whole));
  return {
    whole,
    draw(run, steps, step, palette, color) {
      whole.style.setProperty("--method", color);
      const shown = Math.max(1, Math.min(step, run.log.length));
      title.textContent = `Inside ${run.name}, step ${shown}`;
      quantities(run.name).forEach((quantity, k) => {
        const line = lines[k];
        const value = quantity.missing ? null : valueAt(run, quantity.key, shown);
        line.whole.classList.toggle("pg-missing", Boolean(quantity.missing));
        line.name.textContent = quantity.words;
        line.value.textContent = quantity.missing ? "none" : value ? value.map((v) => plain(v)).join(" · ") : "";
        drawQuantity(line.canvas, run, quantity, steps, step, palette);
      });
    },
  };
}

// state.js
// What the page shows, as an address and back. What an address says wrongly is put right,
// and each such repair is one sentence.

const MOST_METHODS = 8;

// [least, most, what to call it]
const LIMITS = {
  kappa: [1, 1000, "the condition κ"],
  turn: [-90, 90, "the turn"],
  steps: [1, 1000, "the number of steps"],
  noise: [0, 100, "the noise"],
  seed: [0, 9999, "the seed of the noise"],
  clip: [0, 1e6, "the bound on the gradient"],
  lr: [0, 1e9, "the rate η"],
  momentum: [0, 2, "the momentum μ"],
  beta1: [0, 0.9999, "the memory β₁"],
  beta2: [0, 0.99999, "the memory β₂"],
  alpha: [0, 1, "the memory α"],
  rho: [0, 1, "the memory ρ"],
  beta: [0, 0.9, "the change β of a gain"],
  eps: [0, 10, "ε"],
  weight_decay: [0, 100, "the decay λ"],
  lr_decay: [0, 100, "the decay γ of the rate"],
  momentum_decay: [0, 10, "the speed ψ"],
};
const WHOLE = ["steps", "seed"];

const FALLBACK = PRESETS[0];

/** A number inside its limits, or a sentence about what became of it. */
function number(key, text, fallback, notes, whose = "") {
  const [least, most, words] = LIMITS[key];
  const name = words[0].toUpperCase() + words.slice(1) + whose;
  const value = text === null || text.trim() === "" ? NaN : Number(text);
  if (Number.isNaN(value)) {
    notes.push(`${name} is no number (“${short(text)}”): it is now ${fallback}.`);
    return fallback;
  }
  const whole = WHOLE.includes(key) ? Math.round(value) : value;
  const inside = Math.min(Math.max(whole, least), most);
  if (inside !== value) notes.push(`${name} was ${short(text)}: it is now ${inside}.`);
  return inside;
}

const short = (text) => (text && text.length > 24 ? `${text.slice(0, 24)}…` : String(text));

function choice(table, key, fallback, words, notes) {
  if (Object.hasOwn(table, key)) return key;
  notes.push(`There is no ${words} “${short(key)}”: this is “${fallback}”.`);
  return fallback;
}

/** One of these; the first, with a sentence, for what is none of them, and without one for nothing. */
function among(known, given, words, notes) {
  if (known.includes(given)) return given;
  if (given !== null) notes.push(`There is no ${words} “${short(given)}”: this is “${known[0]}”.`);
  return known[0];
}

/** The settings of a method in this place, with the rate that suits the surface. */
function defaultHyper(name, surfaceId) {
  const method = METHODS[name];
  return { ...method.hyper, lr: suitableRate(method, SURFACES[surfaceId].rates) };
}

function readMethod(text, surfaceId, notes) {
  const [name, ...pairs] = text.split(",");
  if (!Object.hasOwn(METHODS, name)) {
    notes.push(`There is no method “${short(name)}”: it is left out.`);
    return null;
  }
  const hyper = defaultHyper(name, surfaceId);
  for (const pair of pairs) {
    const [key, value] = pair.split(":");
    if (!Object.hasOwn(hyper, key)) notes.push(`${name} has no “${short(key)}”: it is left out.`);
    else hyper[key] = number(key, value ?? null, hyper[key], notes, ` of ${name}`);
  }
  return { name, hyper };
}

function readStart(text, surface, notes) {
  const parts = (text ?? "").split(",").map((part) => (part.trim() === "" ? NaN : Number(part)));
  if (text === null) return [...surface.start];
  if (parts.length !== 2 || parts.some(Number.isNaN)) {
    notes.push(`The start “${short(text)}” is no pair of numbers: it is now ${surface.start.join(", ")}.`);
    return [...surface.start];
  }
  const inside = insideMap(surface, parts);
  if (inside.some((w, i) => w !== parts[i])) {
    notes.push(`The start ${short(text)} lies outside of the map: it is now at its edge, ${inside.join(", ")}.`);
  }
  return inside;
}

/** The nearest point of the map. */
function insideMap(surface, start) {
  return start.map((w, i) => Math.min(Math.max(w, surface.domain[i][0]), surface.domain[i][1]));
}

/** What the second axis of a phase map may be, the best first. */
function phaseAxes(name) {
  const memories = ["momentum", "beta1", "alpha", "rho", "beta", "beta2"];
  const others = ["eps", "lr_decay", "weight_decay"];
  const has = (key) => key in METHODS[name].hyper;
  return [...memories.filter(has), "noise", ...others.filter(has)];
}

/** Settings from an address such as "surface=ravine&m=SGD,lr:0.1", and sentences of repair. */
function readState(address) {
  const notes = [];
  const text = address.replace(/^#/, "");
  const named = text.replace(/^play-/, "");
  const preset = PRESETS.find(({ id }) => id === named) ?? (text === "" ? FALLBACK : null);
  const given = new URLSearchParams(preset ? preset.state : text);
  const known = ["surface", "kappa", "turn", "start", "steps", "schedule", "noise", "seed", "clip", "m", "focus", "axis"];
  const strange = [...new Set(given.keys())].filter((key) => !known.includes(key));
  if (strange.length) notes.push(`The address says “${short(strange.join(", "))}”, which means nothing here.`);

  const id = given.has("surface") ? choice(SURFACES, given.get("surface"), "ravine", "surface", notes) : "ravine";
  const plain = { kappa: 20, turn: 0, steps: 100, noise: SURFACES[id].noise ?? 0, seed: 0, clip: 0 };
  const settings = { surface: id };
  for (const key of Object.keys(plain)) {
    settings[key] = given.has(key) ? number(key, given.get(key), plain[key], notes) : plain[key];
  }
  settings.schedule = given.has("schedule")
    ? choice(SCHEDULES, given.get("schedule"), "constant", "schedule", notes)
    : "constant";
  const surface = makeSurface(id, settings.kappa, settings.turn);
  settings.start = readStart(given.get("start"), surface, notes);
  settings.methods = [];
  for (const part of given.getAll("m")) {
    const method = readMethod(part, id, notes);
    if (!method) continue;
    if (settings.methods.some(({ name }) => name === method.name)) notes.push(`${method.name} stands there twice: the first counts.`);
    else if (settings.methods.length < MOST_METHODS) settings.methods.push(method);
    else notes.push(`${method.name} is left out: ${MOST_METHODS} methods fit side by side.`);
  }
  if (!settings.methods.length) {
    settings.methods = ["SGD", "Momentum", "Adam"].map((name) => ({ name, hyper: defaultHyper(name, id) }));
  }
  const names = settings.methods.map(({ name }) => name);
  settings.focus = among(names, given.get("focus"), "method in focus", notes);
  settings.axis = among(phaseAxes(settings.focus), given.get("axis"), "axis of the phase map", notes);
  return { settings, notes, preset: preset ? preset.id : null };
}

/** The address of settings: reading it gives them back. */
function writeState(settings) {
  const { surface, kappa, turn, start, steps, schedule, noise, seed, clip, methods, focus, axis } = settings;
  const parts = { surface, kappa, turn, start: start.join(","), steps, schedule, noise, seed, clip };
  const plain = { turn: 0, schedule: "constant", seed: 0, clip: 0 };
  const words = Object.entries(parts)
    .filter(([key, value]) => value !== plain[key] && !(key === "kappa" && surface !== "ravine" && value === 20))
    .map(([key, value]) => `${key}=${value}`);
  for (const { name, hyper } of methods) {
    const own = Object.entries(hyper).filter(([key, value]) => key === "lr" || value !== METHODS[name].hyper[key]);
    words.push(`m=${[name, ...own.map(([key, value]) => `${key}:${value}`)].join(",")}`);
  }
  return [...words, `focus=${focus}`, `axis=${axis}`].join("&");
}

// speech.js
// What happened, in words: beside each method, and for those who do not see the map.

const steps = (n) => (n === 1 ? "1 step" : `${n} steps`);

/** How a run ended, in a few words. */
function verdictOf({ hyper, verdict, losses, path }) {
  const { kind, step, left } = verdict;
  const last = losses.length - 1;
  switch (kind) {
    case "infinite":
      if (left === step && path[last].some(Number.isNaN)) return `stops after ${steps(step)}: 0 divided by 0`;
      return `diverges: leaves the map at step ${left}, no finite number after ${steps(step)}`;
    case "diverges":
      return `diverges: leaves the map at step ${step}`;
    case "leaves":
      return `leaves the map downhill at step ${step}`;
    case "still":
      return hyper.lr === 0 ? "stands still: its rate is 0" : "stands still";
    case "arrived":
      return `arrives after ${steps(step)}`;
    default:
      return `loss ${plain(losses[last])} after ${steps(last)}`;
  }
}

/** The whole picture in a few sentences. */
function describe(settings, runs) {
  const [a, b] = settings.start.map((w) => plain(w));
  const ends = runs.map((run) => `${run.name} ${verdictOf(run)}.`);
  return [`${SURFACES[settings.surface].name}, start at ${a}, ${b}.`, ...ends].join(" ");
}

/** What a phase map says, in a sentence. */
function describePhase({ name, summary, words, reachable }) {
  const percent = (share) => `${Math.round(100 * share)} %`;
  const arrives = reachable ? `, ${percent(summary.arrived)} lower the loss a thousandfold` : "";
  return `Rate of ${name} across, ${words} upwards: ${percent(summary.diverged)} of the map diverges${arrives}.`;
}

// contours.js
// Shades and lines of equal loss.

/** The loss on a grid over the map, rows from the top. */
function sample(surface, columns, rows) {
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
function spread({ values }) {
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
function contours({ values, columns, rows }, levels, draw) {
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

// markers.js
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
function drawMarker(ctx, marker, x, y, radius, color, edge) {
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

// map.js
// The map: the surface from above, and the paths on it.

const FINE = [161, 121];
const COARSE = [97, 73]; // on a phone, whose map is small and whose processor slow
const LEVELS = 15;
const LINE = 2.2;

// Around a map: room for the numbers of its axes.
const WITH_AXES = { left: 38, top: 10, right: 10, bottom: 26 };

/** Where the map lies in its canvas, and from weights to pixels and back. */
function frame(surface, width, height, room = WITH_AXES) {
  const box = { left: room.left, top: room.top, right: width - room.right, bottom: height - room.bottom };
  const [[low1, high1], [low2, high2]] = surface.domain;
  const scale1 = (box.right - box.left) / (high1 - low1);
  const scale2 = (box.bottom - box.top) / (high2 - low2);
  return {
    box,
    toPixel: ([a, b]) => [box.left + (a - low1) * scale1, box.bottom - (b - low2) * scale2],
    toWeights: (x, y) => [low1 + (x - box.left) / scale1, low2 + (box.bottom - y) / scale2],
  };
}

/** Shades, lines and axes: drawn once for each surface, size and theme. */
function drawGround(canvas, surface, palette) {
  const { ctx, width, height } = fit(canvas);
  const { box, toPixel } = frame(surface, width, height);
  const grid = sample(surface, ...(width < 480 ? COARSE : FINE));
  const scale = spread(grid);
  ctx.drawImage(shades(grid, scale, palette), box.left, box.top, box.right - box.left, box.bottom - box.top);

  ctx.strokeStyle = palette.line;
  ctx.lineWidth = 0.8;
  const sx = (box.right - box.left) / (grid.columns - 1);
  const sy = (box.bottom - box.top) / (grid.rows - 1);
  ctx.beginPath();
  const levels = Array.from({ length: LEVELS - 1 }, (_, k) => scale.level((k + 1) / LEVELS));
  contours(grid, levels, (x1, y1, x2, y2) => {
    ctx.moveTo(box.left + x1 * sx, box.top + y1 * sy);
    ctx.lineTo(box.left + x2 * sx, box.top + y2 * sy);
  });
  ctx.stroke();

  const [[low1, high1], [low2, high2]] = surface.domain;
  const clear = { ...palette, grid: "transparent" };
  const xTicks = ticks(low1, high1, 5).map((t) => [toPixel([t, 0])[0], plain(t)]);
  const yTicks = ticks(low2, high2, 5).map((t) => [toPixel([0, t])[1], plain(t)]);
  drawAxes(ctx, box, xTicks, yTicks, clear);
  for (const w of surface.minima) drawMarker(ctx, "*", ...toPixel(w), 7, palette.ink, palette.card);
  for (const w of surface.corners ?? []) drawMarker(ctx, "*", ...toPixel(w), 7, palette.ink, palette.card);
}

function shades({ values, columns, rows }, scale, palette) {
  const small = document.createElement("canvas");
  small.width = columns;
  small.height = rows;
  const ctx = small.getContext("2d");
  const image = ctx.createImageData(columns, rows);
  const [low, high] = [channels(palette.low), channels(palette.high)];
  for (let k = 0; k < values.length; k++) {
    const [r, g, b] = between(low, high, scale.share(values[k]));
    image.data[4 * k] = r;
    image.data[4 * k + 1] = g;
    image.data[4 * k + 2] = b;
    image.data[4 * k + 3] = 255;
  }
  ctx.putImageData(image, 0, 0);
  return small;
}

/** The paths up to this step, a diverging one up to the edge, and the start to drag; short paths with their steps as `dots`. */
function drawPaths(canvas, surface, runs, step, focus, palette, { room, dots = true } = {}) {
  const { ctx, width, height } = fit(canvas);
  const { box, toPixel } = frame(surface, width, height, room);
  const inOrder = [...runs].sort((a, b) => (a.name === focus) - (b.name === focus));
  for (const { name, path, verdict } of inOrder) {
    const style = STYLES[name];
    const color = lifted(style.color, palette);
    const gone = ["diverges", "infinite"].includes(verdict.kind) ? verdict.left : Infinity;
    const points = path.slice(0, Math.min(step, gone) + 1).map(toPixel);
    ctx.lineJoin = "round";
    ctx.lineWidth = name === focus ? LINE * 1.3 : LINE;
    ctx.strokeStyle = color;
    ctx.setLineDash(dashOf(style, LINE));
    const exit = drawLine(ctx, points, box);
    ctx.setLineDash([]);
    if (dots && points.length <= 40) for (const p of points.slice(1, -1)) dot(ctx, p, box, color);
    const end = points[points.length - 1];
    if (isIn(end, box)) drawMarker(ctx, style.marker, ...end, 6, color, palette.card);
    else if (exit) drawExit(ctx, exit, color, palette);
  }
  drawStart(ctx, toPixel(runs.length ? runs[0].path[0] : surface.start), palette);
}

const isIn = ([x, y], { left, top, right, bottom }) => x >= left && x <= right && y >= top && y <= bottom;

function dot(ctx, p, box, color) {
  if (!isIn(p, box)) return;
  ctx.beginPath();
  ctx.arc(p[0], p[1], 2.4, 0, 2 * Math.PI);
  ctx.fillStyle = color;
  ctx.fill();
}

/** The line inside of the box; returns [x, y, dx, dy] where it leaves for the last time. */
function drawLine(ctx, points, box) {
  let exit = null;
  ctx.beginPath();
  let pen = null;
  for (let k = 1; k < points.length; k++) {
    const [from, to] = [points[k - 1], nearEnough(points[k - 1], points[k])];
    const cut = to && clipTo(box, from, to);
    if (!cut) continue;
    const [x1, y1, x2, y2] = cut;
    if (!pen || pen[0] !== x1 || pen[1] !== y1) ctx.moveTo(x1, y1);
    ctx.lineTo(x2, y2);
    pen = [x2, y2];
    if (isIn(from, box) && !isIn(to, box)) exit = [x2, y2, to[0] - from[0], to[1] - from[1]];
  }
  ctx.stroke();
  return exit;
}

/** The next point; where it is no number, far off in a direction that is still known. */
function nearEnough(from, to) {
  if (to.every(Number.isFinite)) return to;
  const ahead = to.map((c, i) => (Number.isFinite(c) ? c - from[i] : Number.isNaN(c) ? 0 : Math.sign(c) * 1e9));
  return ahead.some((d) => d !== 0) ? from.map((c, i) => c + ahead[i]) : null;
}

/** Liang and Barsky: the part of a line inside of a box. */
function clipTo({ left, top, right, bottom }, [x1, y1], [x2, y2]) {
  let [begin, end] = [0, 1];
  const [dx, dy] = [x2 - x1, y2 - y1];
  for (const [p, q] of [[-dx, x1 - left], [dx, right - x1], [-dy, y1 - top], [dy, bottom - y1]]) {
    if (p === 0) {
      if (q < 0) return null;
    } else if (p < 0) begin = Math.max(begin, q / p);
    else end = Math.min(end, q / p);
  }
  if (!(begin <= end)) return null;
  return [x1 + begin * dx, y1 + begin * dy, x1 + end * dx, y1 + end * dy];
}

function drawExit(ctx, [x, y, dx, dy], color, palette) {
  const length = Math.hypot(dx, dy) || 1;
  const [ux, uy] = [dx / length, dy / length];
  ctx.beginPath();
  ctx.moveTo(x + 2 * ux, y + 2 * uy);
  ctx.lineTo(x - 11 * ux - 6 * uy, y - 11 * uy + 6 * ux);
  ctx.lineTo(x - 11 * ux + 6 * uy, y - 11 * uy - 6 * ux);
  ctx.closePath();
  ctx.lineWidth = 1.5;
  ctx.strokeStyle = palette.card;
  ctx.stroke();
  ctx.fillStyle = color;
  ctx.fill();
}

function drawStart(ctx, [x, y], palette) {
  ctx.lineWidth = 2.5;
  ctx.beginPath();
  ctx.arc(x, y, 9, 0, 2 * Math.PI);
  ctx.fillStyle = palette.card;
  ctx.globalAlpha = 0.85;
  ctx.fill();
  ctx.globalAlpha = 1;
  ctx.strokeStyle = palette.ink;
  ctx.stroke();
  ctx.lineWidth = 1.5;
  segment(ctx, x - 4, y, x + 4, y);
  segment(ctx, x, y - 4, x, y + 4);
}

/** Dragging by mouse, pen, touch and arrow keys; move(weights) is told each new start. */
function listen(canvas, current, move, room) {
  const at = (event) => {
    const bounds = canvas.getBoundingClientRect();
    const { toWeights } = frame(current().surface, canvas.clientWidth, canvas.clientHeight, room);
    return toWeights(event.clientX - bounds.left, event.clientY - bounds.top);
  };
  canvas.addEventListener("pointerdown", (event) => {
    if (event.button !== 0) return;
    canvas.setPointerCapture(event.pointerId);
    canvas.focus({ preventScroll: true });
    move(at(event));
    event.preventDefault();
  });
  canvas.addEventListener("pointermove", (event) => {
    if (canvas.hasPointerCapture(event.pointerId)) move(at(event));
  });
  const arrows = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, 1], ArrowDown: [0, -1] };
  canvas.addEventListener("keydown", (event) => {
    const arrow = arrows[event.key];
    if (!arrow || event.ctrlKey || event.altKey || event.metaKey) return;
    const { surface, settings } = current();
    const part = event.shiftKey ? 10 : 100;
    move(settings.start.map((w, i) => w + (arrow[i] * (surface.domain[i][1] - surface.domain[i][0])) / part));
    event.preventDefault();
  });
}

// sliders.js
// A number as a slider, for trying, beside a field, for exact values.

const round = (value) => Number(value.toPrecision(3));

// From the place of a slider to the number and back: [least, most, step] are of the place.
const unit = { ends: [0, 1, 0.01], to: round, from: (v) => v };
const memory = {
  ends: [0, 4, 0.05],
  to: (p) => Number((1 - 10 ** -p).toFixed(p < 1 ? 2 : p < 2 ? 3 : p < 3 ? 4 : 5)),
  from: (v) => -Math.log10(Math.max(1 - v, 1e-5)),
};
const linearly = (low, high, step) => ({ ends: [low, high, step], to: (p) => Number(p.toFixed(4)), from: (v) => v });
const power = (low, high) => ({
  ends: [low, high, 0.02], to: (p) => round(10 ** p), from: (v) => Math.log10(Math.max(v, 1e-99)),
});

const SCALES = {
  lr: power(-5, 1.5),
  momentum: unit,
  beta1: unit,
  beta2: memory,
  alpha: unit,
  rho: unit,
  beta: linearly(0, 0.6, 0.01),
  eps: power(-10, 1),
  weight_decay: linearly(0, 1, 0.01),
  lr_decay: linearly(0, 1, 0.01),
  momentum_decay: linearly(0, 1, 0.001),
  kappa: power(0, 3),
  turn: linearly(-90, 90, 1),
  steps: linearly(10, 500, 10),
  noise: linearly(0, 5, 0.05),
  seed: linearly(0, 20, 1),
  clip: linearly(0, 10, 0.1),
};

const SYMBOLS = {
  lr: "rate η", momentum: "momentum μ", beta1: "memory β₁", beta2: "memory β₂", alpha: "memory α",
  rho: "memory ρ", beta: "gain β", eps: "epsilon ε", weight_decay: "decay λ",
  lr_decay: "decay γ of η", momentum_decay: "speed ψ", kappa: "condition κ", turn: "turn, degrees",
  steps: "steps", noise: "noise", seed: "seed of the noise", clip: "clip, norm (0: off)",
};

/** A number as it fits into a field. */
const written = (v) => (Math.abs(v) >= 1e7 ? v.toExponential() : v);

/** A labelled slider with a field; change(value) is told every new value. */
function sliderOf(key, whose, value, change) {
  const { ends, to, from } = SCALES[key];
  const [least, most] = LIMITS[key];
  const words = `${SYMBOLS[key]}${whose ? ` of ${whose}` : ""}`;
  const slider = element("input", {
    type: "range", min: ends[0], max: ends[1], step: ends[2], "aria-label": words,
  });
  const field = element("input", {
    type: "number", step: "any", min: least, max: most, "aria-label": `${words}, exactly`,
  });
  let last = value;
  const set = (v) => {
    last = v;
    slider.value = from(v);
    slider.setAttribute("aria-valuetext", String(v));
    if (document.activeElement !== field) field.value = written(v);
  };
  const clamped = (v) => Math.min(Math.max(v, least), most);
  slider.addEventListener("input", () => {
    set(clamped(to(Number(slider.value))));
    change(last);
  });
  field.addEventListener("input", () => {
    if (Number.isNaN(field.valueAsNumber)) return; // not yet a number
    set(clamped(WHOLE.includes(key) ? Math.round(field.valueAsNumber) : field.valueAsNumber));
    change(last);
  });
  field.addEventListener("change", () => (field.value = written(last)));
  set(value);
  const text = element("span", { className: "pg-symbol", "aria-hidden": "true" }, SYMBOLS[key]);
  return { whole: element("div", { className: "pg-slider" }, text, slider, field), set };
}

// map_card.js
// The map with its surface, and the bar that goes through the steps.

const MAP_HELP = "Start of all paths. Arrow keys move it, with Shift ten times as far.";

/** The card. `act` has surface(id), set(key, value), step(t), move(steps) and play(). */
function mapCard(act) {
  const ids = Object.entries(SURFACES).map(([id, { name }]) => [id, name]);
  const surface = choiceOf("Surface", ids, act.surface);
  const sentence = element("p", { className: "pg-sentence" });
  const kappa = sliderOf("kappa", "", 20, (v) => act.set("kappa", v));
  const turn = sliderOf("turn", "", 0, (v) => act.set("turn", v));
  const shape = element("div", { className: "pg-pair" }, kappa.whole, turn.whole);

  const ground = element("canvas", { className: "pg-ground", "aria-hidden": "true" });
  const paths = element("canvas", {
    className: "pg-paths", tabIndex: 0, role: "application", "aria-label": MAP_HELP, "aria-roledescription": "map",
  });
  const hint = element("span", { className: "pg-hint", "aria-hidden": "true" }, "Drag the ⊕, or press the arrow keys");
  const stack = element("div", { className: "pg-stack" }, ground, paths);

  const time = element("input", { type: "range", min: 0, step: 1, "aria-label": "Step that is shown", className: "pg-time" });
  time.addEventListener("input", () => act.step(Number(time.value)));
  const shown = element("span", { className: "pg-step" });
  const button = (text, label, onclick) => element("button", { type: "button", title: label, "aria-label": label, onclick }, text);
  const back = button("‹", "One step back", () => act.move(-1));
  const on = button("›", "One step on", () => act.move(1));
  const play = button("▶", "Play the steps", act.play);
  play.classList.add("pg-play");
  const bar = element("div", { className: "pg-bar" }, play, back, on, time, shown);

  const top = element("div", { className: "pg-top" }, surface.whole, sentence);
  return {
    whole: element("div", { className: "pg-card pg-map" }, element("h2", { className: "pg-unseen" }, "Map"), top, shape, stack, hint, bar),
    ground, paths, play,
    update(settings) {
      surface.set(settings.surface);
      sentence.textContent = SURFACES[settings.surface].sentence;
      shape.hidden = settings.surface !== "ravine";
      kappa.set(settings.kappa);
      turn.set(settings.turn);
    },
    step(t, steps) {
      time.max = steps;
      time.value = t;
      time.setAttribute("aria-valuetext", `step ${t} of ${steps}`);
      shown.textContent = `step ${t} of ${steps}`;
    },
  };
}

// methods_card.js
// Which methods run, and their numbers.

function drawSwatch(canvas, name, palette) {
  const { ctx, width, height } = fit(canvas);
  const style = STYLES[name];
  const color = lifted(style.color, palette);
  ctx.strokeStyle = color;
  ctx.lineWidth = 2.4;
  ctx.setLineDash(dashOf(style, 2));
  segment(ctx, 1, height / 2, width - 1, height / 2);
  drawMarker(ctx, style.marker, width / 2, height / 2, 5, color, palette.card);
}

/** The card. `act` has toggle(name), focus(name) and tune(name, key, value). */
function methodsCard(act) {
  const chips = element("div", { className: "pg-chips", role: "group", "aria-label": "Methods on the map" });
  const buttons = {};
  for (const name of Object.keys(METHODS)) {
    buttons[name] = element("button", { type: "button", className: "pg-chip", onclick: () => act.toggle(name) }, name);
    buttons[name].style.setProperty("--method", STYLES[name].color);
    chips.append(buttons[name]);
  }
  const rows = element("ul", { className: "pg-rows" });
  const whole = element("div", { className: "pg-card pg-methods" }, element("h2", {}, "Methods"), chips, rows);
  let shown = "";
  let parts = [];

  function build(settings) {
    const active = document.activeElement?.dataset?.key;
    rows.replaceChildren();
    parts = settings.methods.map(({ name, hyper }) => {
      const inFocus = name === settings.focus;
      const swatch = element("canvas", { className: "pg-swatch", "aria-hidden": "true" });
      const button = element(
        "button",
        { type: "button", className: "pg-name", onclick: () => act.focus(name), "aria-pressed": String(inFocus) },
        swatch, name,
      );
      button.dataset.key = `focus ${name}`;
      button.title = `Look inside ${name}`;
      const verdict = element("span", { className: "pg-verdict" });
      const keys = inFocus ? Object.keys(hyper) : ["lr"];
      const sliders = keys.map((key) => [key, sliderOf(key, name, hyper[key], (v) => act.tune(name, key, v))]);
      const row = element("li", { className: inFocus ? "pg-row pg-focus" : "pg-row" });
      row.append(element("div", { className: "pg-head" }, button, verdict), ...sliders.map(([, { whole }]) => whole));
      if (inFocus) row.append(ruleOf(name));
      rows.append(row);
      return { name, swatch, verdict, sliders };
    });
    if (active) rows.querySelector(`[data-key="${CSS.escape(active)}"]`)?.focus();
  }

  return {
    whole,
    /** Show settings; rows are only made anew when other methods or another focus are shown. */
    update(settings, force) {
      const names = settings.methods.map(({ name }) => name);
      const key = `${names.join()}|${settings.focus}`;
      const rebuild = force || key !== shown;
      if (rebuild) build(settings);
      shown = key;
      for (const [name, button] of Object.entries(buttons)) {
        const on = names.includes(name);
        button.setAttribute("aria-pressed", String(on));
        button.disabled = on ? names.length === 1 : names.length >= MOST_METHODS;
        button.title = !button.disabled ? "" : on ? "One method at least stays on the map." : `${MOST_METHODS} methods fit side by side: take one away first.`;
      }
      return rebuild;
    },
    /** Put values that were changed elsewhere (a click into the phase map) into the sliders. */
    values(settings) {
      for (const { name, sliders } of parts) {
        const { hyper } = settings.methods.find((method) => method.name === name);
        for (const [key, slider] of sliders) slider.set(hyper[key]);
      }
    },
    swatches(palette) {
      for (const { name, swatch } of parts) drawSwatch(swatch, name, palette);
    },
    verdicts(runs) {
      for (const run of runs) {
        const part = parts.find(({ name }) => name === run.name);
        const bad = ["infinite", "diverges"].includes(run.verdict.kind);
        part.verdict.textContent = verdictOf(run);
        part.verdict.classList.toggle("pg-bad", bad);
        part.verdict.classList.toggle("pg-good", run.verdict.kind === "arrived");
      }
    },
  };
}

function ruleOf(name) {
  const { rule, page } = METHODS[name];
  const lines = rule.map((line) => element("li", {}, line));
  const link = element("a", { href: `${page}.html` }, "where this comes from");
  return element("div", { className: "pg-rule" }, element("ol", { "aria-label": `One step of ${name}` }, ...lines), link);
}

// noise.js
// The noise of course_lib.surfaces.Noisy: a function of the seed and the step alone.

function uniform(seed, counter) {
  let h = (Math.imul(seed, 0x9e3779b9) + Math.imul(counter, 0x85ebca77) + 1) >>> 0;
  h = Math.imul(h ^ (h >>> 16), 0x85ebca6b) >>> 0;
  h = Math.imul(h ^ (h >>> 13), 0xc2b2ae35) >>> 0;
  return ((h ^ (h >>> 16)) >>> 0) / 2 ** 32;
}

/** What step t adds to the gradient: two numbers of mean 0 and this standard deviation. */
function tilt(seed, t, std, out) {
  for (let i = 0; i < 2; i++) out[i] = (2 * uniform(seed, 2 * t + i) - 1) * std * Math.sqrt(3);
}

// walk.js
// A run of one method from one start, what was inside it at each step, and how it ended.

const GOAL = 1e-3; // the share of the first loss, above the floor, that counts as arrived

function clipNorm(g, most) {
  const scale = Math.min(most / Math.hypot(g[0], g[1]), 1);
  g[0] *= scale;
  g[1] *= scale;
}

/** Calls see(t, w, g, s, lr) after each step until the end or the first infinity or NaN. */
function eachStep(surface, settings, name, hyper, see) {
  const method = METHODS[name];
  const schedule = SCHEDULES[settings.schedule].make(hyper.lr, settings.steps);
  const w = Float64Array.from(settings.start);
  const g = new Float64Array(2);
  const xi = new Float64Array(2);
  const s = freshState(method);
  const h = { ...hyper };
  for (let t = 0; t < settings.steps; t++) {
    surface.gradient(w[0], w[1], g);
    if (settings.noise) {
      tilt(settings.seed, t, settings.noise, xi);
      g[0] += xi[0];
      g[1] += xi[1];
    }
    if (settings.clip) clipNorm(g, settings.clip);
    h.lr = schedule(t);
    takeStep(method, w, g, s, h);
    see(t + 1, w, g, s, h.lr);
    if (!Number.isFinite(w[0]) || !Number.isFinite(w[1])) return;
  }
}

/** The whole run: path and losses, and with `inside` every quantity of every step. */
function run(surface, settings, name, hyper, inside = false) {
  const method = METHODS[name];
  const path = [[...settings.start]];
  const losses = [surface.loss(...settings.start)];
  const log = [];
  eachStep(surface, settings, name, hyper, (t, w, g, s, lr) => {
    path.push([w[0], w[1]]);
    losses.push(surface.loss(w[0], w[1]));
    if (inside) {
      log.push({
        lr,
        gradient: [g[0], g[1]],
        first: method.first ? [...s[method.first]] : null,
        second: method.second ? [...s[method.second]] : null,
        rate: [...s.rate],
      });
    }
  });
  return { name, hyper, path, losses, log, verdict: judge(surface, settings, path, losses) };
}

/** The loss at the end alone, for a phase map. */
function lastLoss(surface, settings, name, hyper) {
  const end = [...settings.start];
  eachStep(surface, settings, name, hyper, (t, w) => {
    end[0] = w[0];
    end[1] = w[1];
  });
  const loss = surface.loss(...end);
  return { loss, diverged: !Number.isFinite(loss) || hasDiverged(surface, end, loss, settings) };
}

function isOutside(surface, [a, b], margin = 0) {
  const [[low1, high1], [low2, high2]] = surface.domain;
  const m1 = margin * (high1 - low1);
  const m2 = margin * (high2 - low2);
  return !(a >= low1 - m1 && a <= high1 + m1 && b >= low2 - m2 && b <= high2 + m2);
}

function hasDiverged(surface, end, loss, settings) {
  const before = surface.loss(...settings.start);
  return isOutside(surface, end) && loss > before && loss - before > 1e-9 * Math.abs(before);
}

/** How a run ended: {kind, step}. */
function judge(surface, settings, path, losses) {
  const last = path.length - 1;
  const outside = path.findIndex((w) => isOutside(surface, w));
  const left = outside < 0 ? last : outside;
  if (!Number.isFinite(losses[last]) || !path[last].every(Number.isFinite)) {
    return { kind: "infinite", step: last, left };
  }
  if (hasDiverged(surface, path[last], losses[last], settings)) return { kind: "diverges", step: left, left };
  if (path.every((w) => w[0] === path[0][0] && w[1] === path[0][1])) return { kind: "still", step: 0 };
  if (surface.floor !== undefined) {
    const goal = surface.floor + GOAL * (losses[0] - surface.floor);
    // Whoever only flies through has not arrived: from this step on it stays.
    if (losses[last] <= goal) return { kind: "arrived", step: losses.findLastIndex((loss) => loss > goal) + 1 };
  }
  if (isOutside(surface, path[last])) return { kind: "leaves", step: left };
  return { kind: "on the way", step: last };
}

// phase.js
// The phase map: where a method would end for every rate and one more hyperparameter.

const ACROSS = 40;
const UPWARDS = 22;

// [lowest, highest, logarithmic]: memories near 1 are spread out as 1 minus a power of ten.
const RANGES = {
  momentum: [0, 1, "linear"],
  beta1: [0, 0.99, "linear"],
  alpha: [0, 0.999, "linear"],
  rho: [0, 0.999, "linear"],
  beta: [0, 0.6, "linear"],
  beta2: [-4, 0, "memory"],
  eps: [-8, 1, "log"],
  lr_decay: [0, 1, "linear"],
  weight_decay: [0, 1, "linear"],
  noise: [0, 4, "linear"],
};

/** Both axes: from the place in the map, 0 … 1, to the value and back. */
function axesOf(settings, name, axis) {
  const middle = Math.log10(suitableRate(METHODS[name], SURFACES[settings.surface].rates));
  const [low, high, kind] = RANGES[axis];
  const values = {
    linear: [(p) => low + (high - low) * p, (v) => (v - low) / (high - low)],
    log: [(p) => 10 ** (low + (high - low) * p), (v) => (Math.log10(Math.max(v, 1e-99)) - low) / (high - low)],
    memory: [(p) => 1 - 10 ** (-(high - low) * p), (v) => -Math.log10(Math.max(1 - v, 1e-99)) / (high - low)],
  }[kind];
  return {
    rate: { to: (p) => 10 ** (middle - 2 + 3.5 * p), from: (v) => (Math.log10(Math.max(v, 1e-99)) - middle + 2) / 3.5, low: middle - 2, high: middle + 1.5 },
    other: { to: values[0], from: values[1], kind, low, high },
  };
}

/** The settings and hyperparameters of a place in the map. */
function placeInPhase(settings, name, axis, px, py) {
  const { rate, other } = axesOf(settings, name, axis);
  const { hyper } = settings.methods.find((method) => method.name === name);
  const changed = { ...hyper, lr: rate.to(px) };
  if (axis === "noise") return { settings: { ...settings, noise: other.to(py) }, hyper: changed };
  return { settings, hyper: { ...changed, [axis]: other.to(py) } };
}

/** A map that is computed a little in each frame: coarse first, then every cell. */
class Phase {
  constructor() {
    this.cells = new Float64Array(ACROSS * UPWARDS);
    this.order = coarseFirst();
    this.next = this.order.length;
  }

  begin(surface, settings, name, axis) {
    Object.assign(this, { surface, settings, name, axis, next: 0 });
    const { of } = heightOf(surface);
    this.first = of(surface.loss(...settings.start));
    this.of = of;
  }

  get done() {
    return this.next >= this.order.length;
  }

  /** Compute for some milliseconds, and one cell at least. */
  advance(budget) {
    const until = performance.now() + budget;
    for (let some = true; some && !this.done; some = performance.now() < until) {
      const [column, row, size] = this.order[this.next++];
      const { settings, hyper } = placeInPhase(this.settings, this.name, this.axis, (column + 0.5) / ACROSS, (row + 0.5) / UPWARDS);
      const { loss, diverged } = lastLoss(this.surface, settings, this.name, hyper);
      const value = diverged ? Infinity : this.of(loss) - this.first;
      for (let c = column; c < Math.min(column + size, ACROSS); c++) {
        for (let r = row; r < Math.min(row + size, UPWARDS); r++) this.cells[r * ACROSS + c] = value;
      }
    }
  }

  /** How many cells of the map diverge, and how many get to a thousandth of the first loss. */
  summary() {
    const diverged = this.cells.filter((v) => v === Infinity).length;
    const arrived = this.cells.filter((v) => v <= -3).length;
    return { diverged: diverged / this.cells.length, arrived: arrived / this.cells.length };
  }
}

function coarseFirst() {
  const order = [];
  const seen = new Set();
  for (const size of [4, 2, 1]) {
    for (let r = 0; r < UPWARDS; r += size) {
      for (let c = 0; c < ACROSS; c += size) {
        const key = r * ACROSS + c;
        if (!seen.has(key)) order.push([c, r, size]);
        seen.add(key);
      }
    }
  }
  return order;
}

function phaseBox(width, height) {
  return { left: 46, top: 8, right: width - 10, bottom: height - 24 };
}

function drawPhase(canvas, phase, palette) {
  const { ctx, width, height } = fit(canvas);
  const box = phaseBox(width, height);
  const { rate, other } = axesOf(phase.settings, phase.name, phase.axis);
  const [near, far] = [channels(palette.near), channels(palette.far)];
  const [w, h] = [(box.right - box.left) / ACROSS, (box.bottom - box.top) / UPWARDS];
  const { log } = heightOf(phase.surface);
  const depth = log ? 8 : lowest(phase.cells);
  ctx.fillStyle = palette.card;
  ctx.fillRect(box.left, box.top, box.right - box.left, box.bottom - box.top);
  const hatched = new Path2D();
  for (let r = 0; r < UPWARDS; r++) {
    for (let c = 0; c < ACROSS; c++) {
      const value = phase.cells[r * ACROSS + c];
      const [x, y] = [box.left + c * w, box.bottom - (r + 1) * h];
      if (value === Infinity) hatched.rect(x, y, w, h);
      else {
        const share = Math.min(Math.max(-value / depth, 0), 1);
        ctx.fillStyle = `rgb(${between(far, near, share).join(",")})`;
        ctx.fillRect(x, y, w + 0.5, h + 0.5);
      }
    }
  }
  hatch(ctx, hatched, box, palette);
  const xTicks = powers(rate.low, rate.high, 6).map((k) => [box.left + ((k - rate.low) / (rate.high - rate.low)) * (box.right - box.left), powerOfTen(k)]);
  const atY = (share) => box.bottom - share * (box.bottom - box.top);
  drawAxes(ctx, box, xTicks, otherTicks(other).map(([share, text]) => [atY(share), text]), { ...palette, grid: "transparent" });
  drawEdge(ctx, phase, rate, other, box, palette);
  const { hyper } = phase.settings.methods.find((method) => method.name === phase.name);
  const value = phase.axis === "noise" ? phase.settings.noise : hyper[phase.axis];
  crosshair(ctx, rate.from(hyper.lr), other.from(value), box, palette);
}

function lowest(cells) {
  const finite = cells.filter(Number.isFinite);
  return Math.max(1e-9, -Math.min(...finite, 0));
}

function otherTicks({ kind, low, high, from }) {
  if (kind === "linear") return ticks(low, high, 5).map((v) => [from(v), plain(v)]);
  if (kind === "log") return powers(low, high, 5).map((k) => [from(10 ** k), powerOfTen(k)]);
  return [0, 0.9, 0.99, 0.999].map((v) => [from(v), String(v)]);
}

function hatch(ctx, cells, box, palette) {
  ctx.save();
  ctx.clip(cells);
  ctx.strokeStyle = palette.muted;
  ctx.globalAlpha = 0.55;
  ctx.lineWidth = 1;
  ctx.setLineDash([]);
  const height = box.bottom - box.top;
  for (let x = box.left - height; x < box.right; x += 7) segment(ctx, x, box.bottom, x + height, box.top);
  ctx.restore();
}

/** On a ravine theory knows the edge of SGD and of momentum: η = 2(1 + μ)/κ. */
function edgeOf(settings, name) {
  const known = settings.surface === "ravine" && settings.schedule === "constant" && !settings.clip;
  if (!known || (name !== "SGD" && name !== "Momentum")) return null;
  const steepest = Math.max(1, settings.kappa);
  return (mu) => (2 * (1 + (name === "SGD" ? 0 : mu))) / steepest;
}

function drawEdge(ctx, phase, rate, other, box, palette) {
  const edge = edgeOf(phase.settings, phase.name);
  if (!edge || (phase.axis !== "momentum" && phase.name !== "SGD")) return;
  ctx.save();
  ctx.beginPath();
  ctx.rect(box.left, box.top, box.right - box.left, box.bottom - box.top);
  ctx.clip();
  for (const [width, color] of [[4, palette.card], [1.6, palette.ink]]) {
    ctx.beginPath();
    for (let k = 0; k <= 40; k++) {
      const px = rate.from(edge(other.to(k / 40)));
      ctx.lineTo(box.left + px * (box.right - box.left), box.bottom - (k / 40) * (box.bottom - box.top));
    }
    ctx.setLineDash([]);
    ctx.lineWidth = width;
    ctx.strokeStyle = color;
    ctx.stroke();
  }
  ctx.restore();
}

function crosshair(ctx, px, py, box, palette) {
  const x = box.left + Math.min(Math.max(px, 0), 1) * (box.right - box.left);
  const y = box.bottom - Math.min(Math.max(py, 0), 1) * (box.bottom - box.top);
  ctx.setLineDash([]);
  for (const [width, color] of [[5, palette.card], [2, palette.ink]]) {
    ctx.lineWidth = width;
    ctx.strokeStyle = color;
    ctx.beginPath();
    ctx.arc(x, y, 7, 0, 2 * Math.PI);
    ctx.stroke();
  }
}

// phase_card.js
// The phase map with its second axis and its key; a click goes there.

const PHASE_HELP = "Phase map. Arrow keys change the rate and the other number.";
const clamp01 = (x) => Math.min(Math.max(x, 0), 1);
const rounded = (x) => Number(x.toPrecision(3));

/** The card. `act` has set(key, value) and place(settings, hyper). */
function phaseCard(act) {
  const phase = new Phase();
  const canvas = element("canvas", { className: "pg-chart pg-phase", tabIndex: 0, role: "application", "aria-roledescription": "phase map", "aria-label": PHASE_HELP });
  const title = element("h2", {});
  const axis = choiceOf("upwards", [], (key) => act.set("axis", key));
  const words = element("p", { className: "pg-sentence" });
  const key = element("p", { className: "pg-key" });
  const whole = element("div", { className: "pg-card" }, element("div", { className: "pg-top" }, title, axis.whole), canvas, key, words);
  let current = null;
  let options = "";

  const go = (px, py) => {
    const { settings } = current;
    const place = placeInPhase(settings, settings.focus, settings.axis, clamp01(px), clamp01(py));
    const hyper = { ...place.hyper, lr: rounded(place.hyper.lr) };
    if (settings.axis in hyper) hyper[settings.axis] = Number(hyper[settings.axis].toFixed(settings.axis === "eps" ? 10 : 5));
    act.place({ ...place.settings, noise: rounded(place.settings.noise) }, hyper);
  };
  const at = (event) => {
    const bounds = canvas.getBoundingClientRect();
    const box = phaseBox(canvas.clientWidth, canvas.clientHeight);
    go((event.clientX - bounds.left - box.left) / (box.right - box.left), (box.bottom - (event.clientY - bounds.top)) / (box.bottom - box.top));
  };
  canvas.addEventListener("click", at); // by touch too, which otherwise scrolls
  canvas.addEventListener("pointerdown", (event) => {
    if (event.button !== 0 || event.pointerType === "touch") return;
    canvas.setPointerCapture(event.pointerId);
    canvas.focus({ preventScroll: true });
    at(event);
    event.preventDefault();
  });
  canvas.addEventListener("pointermove", (event) => {
    if (canvas.hasPointerCapture(event.pointerId)) at(event);
  });
  canvas.addEventListener("keydown", (event) => {
    const arrow = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, 1], ArrowDown: [0, -1] }[event.key];
    if (!arrow || event.ctrlKey || event.altKey || event.metaKey) return;
    const { settings } = current;
    const { rate, other } = axesOf(settings, settings.focus, settings.axis);
    const { hyper } = settings.methods.find(({ name }) => name === settings.focus);
    const value = settings.axis === "noise" ? settings.noise : hyper[settings.axis];
    go(rate.from(hyper.lr) + arrow[0] / 50, other.from(value) + arrow[1] / 50);
    event.preventDefault();
  });

  return {
    whole, phase,
    begin(surface, settings) {
      current = { surface, settings };
      const keys = phaseAxes(settings.focus);
      if (options !== keys.join()) {
        axis.select.replaceChildren(...keys.map((k) => element("option", { value: k }, SYMBOLS[k])));
        options = keys.join();
      }
      axis.set(settings.axis);
      title.textContent = `Where ${settings.focus} would end`;
      phase.begin(surface, settings, settings.focus, settings.axis);
    },
    draw(palette) {
      drawPhase(canvas, phase, palette);
      const { surface, settings } = current;
      const edge = edgeOf(settings, settings.focus) && (settings.axis === "momentum" || settings.focus === "SGD");
      const depth = surface.floor === undefined ? "the lowest of the map" : "10⁻⁸ of it";
      key.innerHTML =
        `<span><span class="pg-ramp" aria-hidden="true"></span> from the first loss down to ${depth}</span>` +
        '<span><span class="pg-hatch" aria-hidden="true"></span> diverges</span>' +
        (edge ? `<span><span class="pg-solid" aria-hidden="true"></span> predicted edge ${settings.focus === "SGD" ? "2/κ" : "2(1+μ)/κ"}</span>` : "");
      if (!phase.done) return;
      const said = describePhase({ name: settings.focus, summary: phase.summary(), words: SYMBOLS[settings.axis], reachable: surface.floor !== undefined });
      words.textContent = `Rate η across. Click to go there.`;
      canvas.setAttribute("aria-label", `${PHASE_HELP} ${said}`);
    },
  };
}

// run_card.js
// What all runs share: how many steps, the schedule, the noise, clipping.

const KEYS = ["steps", "noise", "seed", "clip"];

function runCard(act) {
  const options = Object.entries(SCHEDULES).map(([id, { name }]) => [id, name]);
  const schedule = choiceOf("Schedule of all rates", options, (id) => act.set("schedule", id));
  const sliders = Object.fromEntries(KEYS.map((key) => [key, sliderOf(key, "", 0, (v) => act.set(key, v))]));
  const whole = element("div", { className: "pg-card pg-run" }, element("h2", {}, "The run"), schedule.whole, ...KEYS.map((key) => sliders[key].whole));
  return {
    whole,
    update(settings) {
      schedule.set(settings.schedule);
      for (const key of KEYS) sliders[key].set(settings[key]);
    },
  };
}

// main.js
// The playground: settings in, pictures out, once a frame.

// Milliseconds of a frame for the phase map, while other things move and while they rest.
const BUSY = 4;
const IDLE = 12;

/** What an address says to the playground: nothing, where it names another part of the page. */
function meant(hash) {
  const id = hash.slice(1);
  return !id.startsWith("play-") && document.getElementById(id) ? "" : hash;
}

function start(root) {
  let { settings, notes, preset } = readState(meant(location.hash));
  let surface = makeSurface(settings.surface, settings.kappa, settings.turn);
  let palette = readPalette(root);
  let runs = [];
  let step = settings.steps;
  let playing = false;
  let waiting = false;
  let stale = true;
  let groundStale = true;
  let swatchesStale = true;
  const updates = { count: 0, milliseconds: 0 };
  const calm = matchMedia("(prefers-reduced-motion: reduce)");

  const act = {
    surface(id) {
      const methods = settings.methods.map(({ name }) => ({ name, hyper: { ...defaultHyper(name, id) } }));
      const noise = SURFACES[id].noise ?? 0;
      const next = makeSurface(id, settings.kappa, settings.turn);
      change({ surface: id, start: [...next.start], methods, noise }, { all: true });
    },
    set: (key, value) => change({ [key]: value }),
    toggle(name) {
      const on = settings.methods.some((method) => method.name === name);
      const methods = on
        ? settings.methods.filter((method) => method.name !== name)
        : [...settings.methods, { name, hyper: defaultHyper(name, settings.surface) }];
      const focus = on && settings.focus === name ? methods[0].name : on ? settings.focus : name;
      change({ methods, focus });
    },
    focus: (name) => change({ focus: name }),
    tune(name, key, value) {
      change({ methods: settings.methods.map((method) => (method.name === name ? { name, hyper: { ...method.hyper, [key]: value } } : method)) });
    },
    place(next, hyper) {
      const methods = settings.methods.map((method) => (method.name === settings.focus ? { name: method.name, hyper } : method));
      change({ methods, noise: next.noise });
      cards.methods.values(settings);
      cards.run.update(settings);
    },
    step(t) {
      playing = false;
      step = Math.min(Math.max(t, 0), settings.steps);
      draw();
    },
    move: (steps) => act.step(step + steps),
    play() {
      if (!playing && step >= settings.steps) step = 0;
      playing = !playing;
      draw();
    },
  };

  const cards = {
    map: mapCard(act),
    methods: methodsCard(act),
    curves: curvesCard(),
    inside: insideCard(),
    phase: phaseCard(act),
    run: runCard(act),
  };
  const links = PRESETS.map(({ id, name }) =>
    element("a", { href: `#play-${id}`, className: "pg-preset", onclick: (event) => open(event, id) }, name),
  );
  const sentence = element("p", { className: "pg-lead" });
  const repairs = element("div", { className: "pg-notes", role: "status" });
  const spoken = element("p", { className: "pg-unseen", role: "status", "aria-live": "polite" });
  root.replaceChildren(
    element("nav", { className: "pg-presets", "aria-label": "Presets" }, ...links),
    sentence, repairs,
    element("div", { className: "pg-grid" }, cards.map.whole, cards.methods.whole, cards.curves.whole, cards.inside.whole, cards.phase.whole, cards.run.whole),
    spoken,
  );

  /** New settings from a control; the picture follows with the next frame. */
  function change(part, { all = false } = {}) {
    const atEnd = step >= settings.steps;
    settings = { ...settings, ...part };
    if (!phaseAxes(settings.focus).includes(settings.axis)) settings.axis = phaseAxes(settings.focus)[0];
    if ("surface" in part || "kappa" in part || "turn" in part) groundStale = true;
    step = atEnd ? settings.steps : Math.min(step, settings.steps);
    preset = null;
    if (notes.length) notes = [];
    refresh(all);
  }

  function refresh(all = false) {
    surface = makeSurface(settings.surface, settings.kappa, settings.turn);
    if (all) {
      cards.map.update(settings);
      cards.run.update(settings);
    }
    if (cards.methods.update(settings, all)) swatchesStale = true;
    if ("surface" in settings) cards.phase.begin(surface, settings);
    runs = [];
    sayWhere();
    draw();
  }

  function sayWhere() {
    const shown = PRESETS.find(({ id }) => id === preset);
    links.forEach((link, k) => {
      if (PRESETS[k].id === preset) link.setAttribute("aria-current", "true");
      else link.removeAttribute("aria-current");
    });
    sentence.textContent = shown ? shown.sentence : ""; // the card of the map has that of the surface
    repairs.replaceChildren(...notes.map((note) => element("p", {}, note)));
    repairs.hidden = !notes.length;
  }

  /** Draw with the next frame: everything, or only as far as the phase map has got. */
  function draw(everything = true) {
    stale ||= everything;
    if (!waiting) requestAnimationFrame(frame);
    waiting = true;
  }

  function frame() {
    waiting = false;
    const began = performance.now();
    if (!runs.length) {
      runs = settings.methods.map(({ name, hyper }) => run(surface, settings, name, hyper, name === settings.focus));
      cards.methods.verdicts(runs);
      later();
      if (opened < pictures.length) return draw(false);
    }
    if (playing) {
      step = Math.min(settings.steps, step + Math.max(1, Math.round(settings.steps / 200)));
      if (step >= settings.steps) playing = false;
      draw();
    }
    // The page opens with one picture a frame, so that it answers in between.
    if (opened < pictures.length) {
      pictures[opened++]();
      draw(false);
      return;
    }
    if (stale) {
      for (const picture of pictures) picture();
      updates.count += 1;
    }
    if (!cards.phase.phase.done) {
      cards.phase.phase.advance(stale ? BUSY : IDLE);
      draw(false);
    }
    stale = false;
    cards.phase.draw(palette);
    updates.milliseconds += performance.now() - began;
  }

  let opened = 0;
  const pictures = [
    () => {
      if (groundStale) drawGround(cards.map.ground, surface, palette);
      groundStale = false;
    },
    () => {
      drawPaths(cards.map.paths, surface, runs, step, settings.focus, palette);
      cards.map.step(step, settings.steps);
      cards.map.play.textContent = playing ? "❚❚" : "▶";
      cards.map.play.title = playing ? "Pause" : "Play the steps";
      cards.map.play.setAttribute("aria-label", cards.map.play.title);
      cards.map.play.hidden = calm.matches;
    },
    () => {
      if (swatchesStale) cards.methods.swatches(palette);
      swatchesStale = false;
    },
    () => cards.curves.draw(surface, settings, runs, step, palette, describe(settings, runs)),
    () => {
      const inside = runs.find(({ name }) => name === settings.focus);
      cards.inside.draw(inside, settings.steps, step, palette, lifted(STYLES[inside.name].color, palette));
    },
  ];

  let timer = 0;
  /** Address and speech follow when the hand rests. */
  function later() {
    clearTimeout(timer);
    timer = setTimeout(() => {
      const address = `#${writeState(settings)}`;
      if (!preset) history.replaceState(null, "", address);
      spoken.textContent = [...notes, describe(settings, runs)].join(" ");
    }, 300);
  }

  /** A preset from the row above the map: without a jump to its line in the list below. */
  function open(event, id) {
    if (event.ctrlKey || event.metaKey || event.shiftKey) return;
    event.preventDefault();
    history.pushState(null, "", `#play-${id}`);
    load(location.hash);
  }

  function load(address) {
    ({ settings, notes, preset } = readState(address));
    step = settings.steps;
    playing = false;
    groundStale = true;
    refresh(true);
  }

  listen(cards.map.paths, () => ({ surface, settings }), (place) => {
    const inside = insideMap(surface, place);
    change({ start: inside.map((w, i) => tidy(w, surface.domain[i])) });
  });
  addEventListener("hashchange", (event) => {
    // Not location.hash: meanwhile later() may have put the settings of before there.
    const address = new URL(event.newURL).hash;
    const known = address.startsWith("#play-") || address.includes("=");
    if (!known) return;
    load(address);
    root.scrollIntoView();
  });
  addEventListener("popstate", () => {
    if (!location.hash || location.hash.startsWith("#play-")) load(location.hash);
  });
  // The map grows with the page and with the list of methods beside it. An observer reports once
  // at the start, when nothing has another size yet.
  let size = null;
  const resized = new ResizeObserver(() => {
    const now = `${root.clientWidth} ${cards.map.ground.clientHeight}`;
    if (size !== null && size !== now) redraw();
    size = now;
  });
  resized.observe(root);
  resized.observe(cards.map.ground);
  new MutationObserver(redraw).observe(document.documentElement, { attributeFilter: ["data-theme"] });
  function redraw() {
    palette = readPalette(root);
    groundStale = true;
    swatchesStale = true;
    draw();
  }

  refresh(true);
  stale = false; // until something changes, each picture is drawn as the page opens
  // After the browser has gone to the line of the list that a preset's address names.
  if (meant(location.hash).length > 1) addEventListener("load", () => requestAnimationFrame(() => root.scrollIntoView()));
  return { updates, settings: () => settings, runs: () => runs, step: () => step, phase: cards.phase.phase, writeState, readState };
}

/** A coordinate of the start with as many digits as a pixel of the map is worth. */
function tidy(w, [low, high]) {
  const digits = Math.max(0, 3 - Math.floor(Math.log10(high - low)));
  return Number(w.toFixed(digits));
}

const root = document.getElementById("playground-app");
const parts = { METHODS, SCHEDULES, STYLES, SURFACES, PRESETS, makeSurface, freshState, takeStep, run, tilt, readState, writeState };
window.playground = { ...parts, ...(root ? start(root) : {}) };
})();
