// Makes elements; the lab builds all it shows with this one function.

/**
 * Make an element. Attributes that name a property (`className`, `onclick`, `hidden`) set it; others are attributes;
 * null and false are left out. Children are nodes or text; null is left out.
 */
export function make(tag, attributes = {}, ...children) {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) {
    if (value === null || value === undefined || value === false) continue;
    if (name.startsWith("on")) element.addEventListener(name.slice(2), value);
    else if (name in element && typeof value !== "string") element[name] = value;
    else element.setAttribute(name === "className" ? "class" : name, value === true ? "" : value);
  }
  element.append(...children.flat().filter((child) => child !== null && child !== undefined));
  return element;
}

/** Make a button of the site's look. */
export function button(text, onclick, attributes = {}) {
  return make("button", { type: "button", className: "km-button", onclick, ...attributes }, text);
}

let count = 0;

/** Return an id that no other element has. */
export function uniqueId(name) {
  count += 1;
  return `km-lab-${name}-${count}`;
}

/** Make a labelled form field: the label above, the control below. */
export function field(text, control, attributes = {}) {
  control.id ||= uniqueId("field");
  return make("div", { className: "km-lab-field", ...attributes }, make("label", { for: control.id }, text), control);
}
