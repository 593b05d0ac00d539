// The phase map with its second axis and its key; a click goes there.
import { choiceOf, element } from "./elements.js";
import { Phase, axesOf, drawPhase, edgeOf, phaseBox, placeInPhase } from "./phase.js";
import { phaseAxes } from "./state.js";
import { SYMBOLS } from "./sliders.js";
import { describePhase } from "./speech.js";

const PHASE_HELP = "Phase map. Arrow keys change the rate and the other number.";
const clamp01 = (x) => Math.min(Math.max(x, 0), 1);
const rounded = (x) => Number(x.toPrecision(3));

/** The card. `act` has set(key, value) and place(settings, hyper). */
export function phaseCard(act) {
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
