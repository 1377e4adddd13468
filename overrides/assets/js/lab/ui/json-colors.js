// JSON in the site's code colors, as elements, with the class names that the page's own code blocks have.

import { make } from "./dom.js";

const TOKEN = /("(?:[^"\\]|\\.)*")(\s*:)?|(-?\d+(?:\.\d+)?(?:[eE][+-]?\d+)?)|\b(true|false|null)\b|([{}[\],])/g;

/** Return text and spans for JSON that is laid out already. */
export function colored(text) {
  const parts = [];
  let end = 0;
  for (const match of text.matchAll(TOKEN)) {
    const [all, string, colon, number, word] = match;
    if (match.index > end) parts.push(text.slice(end, match.index));
    end = match.index + all.length;
    if (string && colon) parts.push(make("span", { className: "nt" }, string), make("span", { className: "p" }, colon));
    else parts.push(make("span", { className: string ? "s2" : number ? "mi" : word ? "kc" : "p" }, all));
  }
  parts.push(text.slice(end));
  return parts;
}
