// The map with its surface, and the bar that goes through the steps.
import { choiceOf, element } from "./elements.js";
import { SURFACES } from "./surfaces.js";
import { sliderOf } from "./sliders.js";

const MAP_HELP = "Start of all paths. Arrow keys move it, with Shift ten times as far.";

/** The card. `act` has surface(id), set(key, value), step(t), move(steps) and play(). */
export function mapCard(act) {
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
