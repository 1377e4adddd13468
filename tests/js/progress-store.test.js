import assert from "node:assert/strict";
import { test } from "node:test";

import {
  ASIDE,
  KEY,
  createStore,
  doneIds,
  exported,
  imported,
  mark,
  merge,
  parse,
} from "../../overrides/assets/js/progress-store.js";

function fakeStorage(entries = {}) {
  const map = new Map(Object.entries(entries));
  return {
    map,
    read: (key) => map.get(key) ?? null,
    write: (key, text) => {
      map.set(key, text);
      return true;
    },
  };
}

test("nothing stored is an empty state", () => {
  assert.deepEqual(parse(null), { state: { version: 1, done: {} }, readable: true });
});

for (const text of ["{", "null", "[]", "7", '"x"', '{"version":1}', '{"done":[]}', '{"done":null}']) {
  test(`garbage in storage is not read: ${text}`, () => {
    const { state, readable } = parse(text);
    assert.equal(readable, false);
    assert.equal(doneIds(state).size, 0);
  });
}

test("entries that are no topic are skipped and stay", () => {
  const { state } = parse('{"version":1,"done":{"sse":"2026-11-22","<b>":"2026-11-22","cors":7}}');
  assert.deepEqual([...doneIds(state)], ["sse"]);
  assert.equal("cors" in mark(state, "routers", "2026-11-23").done, true);
});

test("marking adds a day and unmarking takes it away", () => {
  const marked = mark(parse(null).state, "sse", "2026-11-22");
  assert.deepEqual(marked.done, { sse: "2026-11-22" });
  assert.deepEqual(mark(marked, "sse", null).done, {});
});

test("a later version keeps its number and its other fields", () => {
  const storage = fakeStorage({ [KEY]: '{"version":2,"done":{"sse":"2026-11-22"},"cards":[1]}' });
  createStore(storage.read, storage.write).update((state) => mark(state, "cors", "2026-11-23"));
  assert.deepEqual(JSON.parse(storage.map.get(KEY)), {
    version: 2,
    done: { sse: "2026-11-22", cors: "2026-11-23" },
    cards: [1],
  });
});

test("what cannot be read is set aside before it is written over", () => {
  const storage = fakeStorage({ [KEY]: "{broken" });
  createStore(storage.read, storage.write).update((state) => mark(state, "sse", "2026-11-22"));
  assert.equal(storage.map.get(ASIDE), "{broken");
  assert.deepEqual(JSON.parse(storage.map.get(KEY)).done, { sse: "2026-11-22" });
});

test("a second unreadable text does not replace the first", () => {
  const storage = fakeStorage({ [KEY]: "second", [ASIDE]: "first" });
  createStore(storage.read, storage.write).update((state) => state);
  assert.equal(storage.map.get(ASIDE), "first");
  assert.equal(storage.map.get(`${ASIDE}.2`), "second");
});

test("when nothing can be set aside, nothing is written over", () => {
  const storage = fakeStorage({ [KEY]: "{broken" });
  const store = createStore(storage.read, () => false);
  assert.equal(store.update((state) => mark(state, "sse", "2026-11-22")), false);
  assert.equal(storage.map.get(KEY), "{broken");
});

test("reading changes nothing in storage", () => {
  const storage = fakeStorage({ [KEY]: "{broken" });
  createStore(storage.read, storage.write).load();
  assert.deepEqual([...storage.map], [[KEY, "{broken"]]);
});

test("an exported file comes back as it was", () => {
  const state = { version: 1, done: { sse: "2026-11-22", cors: "2026-11-20" } };
  assert.deepEqual(imported(exported(state, "2026-11-23")), { done: { cors: "2026-11-20", sse: "2026-11-22" } });
});

test("a file that is not JSON is refused in words", () => {
  assert.match(imported("hello").error, /not JSON/);
});

test("JSON of something else is refused in words", () => {
  for (const text of ["[]", "{}", "null", '{"format":"other","version":1,"done":{}}', '{"format":"knowledge-map-progress","version":1}']) {
    assert.match(imported(text).error, /not a progress file/);
  }
});

test("a file of a later version is refused with both versions", () => {
  assert.match(imported('{"format":"knowledge-map-progress","version":9,"done":{}}').error, /version 9.*version 1/);
});

test("a damaged entry is named and nothing is taken", () => {
  const result = imported('{"format":"knowledge-map-progress","version":1,"done":{"sse":"yesterday"}}');
  assert.match(result.error, /"sse"/);
  assert.equal(result.done, undefined);
});

test("merging loses nothing and keeps the earlier day", () => {
  const state = { version: 1, done: { sse: "2026-11-22", cors: "2026-11-10" }, cards: [1] };
  const result = merge(state, { sse: "2026-11-01", cors: "2026-11-20", routers: "2026-11-05" });
  assert.equal(result.added, 1);
  assert.deepEqual(result.state, {
    version: 1,
    done: { sse: "2026-11-01", cors: "2026-11-10", routers: "2026-11-05" },
    cards: [1],
  });
});
