// The tab Log: what the app prints and logs.

import { button, make } from "./dom.js";

const LONGEST = 200_000; // characters kept; an app may print without end

/** Make the tab; `onCount` is told how many lines there are. */
export function makeLog(onCount) {
  const lines = make("pre", { className: "km-lab-log", tabIndex: 0, role: "log", "aria-label": "What the app printed" });
  const empty = make("p", { className: "km-lab-empty" }, "Nothing was printed yet. What the app prints and logs stands here.");
  const element = make("div", {}, make("div", { className: "km-lab-tools" }, button("Clear", clear)), empty, lines);
  let length = 0;
  let count = 0;

  function clear() {
    lines.replaceChildren();
    length = 0;
    count = 0;
    empty.hidden = false;
    lines.hidden = true;
    onCount(0);
  }
  clear();

  return {
    element,
    clear,
    add({ stream, text, truncated }) {
      const atEnd = lines.scrollHeight - lines.scrollTop - lines.clientHeight < 40;
      if (text) lines.append(make("span", { "data-stream": stream }, text));
      if (truncated) lines.append(make("span", { "data-stream": "notice" }, "\nThe output was cut here: the limit is reached.\n"));
      length += text?.length ?? 0;
      while (length > LONGEST && lines.firstChild !== lines.lastChild) {
        length -= lines.firstChild.textContent.length;
        lines.firstChild.remove();
      }
      count += (text?.match(/\n/g) ?? []).length || (text ? 1 : 0);
      empty.hidden = true;
      lines.hidden = false;
      onCount(count);
      if (atEnd) lines.scrollTop = lines.scrollHeight;
    },
  };
}
