// The one lab of a page: opened once, by a click or ahead of it, and shared by all that listens.

import { read, write } from "../../storage.js";

const USED = "km.lab.used";
const RECENT = 30 * 24 * 3600 * 1000;

let opening = null;
let session = null;
const listeners = { progress: new Set(), log: new Set(), state: new Set() };
let latest = null;
const tell = (kind) => (value) => {
  if (kind === "progress") latest = value;
  listeners[kind].forEach((listener) => listener(value));
};

const load = () => (session ??= import("../session.js"));

/** Call a function for each "progress", "log" or "state"; return the function that ends it. */
export function listen(kind, listener) {
  listeners[kind].add(listener);
  return () => listeners[kind].delete(listener);
}

/** Return the step at which a start is that began before anybody listened, or null. */
export const progress = () => latest;

/** Return {bytes, cached, versions} of what a first visit downloads. */
export const about = async (base) => (await load()).about(base);

/** Return the files, requests and proofs of a topic. */
export const topic = async (base, id) => (await load()).topic(base, id);

/** Open the lab, or return the one that is open; a failure can be tried again. */
export function open(base) {
  opening ??= load()
    .then((module) => module.openLab(base, { onProgress: tell("progress"), onLog: tell("log") }))
    .then((lab) => {
      lab.on?.("state", (state) => tell("state")(state?.state ?? state));
      write(USED, String(Date.now()));
      return lab;
    })
    .catch((error) => {
      opening = null;
      throw error;
    });
  return opening;
}

/** Whether the lab is open or on its way. */
export const isOpen = () => opening !== null;

/** Whether this reader ran something lately, so that starting ahead of the click is welcome. */
export function usedLately() {
  const saved = navigator.connection?.saveData;
  return !saved && Date.now() - Number(read(USED) ?? 0) < RECENT;
}
