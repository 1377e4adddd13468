import assert from "node:assert/strict";
import { test } from "node:test";

import { verdict } from "../../overrides/assets/js/quiz.js";
import { next, parse } from "../../overrides/assets/js/scheme.js";
import { isShortcut } from "../../overrides/assets/js/shortcut.js";
import { read, write } from "../../overrides/assets/js/storage.js";

test("an unknown stored scheme is the system's", () => {
  for (const text of [null, "", "purple", "{}"]) assert.equal(parse(text), "system");
  assert.equal(parse("dark"), "dark");
});

test("the scheme button first leads away from what is seen, and back in three presses", () => {
  for (const systemIsDark of [true, false]) {
    const first = next("system", systemIsDark);
    assert.equal(first, systemIsDark ? "light" : "dark");
    assert.equal(next(next(first, systemIsDark), systemIsDark), "system");
  }
});

test("a slash opens the search, but not while typing or with a modifier", () => {
  const typing = { closest: () => ({}) };
  const reading = { closest: () => null };
  assert.equal(isShortcut({ key: "/", target: reading }), true);
  assert.equal(isShortcut({ key: "/", target: typing }), false);
  assert.equal(isShortcut({ key: "f", ctrlKey: true, target: reading }), false);
  assert.equal(isShortcut({ key: "x", target: reading }), false);
});

test("a quiz says in words what the choice was", () => {
  assert.equal(verdict(true), "Right.");
  assert.match(verdict(false), /^Not this one/);
  assert.match(verdict(null), /Choose/);
});

test("a browser without storage remembers nothing and breaks nothing", () => {
  const before = Object.getOwnPropertyDescriptor(globalThis, "localStorage");
  Object.defineProperty(globalThis, "localStorage", {
    configurable: true,
    get() {
      throw new Error("refused");
    },
  });
  try {
    assert.equal(read("km.progress"), null);
    assert.equal(write("km.progress", "x"), false);
  } finally {
    if (before) Object.defineProperty(globalThis, "localStorage", before);
    else delete globalThis.localStorage;
  }
});
