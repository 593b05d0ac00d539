// Which methods run, and their numbers.
import { element } from "./elements.js";
import { fit, dashOf, segment } from "./canvas.js";
import { drawMarker } from "./markers.js";
import { METHODS } from "./methods.js";
import { MOST_METHODS } from "./state.js";
import { sliderOf } from "./sliders.js";
import { STYLES } from "./styles.js";
import { lifted } from "./palette.js";
import { verdictOf } from "./speech.js";

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
export function methodsCard(act) {
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
