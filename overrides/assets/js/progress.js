// "Mark as done" on topics, ticks wherever a topic is listed, and the tools to take progress along.

import { KEY, createStore, doneIds, exported, imported, mark, merge } from "./progress-store.js";
import { read, write } from "./storage.js";

const store = createStore(read, write);
const today = () => new Date().toLocaleDateString("sv"); // the reader's day, as 2026-11-22

function tick(element, done) {
  element.classList.toggle("km-done", done);
  const there = element.querySelector(":scope > .km-tick");
  if (!done) there?.remove();
  if (!done || there) return;
  const text = document.createElement("span");
  text.className = "km-tick";
  text.textContent = "done";
  element.append(" ", text);
}

function refresh() {
  const done = doneIds(store.load());
  for (const element of document.querySelectorAll("li[data-topic], .km-node[data-topic]")) {
    tick(element, done.has(element.dataset.topic));
  }
  for (const button of document.querySelectorAll(".km-done-button")) {
    const pressed = done.has(button.dataset.for);
    button.ariaPressed = String(pressed);
    button.textContent = pressed ? "Done" : "Mark as done";
  }
  for (const place of document.querySelectorAll(".km-tools-count")) {
    place.textContent = done.size === 1 ? "1 topic is marked as done." : `${done.size} topics are marked as done.`;
  }
}

function mountButton(header) {
  const slot = header.querySelector("[data-progress-slot]");
  if (!slot || slot.firstChild) return;
  const id = header.dataset.topic;
  const button = document.createElement("button");
  button.type = "button";
  button.className = "km-done-button";
  button.dataset.for = id;
  button.addEventListener("click", () => {
    const pressed = button.ariaPressed === "true";
    const saved = store.update((state) => mark(state, id, pressed ? null : today()));
    refresh();
    if (!saved) button.textContent = "This browser stores nothing";
  });
  slot.append(button);
}

function makeButton(text, action) {
  const button = document.createElement("button");
  button.type = "button";
  button.className = "km-button";
  button.textContent = text;
  button.addEventListener("click", action);
  return button;
}

function save() {
  const link = document.createElement("a");
  link.href = URL.createObjectURL(new Blob([exported(store.load(), today())], { type: "application/json" }));
  link.download = `progress-${today()}.json`;
  link.click();
  setTimeout(() => URL.revokeObjectURL(link.href), 10_000);
}

async function take(file, note) {
  const { done, error } = imported(await file.text());
  if (error) {
    note.textContent = error;
    return;
  }
  let added = 0;
  const saved = store.update((state) => {
    const merged = merge(state, done);
    added = merged.added;
    return merged.state;
  });
  note.textContent = saved ? `Imported: ${added} new of ${Object.keys(done).length}.` : "This browser stores nothing.";
  refresh();
}

function mountTools(place) {
  if (place.firstChild) return;
  place.classList.add("km-tools");
  const count = document.createElement("p");
  count.className = "km-tools-count";
  const note = document.createElement("p");
  note.className = "km-tools-note";
  note.role = "status";
  const input = document.createElement("input");
  input.type = "file";
  input.accept = ".json,application/json";
  input.hidden = true;
  input.ariaLabel = "Progress file";
  input.addEventListener("change", () => {
    if (input.files[0]) take(input.files[0], note);
    input.value = "";
  });
  place.append(count, makeButton("Export progress", save), makeButton("Import progress", () => input.click()), input, note);
}

let listening = false;

export function mount(root) {
  root.querySelectorAll(".km-header[data-topic]").forEach(mountButton);
  root.querySelectorAll("[data-progress-tools]").forEach(mountTools);
  refresh();
  if (listening) return;
  listening = true;
  addEventListener("storage", (event) => {
    if (event.key === KEY || event.key === null) refresh();
  });
}
