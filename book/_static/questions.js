// A question before an experiment is answered first: what follows it in its section is shown when
// the reader has chosen an option, or wants to see it without. The style sheet hides it, while the
// page asks. Only this browser remembers what was chosen; where it remembers nothing, it asks again.
(function () {
  "use strict";
  const KEY = "questions";
  const asking = document.documentElement.classList;

  /** What was chosen, by the name of a question: a letter, or "" for none; and whether to ask. */
  function load() {
    try {
      const { given, never } = Object(JSON.parse(localStorage.getItem(KEY)));
      return { given: Object(given), never: never === true };
    } catch {
      return { given: {}, never: false };
    }
  }
  function keep(change) {
    try {
      localStorage.setItem(KEY, JSON.stringify({ ...load(), ...change }));
    } catch {
      // the storage is full: the answer is shown, and forgotten
    }
  }

  function button(press, ...contents) {
    const made = document.createElement("button");
    made.type = "button";
    made.append(...contents);
    made.addEventListener("click", press);
    return made;
  }

  function ask(list, given) {
    const { question, answer } = list.dataset;
    const options = [...list.children].map((item, i) => {
      const letter = "abc"[i];
      const option = button(() => choose(letter), ...item.childNodes);
      item.append(option);
      return [letter, option, item];
    });
    const said = document.createElement("span");
    said.setAttribute("role", "status");
    const show = button(() => choose(""), "Show it without guessing");
    const stop = button(() => turn(!asking.contains("asks")));
    stop.className = "options-stop";
    const foot = document.createElement("p");
    foot.className = "options-foot";
    foot.append(said, show, stop);
    list.after(foot);

    function choose(letter) {
      keep({ given: { ...load().given, [question]: letter } });
      open(letter);
    }
    function open(letter) {
      list.classList.add("chosen");
      show.hidden = true;
      for (const [own, option, item] of options) {
        option.setAttribute("aria-pressed", own === letter);
        item.classList.toggle("right", own === answer);
      }
      const right = answer && `(${answer}) is right.`;
      said.textContent = letter === answer || !letter ? right : `You chose (${letter}). ${right}`;
    }
    if (Object.hasOwn(given, question)) open(String(given[question]));
    list.open = open;
  }

  /** Ask from now on, or no more. */
  function turn(asks) {
    keep({ never: !asks });
    asking.toggle("asks", asks);
    label();
  }
  function label() {
    const text = asking.contains("asks") ? "Never ask" : "Ask me first";
    for (const stop of document.querySelectorAll(".options-stop")) stop.textContent = text;
  }

  // An address may name what an unanswered question hides.
  function reveal() {
    const target = document.getElementById(location.hash.slice(1));
    if (!target || target.checkVisibility()) return;
    for (let node = target; node; node = node.parentElement)
      for (let before = node.previousElementSibling; before; before = before.previousElementSibling)
        if (before.matches(".options:not(.chosen)")) before.open("");
    target.scrollIntoView();
  }

  document.addEventListener("DOMContentLoaded", () => {
    const { given } = load();
    document.querySelectorAll(".options").forEach((list) => ask(list, given));
    label();
    reveal();
    addEventListener("hashchange", reveal);
  });
})();
