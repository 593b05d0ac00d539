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
export const SCHEDULES = {
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
