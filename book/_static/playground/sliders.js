// A number as a slider, for trying, beside a field, for exact values.
import { element } from "./elements.js";
import { LIMITS, WHOLE } from "./state.js";

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

export const SYMBOLS = {
  lr: "rate η", momentum: "momentum μ", beta1: "memory β₁", beta2: "memory β₂", alpha: "memory α",
  rho: "memory ρ", beta: "gain β", eps: "epsilon ε", weight_decay: "decay λ",
  lr_decay: "decay γ of η", momentum_decay: "speed ψ", kappa: "condition κ", turn: "turn, degrees",
  steps: "steps", noise: "noise", seed: "seed of the noise", clip: "clip, norm (0: off)",
};

/** A number as it fits into a field. */
const written = (v) => (Math.abs(v) >= 1e7 ? v.toExponential() : v);

/** A labelled slider with a field; change(value) is told every new value. */
export function sliderOf(key, whose, value, change) {
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
