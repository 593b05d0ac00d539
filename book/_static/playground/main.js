// The playground: settings in, pictures out, once a frame.
import { METHODS, freshState, takeStep } from "./methods.js";
import { PRESETS } from "./presets.js";
import { SCHEDULES } from "./schedules.js";
import { STYLES } from "./styles.js";
import { SURFACES, makeSurface } from "./surfaces.js";
import { curvesCard, insideCard } from "./charts_card.js";
import { defaultHyper, insideMap, phaseAxes, readState, writeState } from "./state.js";
import { describe } from "./speech.js";
import { drawGround, drawPaths, listen } from "./map.js";
import { element } from "./elements.js";
import { mapCard } from "./map_card.js";
import { methodsCard } from "./methods_card.js";
import { phaseCard } from "./phase_card.js";
import { lifted, readPalette } from "./palette.js";
import { run } from "./walk.js";
import { runCard } from "./run_card.js";
import { tilt } from "./noise.js";

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
