// Making elements of a page.

/** An element with properties, attributes (written with a dash or as `role`) and children. */
export function element(tag, properties = {}, ...children) {
  const made = document.createElement(tag);
  for (const [key, value] of Object.entries(properties)) {
    if (key.includes("-") || key === "role" || key === "for") made.setAttribute(key, value);
    else made[key] = value;
  }
  made.append(...children);
  return made;
}

/** A select with these [value, text] options. */
export function choiceOf(label, options, change) {
  const select = element("select", { onchange: () => change(select.value) });
  for (const [value, text] of options) select.append(element("option", { value }, text));
  const whole = element("label", { className: "pg-field" }, element("span", {}, label), select);
  return { whole, set: (value) => (select.value = value), select };
}
