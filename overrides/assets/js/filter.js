// The filter above the topic index; without it the list is simply whole.

import { count, matches, words } from "./filter-match.js";

function apply(input, output, lists) {
  const wanted = words(input.value);
  const shown = new Set();
  const all = new Set();
  for (const row of lists.flatMap((list) => [...list.querySelectorAll(".km-row")])) {
    const here = matches(row.dataset.filter ?? row.textContent, wanted);
    row.hidden = !here;
    all.add(row.dataset.topic);
    if (here) shown.add(row.dataset.topic);
  }
  for (const group of document.querySelectorAll(".km-group")) {
    group.hidden = !group.querySelector(".km-row:not([hidden])");
  }
  const text = count(shown.size, all.size);
  if (output.textContent !== text) output.textContent = text;
}

export function mount(root) {
  const bar = root.querySelector(".km-filter");
  const input = bar?.querySelector("input");
  if (!input || "mounted" in bar.dataset) return;
  bar.dataset.mounted = "";
  bar.hidden = false;
  const output = bar.querySelector("output");
  output.setAttribute("aria-live", "polite");
  const lists = [...root.querySelectorAll(".km-index")];
  input.addEventListener("input", () => apply(input, output, lists));
  input.addEventListener("keydown", (event) => {
    if (event.key !== "Escape" || !input.value) return;
    input.value = "";
    apply(input, output, lists);
    event.stopPropagation();
  });
  apply(input, output, lists); // a browser may restore what was typed before
}
