// Tabs after the WAI-ARIA pattern: one stop for the Tab key, arrows move and choose, Home and End jump.

import { make, uniqueId } from "./dom.js";

/** Return the index that a key leads to from another, or null when the key is not for tabs. */
export function destination(key, index, count) {
  const to = { ArrowRight: index + 1, ArrowLeft: index - 1, Home: 0, End: count - 1 }[key];
  return to === undefined ? null : (to + count) % count;
}

/**
 * Make tabs: `entries` are {id, title, panel, onShow?}. Returns {list, panels, select(id), selected(), badge(id, text)}.
 * With `shared`, all tabs belong to that one panel, which stays.
 */
export function makeTabs(label, entries, { shared = null, onSelect = () => {} } = {}) {
  const list = make("div", { className: "km-lab-tabs", role: "tablist", "aria-label": label });
  const tabs = entries.map((entry) => {
    const panel = shared ?? entry.panel;
    panel.id ||= uniqueId("panel");
    const tab = make(
      "button",
      { type: "button", className: "km-lab-tab", role: "tab", id: uniqueId("tab"), "aria-controls": panel.id },
      make("span", {}, entry.title),
    );
    tab.addEventListener("click", () => select(entry.id));
    tab.addEventListener("keydown", (event) => {
      const to = destination(event.key, entries.indexOf(entry), entries.length);
      if (to === null) return;
      event.preventDefault();
      select(entries[to].id);
      tabs[to].focus();
    });
    panel.setAttribute("role", "tabpanel");
    if (!shared) panel.setAttribute("aria-labelledby", tab.id);
    list.append(tab);
    return tab;
  });
  let chosen = null;

  function select(id) {
    const changed = chosen !== id;
    chosen = id;
    entries.forEach((entry, index) => {
      const here = entry.id === id;
      tabs[index].setAttribute("aria-selected", String(here));
      tabs[index].tabIndex = here ? 0 : -1;
      if (shared && here) shared.setAttribute("aria-labelledby", tabs[index].id);
      if (!shared) entry.panel.hidden = !here;
      if (here && changed) entry.onShow?.();
    });
    if (changed) onSelect(id);
  }

  /** Put a short mark beside a tab's title, or take it away. */
  function badge(id, text, state = "") {
    const tab = tabs[entries.findIndex((entry) => entry.id === id)];
    tab.querySelector(".km-lab-badge")?.remove();
    if (text) tab.append(" ", make("span", { className: "km-lab-badge", "data-state": state || null }, text));
  }

  select(entries[0].id);
  return { list, select, badge, selected: () => chosen };
}
