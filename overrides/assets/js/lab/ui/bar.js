// The bar below an example: Run and Edit, what loading costs, and how the start goes on.

import { read } from "../../storage.js";
import { button, make } from "./dom.js";
import { keyOf, parse } from "./edits.js";
import * as engine from "./engine.js";
import { isShared } from "./share.js";
import { offer } from "./words.js";

const CALM = 1500; // milliseconds before a start ahead of the click may cost the reader anything

/** Fill the slot below an example; `base` is the folder of the lab's parts. */
export function mountBar(slot, base) {
  const openapi = slot.dataset.openapi || null;
  const code = slot.previousElementSibling?.closest(".highlight");
  const state = make("span", { className: "km-lab-state" });
  const meter = make("progress", { className: "km-lab-meter", hidden: true, max: "1", "aria-label": "Loading the lab" });
  const live = make("p", { className: "km-lab-live", role: "status" });
  const tools = make("span", { className: "km-lab-tools" });
  const run = button("Run", () => act((panel) => panel.run()), { className: "km-button km-lab-run" });
  const edit = button("Edit", () => act((panel) => panel.focus()));
  const note = slot.querySelector(".km-lab-note");
  const element = make("div", { className: "km-lab-bar" }, run, edit, tools, meter, state);
  slot.append(element, ...(note ? [note] : []), live);
  if (note) {
    note.id ||= "km-lab-note";
    run.setAttribute("aria-describedby", note.id);
  }

  const bar = {
    element,
    run,
    tools,
    say: (text) => (live.textContent = text),
    /** Show how it stands. */
    state(text) {
      meter.hidden = true;
      state.textContent = text;
    },
    /** Show a step of the start, and how much of it is done; null when that is unknown. */
    progress(text, part) {
      meter.hidden = false;
      if (part === null) meter.removeAttribute("value");
      else meter.value = part;
      state.textContent = text;
    },
  };

  let opening = null;
  function panel() {
    opening ??= import("./panel.js")
      .then(({ openPanel }) => openPanel(slot, bar, base, { openapi, onClose: () => swap(null, false) }))
      .catch((error) => {
        opening = null;
        throw error;
      });
    return opening;
  }

  /** Put the editor in the place of the code above, or back, with the bar staying where it is on the screen. */
  function swap(opened, open) {
    const before = element.getBoundingClientRect().top;
    if (code) code.hidden = open;
    edit.hidden = open;
    if (open) opened.show();
    const now = open ? opened.bottom() : element.getBoundingClientRect().top;
    scrollBy({ top: now - before, behavior: "instant" });
    if (!open) edit.focus({ preventScroll: true });
  }

  async function act(then) {
    const first = !opening;
    if (first) bar.progress("Loading", null);
    try {
      const opened = await panel();
      if (!opened.isOpen()) swap(opened, true);
      if (first) bar.state("");
      await then(opened);
    } catch (error) {
      bar.state(`The lab did not load: ${error.message}. Try again.`);
      bar.say("The lab did not load.");
    }
  }

  run.addEventListener("click", ahead);
  function ahead() {
    if (!engine.isOpen()) engine.open(base).catch(() => {}); // the click itself tells of a failure
  }

  engine.about(base).then(
    (what) => {
      slot.dataset.ready = "";
      const kept = parse(read(keyOf(slot.dataset.lab)));
      if (!state.textContent) state.textContent = kept ? `Your edit is kept here. ${offer(what)}` : offer(what);
      if (engine.usedLately()) {
        for (const name of ["pointerenter", "focus"]) run.addEventListener(name, ahead, { once: true });
        setTimeout(() => (window.requestIdleCallback ?? setTimeout)(() => whenSeen(slot, ahead)), CALM);
      }
      if (isShared(location.hash)) act(() => {}).then(() => slot.scrollIntoView());
      // A link that is opened where the page is open already changes only the address.
      addEventListener("hashchange", () => isShared(location.hash) && location.reload());
    },
    () => {
      // `make serve` without `make lab`: nothing is offered that would not work.
      element.replaceChildren(make("span", { className: "km-lab-state" }, "The lab is not built here."));
    },
  );
}

function whenSeen(element, action) {
  const observer = new IntersectionObserver((entries) => {
    if (!entries.some((entry) => entry.isIntersecting)) return;
    observer.disconnect();
    action();
  });
  observer.observe(element);
}
