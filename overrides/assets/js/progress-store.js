// What the reader has marked as done: its stored shape, changes, and the file it is exported to; no DOM here.
//
// {"version": 1, "done": {"<permanent topic id>": "2026-11-22"}}
//
// A later version of the site may add fields: they are kept as they are. What cannot be read at all is set aside under
// another key before anything is written over it.

export const KEY = "km.progress";
export const ASIDE = "km.progress.unreadable";
export const FORMAT = "knowledge-map-progress";
const VERSION = 1;
const ID = /^[a-z0-9]+(-[a-z0-9]+)*$/;
const DAY = /^\d{4}-\d{2}-\d{2}$/;

/** Return {state, readable}: an empty state when the text is missing or cannot be read. */
export function parse(text) {
  const empty = { version: VERSION, done: {} };
  if (text === null || text === "") return { state: empty, readable: true };
  const value = json(text);
  if (!isRecord(value) || !isRecord(value.done)) return { state: empty, readable: false };
  return { state: value, readable: true };
}

/** Return the ids marked as done; entries that are none are skipped (they stay in the store). */
export function doneIds(state) {
  return new Set(Object.keys(state.done).filter((id) => ID.test(id) && typeof state.done[id] === "string"));
}

/** Return the state with this topic done on this day, or no longer done. */
export function mark(state, id, day) {
  const done = { ...state.done };
  if (day === null) delete done[id];
  else done[id] = day;
  return { ...state, done };
}

/** Return the text of an export file. */
export function exported(state, day) {
  const done = Object.fromEntries([...doneIds(state)].sort().map((id) => [id, state.done[id]]));
  return `${JSON.stringify({ format: FORMAT, version: VERSION, exported: day, done }, null, 2)}\n`;
}

/** Return {done} of an export file, or {error}: a sentence that says what is wrong with it. */
export function imported(text) {
  const value = json(text);
  if (value === undefined) return { error: "This file is not JSON. Choose a file that was exported here." };
  if (!isRecord(value) || value.format !== FORMAT || !isRecord(value.done)) {
    return { error: "This is not a progress file. Choose a file that was exported here." };
  }
  if (typeof value.version !== "number" || value.version > VERSION) {
    return { error: `This file has version ${value.version}; this page reads version ${VERSION}. Reload the page and try again.` };
  }
  const wrong = Object.entries(value.done).find(([id, day]) => !ID.test(id) || !DAY.test(day));
  if (wrong) return { error: `The entry "${wrong[0]}" of this file is damaged. Nothing was imported.` };
  return { done: value.done };
}

/** Return {state, added}: both together, the earlier day where both know a topic. */
export function merge(state, done) {
  const known = doneIds(state);
  const result = { ...state.done };
  let added = 0;
  for (const [id, day] of Object.entries(done)) {
    if (!known.has(id)) added += 1;
    if (!known.has(id) || day < result[id]) result[id] = day;
  }
  return { state: { ...state, done: result }, added };
}

/** A store over two functions that read and write text by key. */
export function createStore(read, write) {
  const load = () => parse(read(KEY));
  return {
    load: () => load().state,
    /** Apply a change to what is stored now; return whether the browser took it. */
    update(change) {
      const before = read(KEY);
      const { state, readable } = parse(before);
      if (!readable && !setAside(before)) return false;
      return write(KEY, JSON.stringify(change(state)));
    },
  };

  function setAside(text) {
    let key = ASIDE;
    for (let n = 2; read(key) !== null && read(key) !== text; n += 1) key = `${ASIDE}.${n}`;
    return write(key, text);
  }
}

function json(text) {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

function isRecord(value) {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
