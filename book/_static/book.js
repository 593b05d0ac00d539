// What the pages do beside reading: films are played, folded code is coloured when it is unfolded.
(function () {
  "use strict";
  const still = matchMedia("(prefers-reduced-motion: reduce)");

  function film(box) {
    const [button, slider] = box.querySelectorAll("button, input");
    let timer = null;

    function show(frame) {
      slider.value = frame;
      box.style.setProperty("--frame", frame);
    }
    function stop() {
      clearInterval(timer);
      timer = null;
      button.textContent = "Play";
    }
    function next() {
      if (Number(slider.value) >= Number(slider.max)) return stop();
      show(Number(slider.value) + 1);
    }
    button.addEventListener("click", () => {
      if (timer) return stop();
      if (Number(slider.value) >= Number(slider.max)) show(0);
      button.textContent = "Pause";
      timer = setInterval(next, still.matches ? 1000 : 250);
    });
    slider.addEventListener("input", () => {
      stop();
      show(slider.value);
    });
  }

  // "k:6 :1 nb:5": six letters of a keyword, one as it is, five of a builtin's name.
  function colour(code) {
    const text = code.textContent;
    const parts = document.createDocumentFragment();
    let end = 0;
    for (const run of code.dataset.runs.split(" ").filter(Boolean)) {
      const [kind, length] = run.split(":");
      const word = text.slice(end, (end += Number(length)));
      if (kind) {
        const token = document.createElement("span");
        token.className = kind;
        token.textContent = word;
        parts.append(token);
      } else parts.append(word);
    }
    parts.append(text.slice(end));
    code.replaceChildren(parts);
    delete code.dataset.runs;
  }

  // A box that scrolls can be reached by keyboard. It is measured when it has been laid out, which
  // is when it comes near: to measure all at once would lay out the whole page.
  const BOXES = ".math, pre, .cell_output > .output, .pst-scrollable-table-container";
  function watch() {
    const sizes = new ResizeObserver((changed) => {
      for (const { target: box } of changed) {
        if (box.scrollWidth > box.clientWidth) box.tabIndex = 0;
        else box.removeAttribute("tabindex");
      }
    });
    document.querySelectorAll(BOXES).forEach((box) => sizes.observe(box));
  }

  // Paper is light.
  let theme = null;
  addEventListener("beforeprint", () => {
    theme = document.documentElement.dataset.theme;
    document.documentElement.dataset.theme = "light";
  });
  addEventListener("afterprint", () => {
    if (theme) document.documentElement.dataset.theme = theme;
  });

  // An address from outside may name what stands in another chapter by now.
  function follow() {
    const moved = document.getElementById("moved");
    const id = location.hash.slice(1);
    if (!moved || !id || document.getElementById(id)) return;
    for (const [page, ids] of Object.entries(JSON.parse(moved.textContent)))
      if (ids.includes(id)) location.replace(`${page}.html${location.hash}`);
  }

  document.addEventListener("DOMContentLoaded", () => {
    follow();
    document.querySelectorAll(".film").forEach(film);
    for (const fold of document.querySelectorAll("details.hide"))
      fold.addEventListener("toggle", () => {
        fold.querySelectorAll("pre[data-runs]").forEach(colour);
      });
    watch();
  });
})();
