// What a reader has done: objectives that are checked, chapters that were read to their end. Only
// this browser remembers it; where it remembers nothing, the lists stay lists.
(function () {
  "use strict";
  const KEY = "progress";
  const place = storage();

  function storage() {
    try {
      localStorage.setItem(KEY, localStorage.getItem(KEY) || "{}");
      return localStorage.getItem(KEY) ? localStorage : null; // or what stands there for a storage
    } catch {
      return null;
    }
  }

  /** By chapter: {of: how many objectives it has, done: the names of those checked, read}. */
  function load() {
    try {
      const found = JSON.parse(place.getItem(KEY));
      return found && typeof found === "object" && !Array.isArray(found) ? found : {};
    } catch {
      return {};
    }
  }

  /** What is remembered of one chapter, whatever else stands there. */
  function chapterIn(all, name) {
    const { of, done, read } = Object(Object.hasOwn(all, name) ? all[name] : null);
    return { of: Number(of) || 0, done: Array.isArray(done) ? done : [], read: read === true };
  }

  function change(name, how) {
    const all = load();
    const chapter = chapterIn(all, name);
    how(chapter);
    try {
      place.setItem(KEY, JSON.stringify({ ...all, [name]: chapter }));
    } catch {
      return; // the storage is full: the boxes work, and are forgotten
    }
    show();
  }

  /** The chapter at an address: "sgd" for …/book/sgd.html. */
  const nameOf = (address) => (new URL(address, location.href).pathname.match(/\/book\/(\w+)\.html$/) || [])[1];
  const here = nameOf(location.href);
  let boxes = [];

  function makeCheckable(list) {
    for (const item of list.children) {
      const box = document.createElement("input");
      box.type = "checkbox";
      box.value = item.dataset.objective;
      const label = document.createElement("label");
      label.append(box, ...item.childNodes);
      item.append(label);
      boxes.push(box);
      box.addEventListener("change", () => change(here, (chapter) => (chapter.done = boxes.filter((b) => b.checked).map((b) => b.value))));
    }
    list.classList.add("checkable");
    const title = list.parentElement.querySelector(".admonition-title");
    const count = document.createElement("span");
    count.className = "objectives-count";
    if (title) title.append(count);
    const names = boxes.map((box) => box.value);
    change(here, (chapter) => {
      chapter.of = names.length;
      chapter.done = chapter.done.filter((name) => names.includes(name)); // objectives may have changed
    });
  }

  function show() {
    const all = load();
    if (boxes.length) {
      const { done } = chapterIn(all, here);
      for (const box of boxes) box.checked = done.includes(box.value);
      const count = document.querySelector(".objectives-count");
      if (count) count.textContent = done.length ? `${done.length} of ${boxes.length}` : "";
    }
    for (const link of document.querySelectorAll(".bd-links a, .landing-map li > p > a:first-child")) {
      const { of, done, read } = chapterIn(all, nameOf(link.href));
      const allDone = of > 0 && done.length >= of;
      mark(link, allDone ? "all objectives checked" : read ? "read" : "", allDone);
    }
    for (const note of document.querySelectorAll(".progress-note")) {
      note.hidden = !Object.keys(all).some((name) => chapterIn(all, name).read || chapterIn(all, name).done.length);
    }
  }

  function mark(link, words, allDone) {
    link.querySelector(".chapter-mark")?.remove();
    if (!words) return;
    const sign = document.createElement("span");
    sign.className = allDone ? "chapter-mark all-done" : "chapter-mark";
    const spoken = document.createElement("span");
    spoken.className = "visually-hidden";
    spoken.textContent = ` (${words})`;
    sign.append(spoken);
    link.append(sign);
  }

  /** Under the map of the chapters: what the marks mean, and how to get rid of them. */
  function explain(note) {
    const button = document.createElement("button");
    button.type = "button";
    button.textContent = "Forget it all";
    button.addEventListener("click", () => {
      place.setItem(KEY, "{}");
      document.querySelector(".landing-map a").focus();
      show();
    });
    note.append("● read to its end, ✓ all objectives checked. Only this browser knows. ", button);
  }

  document.addEventListener("DOMContentLoaded", () => {
    if (!place) return;
    const list = document.querySelector("ul.objectives");
    document.querySelectorAll(".progress-note").forEach(explain);
    if (list && here) {
      makeCheckable(list);
      const end = document.querySelector(".prev-next-footer");
      const seen = new IntersectionObserver((entries) => {
        if (!entries.some((entry) => entry.isIntersecting) || !scrollY) return;
        seen.disconnect();
        change(here, (chapter) => (chapter.read = true));
      });
      if (end) seen.observe(end);
    } else show();
    addEventListener("storage", (event) => (event.key === KEY || event.key === null) && show());
  });
})();
