import assert from "node:assert/strict";
import { test } from "node:test";

import { queries } from "../../overrides/assets/js/search-query.js";

const first = (text) => queries(text)[0];

test("an error text becomes its telling words, all of them required", () => {
  assert.equal(first("Target database is not up to date."), "+Target +database +date");
});

test("quotes, brackets and colons of a pasted text are not searched for", () => {
  assert.equal(first("ImportError: cannot import name 'App' (my.api)"), "+ImportError +cannot +import +name +App +api");
});

test("what an apostrophe leaves over is not searched for", () => {
  assert.equal(first("greenlet_spawn called; can't call here"), "+greenlet_spawn +called +call +here");
});

test("an identifier stays whole", () => {
  assert.equal(first("greenlet_spawn called"), "+greenlet_spawn +called");
});

test("where no page has all words, the longest is required, and then none", () => {
  assert.deepEqual(queries("how to upload a multipart file").slice(1), [
    "+multipart upload file",
    "upload multipart file",
  ]);
});

test("one word is taken as it is, for it may be half typed", () => {
  assert.deepEqual(queries("alemb"), []);
  assert.deepEqual(queries("what is a lifespan"), []);
  assert.deepEqual(queries("to be or not to be"), []);
});

test("whoever uses the search's own syntax means it", () => {
  for (const text of ['"two words" more', "+must have", "word* other", "not -this one"]) {
    assert.deepEqual(queries(text), []);
  }
});
