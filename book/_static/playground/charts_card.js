// The loss curves, and what goes on inside the method in focus.
import { element } from "./elements.js";
import { drawQuantity, quantities, valueAt } from "./internals.js";
import { drawCurves } from "./curves.js";
import { plain } from "./canvas.js";

export function curvesCard() {
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

export function insideCard() {
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
