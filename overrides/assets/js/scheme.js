// The button for light, dark, or whatever the system says. base.html applies the stored choice before first paint.

import { read, write } from "./storage.js";

const KEY = "km.scheme";
const ORDER = ["system", "light", "dark"];

/** Return the scheme in this stored text; anything unknown is the system's. */
export function parse(text) {
  return ORDER.includes(text) ? text : "system";
}

/** Return the scheme that a press leads to: first away from what the reader sees, in the end back to the system. */
export function next(scheme, systemIsDark) {
  const [first, second] = systemIsDark ? ["light", "dark"] : ["dark", "light"];
  return { system: first, [first]: second, [second]: "system" }[scheme];
}

function show(scheme, button) {
  const root = document.documentElement;
  if (scheme === "system") delete root.dataset.kmScheme;
  else root.dataset.kmScheme = scheme;
  button.querySelector("[data-scheme-label]").textContent = `Color scheme: ${scheme}`;
  button.title = `Color scheme: ${scheme}`;
}

export function mountScheme(root) {
  const button = root.querySelector("[data-scheme-button]");
  if (!button || "mounted" in button.dataset) return;
  button.dataset.mounted = "";
  let scheme = parse(read(KEY));
  show(scheme, button);
  button.addEventListener("click", () => {
    scheme = next(scheme, matchMedia("(prefers-color-scheme: dark)").matches);
    write(KEY, scheme === "system" ? null : scheme);
    show(scheme, button);
  });
}
