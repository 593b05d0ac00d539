// The figure of the first page: methods run down the loss of a real network, from a start that
// the reader moves. Until somebody does, the start goes from place to place by itself.
import { drawPaths, listen } from "./map.js";
import { drawRelief } from "./relief.js";
import { element } from "./elements.js";
import { insideMap, readState, writeState } from "./state.js";
import { makeSurface } from "./surfaces.js";
import { readPalette } from "./palette.js";
import { run } from "./walk.js";
import { describe } from "./speech.js";

const TOUR = [[12, 8], [0.5, 1], [-13, 4], [4, -13.5]];
const PER_SECOND = 22; // steps
const FRAME = 30; // milliseconds at least
const REST = 2500; // milliseconds at the end of a run
const ROOM = { left: 0, top: 0, right: 0, bottom: 0 };
const HELP = "Start of all paths. Arrow keys move it, with Shift ten times as far.";

function startFigure(figure) {
  const { settings } = readState("play-network");
  const surface = makeSurface(settings.surface, settings.kappa, settings.turn);
  const still = figure.querySelector("picture");
  const ground = element("canvas", { "aria-hidden": "true" });
  const paths = element("canvas", {
    tabIndex: 0, role: "application", "aria-label": HELP, "aria-roledescription": "map",
  });
  const spoken = element("p", { className: "visually-hidden", role: "status" });
  const button = element("button", { type: "button", className: "landing-play", onclick: toggle });
  const keys = [...figure.querySelectorAll("[data-method]")];
  const link = figure.querySelector("a");
  const calm = matchMedia("(prefers-reduced-motion: reduce)");
  let palette;
  let runs;
  let shown = 0; // steps, between two of them as well
  let playing = !calm.matches;
  let inView = false;
  let touched = false;
  let place = 0;
  let before = 0;
  let waiting = 0; // for the next picture
  let resting = 0; // at the end of a run

  function restart(start) {
    settings.start = start;
    runs = settings.methods.map(({ name, hyper }) => run(surface, settings, name, hyper));
    shown = playing ? 0 : settings.steps;
    link.hash = writeState(settings);
    draw();
    name();
  }

  function draw() {
    const whole = Math.floor(shown);
    drawPaths(paths, surface, runs.map((each) => cut(each, whole, shown - whole)), whole + 1, "", palette, { room: ROOM, dots: false });
    // Each change of the page's elements costs more than a picture, so they change seldom.
    if (whole % 5 && shown < settings.steps) return;
    keys.forEach((key, i) => write(key, "loss", runs[i].losses[Math.min(whole, runs[i].losses.length - 1)].toFixed(2)));
  }

  function name() {
    button.textContent = playing ? "Pause" : shown < settings.steps ? "Play" : "Play again";
  }

  function tick(now) {
    waiting = 0;
    const passed = Math.min(Math.max(now - before, 0), 100);
    if (passed < FRAME) return next();
    before = now;
    if (shown < settings.steps) {
      shown = Math.min(shown + (passed / 1000) * PER_SECOND, settings.steps);
      draw();
    } else if (touched) {
      playing = false;
      name();
    } else {
      resting = setTimeout(goOn, REST);
    }
    next();
  }

  function goOn() {
    resting = 0;
    place = (place + 1) % TOUR.length;
    restart(TOUR[place]);
    resume();
  }

  /** Asks for the next picture, if there is to be one. */
  function next() {
    if (playing && inView && !waiting && !resting && !still.isConnected) waiting = requestAnimationFrame(tick);
  }

  function resume() {
    before = performance.now();
    next();
  }

  function wake() {
    clearTimeout(resting);
    resting = 0;
  }

  function toggle() {
    wake();
    if (!playing && shown >= settings.steps) shown = 0;
    playing = !playing;
    draw();
    name();
    resume();
  }

  let painted = "";
  let painting = 0;
  function repaint() {
    const wanted = `${document.documentElement.dataset.theme} ${ground.clientWidth} ${ground.clientHeight}`;
    if (wanted === painted) return;
    painted = wanted;
    palette = readPalette(figure);
    const pieces = drawRelief(ground, surface, palette, ROOM);
    clearTimeout(painting);
    painting = setTimeout(function paint() {
      if (!pieces.next().done) return (painting = setTimeout(paint));
      still.remove();
      draw();
      resume();
    });
  }

  let silence = 0;
  function say() {
    clearTimeout(silence);
    silence = setTimeout(() => (spoken.textContent = describe(settings, runs)), 500);
  }

  still.before(ground, paths); // it lies above them until they are drawn
  const hint = element("span", { "aria-hidden": "true" }, "Drag the ⊕, or press the arrow keys");
  figure.querySelector(".landing-tools").append(button, hint, spoken);
  palette = readPalette(figure);
  restart(TOUR[0]);
  listen(paths, () => ({ surface, settings }), (wanted) => {
    touched = true;
    wake();
    playing = !calm.matches;
    restart(insideMap(surface, wanted).map((w) => Number(w.toFixed(2))));
    say();
    resume();
  }, ROOM);
  new ResizeObserver(repaint).observe(figure);
  new MutationObserver(repaint).observe(document.documentElement, { attributeFilter: ["data-theme"] });
  new IntersectionObserver(([{ isIntersecting }]) => {
    inView = isIntersecting;
    resume();
  }).observe(paths);
  return { settings, runs: () => runs, shown: () => shown, playing: () => playing };
}

function write({ dataset }, key, value) {
  if (dataset[key] !== value) dataset[key] = value;
}

/** A run whose path ends between two steps. */
function cut({ path, ...rest }, whole, part) {
  const [from, to] = [path[whole], path[whole + 1]];
  if (!from || !to) return { path, ...rest };
  return { ...rest, path: [...path.slice(0, whole + 1), from.map((w, i) => w + part * (to[i] - w))] };
}

// When the page is there: until then its picture is.
const landing = document.querySelector(".landing-figure");
const start = () => (window.landing = startFigure(landing));
if (document.readyState === "complete") start();
else addEventListener("load", () => setTimeout(start));
