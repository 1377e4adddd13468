import assert from "node:assert/strict";
import { test } from "node:test";

import { apply, changed, createEdits, keyOf, parse } from "../../overrides/assets/js/lab/ui/edits.js";

const TOPIC = { id: "sse", hash: "abc", files: { "main.py": "one\n", "other.py": "two\n" } };

function memory(taken = {}) {
  const store = new Map(Object.entries(taken));
  const write = (key, text) => {
    if (text === null) store.delete(key);
    else store.set(key, text);
    return true;
  };
  return { store, edits: createEdits(TOPIC, (key) => store.get(key) ?? null, write) };
}

test("only changed files are kept, and they come back on top of the original", () => {
  const { store, edits } = memory();
  assert.equal(edits.save({ "main.py": "edited\n", "other.py": "two\n" }), true);
  assert.deepEqual(JSON.parse(store.get(keyOf("sse"))).files, { "main.py": "edited\n" });
  assert.deepEqual(edits.load().files, { "main.py": "edited\n", "other.py": "two\n" });
  assert.equal(edits.load().stale, false);
});

test("an edit back to the original leaves nothing behind", () => {
  const { store, edits } = memory();
  edits.save({ ...TOPIC.files, "main.py": "edited\n" });
  edits.save(TOPIC.files);
  assert.equal(store.size, 0);
  assert.equal(edits.load(), null);
});

test("an edit of an older original is told to be one", () => {
  const { edits } = memory({ [keyOf("sse")]: JSON.stringify({ version: 1, original: "old", files: { "main.py": "x" } }) });
  assert.equal(edits.load().stale, true);
});

test("garbage in storage counts as no edit", () => {
  for (const text of ["", "{", "null", "[]", "7", '{"version":2,"files":{"main.py":"x"}}', '{"version":1}', '{"version":1,"files":{"main.py":7}}']) {
    assert.equal(parse(text), null, text);
  }
});

test("a file that the topic no longer has is left out", () => {
  assert.deepEqual(apply(TOPIC.files, { "gone.py": "x", "main.py": "y" }), { "main.py": "y", "other.py": "two\n" });
  assert.deepEqual(changed({ "gone.py": "x" }, TOPIC.files), {});
});

test("a full storage, and an edit beyond all measure, are told", () => {
  const full = createEdits(TOPIC, () => null, () => false);
  assert.equal(full.save({ ...TOPIC.files, "main.py": "x" }), false);
  assert.equal(memory().edits.save({ ...TOPIC.files, "main.py": "x".repeat(500_000) }), false);
});

test("what a link replaces is set aside and can be brought back", () => {
  const { edits } = memory();
  edits.save({ ...TOPIC.files, "main.py": "mine\n" });
  edits.setAside();
  edits.save({ ...TOPIC.files, "main.py": "theirs\n" });
  assert.equal(edits.aside()["main.py"], "mine\n");
  edits.dropAside();
  assert.equal(edits.aside(), null);
});
