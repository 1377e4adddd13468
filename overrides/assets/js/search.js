// Opens the search from anywhere, also before the bundle is there, and keeps its index from being fetched by readers
// who never search.

import { loadBundle } from "./bundle.js";
import { queries } from "./search-query.js";
import { isShortcut } from "./shortcut.js";

const INDEX = /\/search\/search_index\.json(\?|$)/;

let fetchIndex = () => {};
const wanted = new Promise((resolve) => {
  fetchIndex = resolve;
});

// The bundle asks for the index as soon as it runs and has no switch for it, so the request itself waits.
function holdIndex() {
  const { open, send } = XMLHttpRequest.prototype;
  const held = new WeakSet();
  XMLHttpRequest.prototype.open = function (method, url, ...rest) {
    if (INDEX.test(String(url))) held.add(this);
    return open.call(this, method, url, ...rest);
  };
  XMLHttpRequest.prototype.send = function (body) {
    if (held.delete(this)) wanted.then(() => send.call(this, body));
    else send.call(this, body);
  };
}

// The kinds of message between the bundle and its search worker, as Material 9.8.1 numbers them.
const QUERY = 2;
const RESULT = 3;

// The bundle sends the words as they are typed, and has no place to change them but the way to its worker.
// Answers come in the order of the questions, so what is left to ask waits in a row beside them.
function askForAllWords() {
  const { postMessage } = Worker.prototype;
  const rows = new WeakMap();
  Worker.prototype.postMessage = function (message, ...rest) {
    if (message?.type !== QUERY) return postMessage.call(this, message, ...rest);
    if (!rows.has(this)) {
      rows.set(this, []);
      this.addEventListener("message", askAgain, { capture: true });
    }
    const [first = message.data, ...others] = queries(message.data);
    rows.get(this).push(others);
    return postMessage.call(this, { ...message, data: first }, ...rest);
  };
  function askAgain(event) {
    if (event.data?.type !== RESULT) return;
    const row = rows.get(this);
    const [next, ...others] = row.shift() ?? [];
    // While a newer question is on its way, this answer is of no interest any more.
    if (!next || row.length || event.data.data.items.length) return;
    event.stopImmediatePropagation();
    row.push(others);
    postMessage.call(this, { type: QUERY, data: next });
  }
}

function openSearch(input) {
  const toggle = document.getElementById("__search");
  if (!toggle.checked) toggle.click();
  input.focus();
}

function prompt(place, input) {
  if (place.firstChild) return;
  const button = document.createElement("button");
  button.type = "button";
  button.className = "km-search-open";
  button.innerHTML =
    '<svg viewBox="0 0 24 24" width="20" height="20" fill="none" stroke="currentColor" stroke-width="2"' +
    ' stroke-linecap="round" aria-hidden="true"><circle cx="11" cy="11" r="6"/><path d="m15.5 15.5 4.5 4.5"/></svg>' +
    '<span>Search the map</span><kbd aria-hidden="true">/</kbd>';
  button.addEventListener("click", () => openSearch(input));
  place.append(button);
  place.hidden = false;
}

let mounted = false;

export function mountSearch(root) {
  const input = root.querySelector("[data-md-component=search-query]");
  if (!input) return;
  root.querySelectorAll("[data-search-prompt]").forEach((place) => prompt(place, input));
  if (mounted) return;
  mounted = true;
  holdIndex();
  askForAllWords();
  const start = () => {
    fetchIndex();
    // The bundle completes words at a key; of those that were pressed before it ran it knows nothing.
    loadBundle().then(() => input.value && input.dispatchEvent(new KeyboardEvent("keydown")));
  };
  input.addEventListener("focus", start, { once: true });
  root.querySelector(".md-search").addEventListener("pointerenter", start, { once: true });
  root.querySelector(".km-search-label")?.addEventListener("click", () => setTimeout(() => input.focus()));
  if (/[?&][qh]=/.test(location.search)) start();
  addEventListener("keydown", (event) => {
    // Once the bundle runs it has the same shortcuts.
    if ("kmReady" in document.documentElement.dataset || !isShortcut(event)) return;
    event.preventDefault();
    openSearch(input);
  });
}
