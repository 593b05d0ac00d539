// What the page shows, as an address and back. What an address says wrongly is put right,
// and each such repair is one sentence.
import { SURFACES, makeSurface } from "./surfaces.js";
import { METHODS, suitableRate } from "./methods.js";
import { SCHEDULES } from "./schedules.js";
import { PRESETS } from "./presets.js";

export const MOST_METHODS = 8;

// [least, most, what to call it]
export const LIMITS = {
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
export const WHOLE = ["steps", "seed"];

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
export function defaultHyper(name, surfaceId) {
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
export function insideMap(surface, start) {
  return start.map((w, i) => Math.min(Math.max(w, surface.domain[i][0]), surface.domain[i][1]));
}

/** What the second axis of a phase map may be, the best first. */
export function phaseAxes(name) {
  const memories = ["momentum", "beta1", "alpha", "rho", "beta", "beta2"];
  const others = ["eps", "lr_decay", "weight_decay"];
  const has = (key) => key in METHODS[name].hyper;
  return [...memories.filter(has), "noise", ...others.filter(has)];
}

/** Settings from an address such as "surface=ravine&m=SGD,lr:0.1", and sentences of repair. */
export function readState(address) {
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
export function writeState(settings) {
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
