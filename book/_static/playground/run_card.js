// What all runs share: how many steps, the schedule, the noise, clipping.
import { choiceOf, element } from "./elements.js";
import { SCHEDULES } from "./schedules.js";
import { sliderOf } from "./sliders.js";

const KEYS = ["steps", "noise", "seed", "clip"];

export function runCard(act) {
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
