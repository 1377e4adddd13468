import assert from "node:assert/strict";
import { test } from "node:test";

import { allWords, anyWord } from "../../overrides/assets/js/search-query.js";

test("an error text becomes its telling words, all of them required", () => {
  assert.equal(allWords("Target database is not up to date."), "+Target +database +date");
});

test("quotes, brackets and colons of a pasted text are not searched for", () => {
  assert.equal(allWords("ImportError: cannot import name 'App' (my.api)"), "+ImportError +cannot +import +name +App +api");
});

test("what an apostrophe leaves over is not searched for", () => {
  assert.equal(allWords("greenlet_spawn called; can't call here"), "+greenlet_spawn +called +call +here");
});

test("an identifier stays whole", () => {
  assert.equal(allWords("greenlet_spawn called"), "+greenlet_spawn +called");
});

test("one word is taken as it is, for it may be half typed", () => {
  assert.equal(allWords("alemb"), null);
  assert.equal(allWords("what is a lifespan"), null);
});

test("whoever uses the search's own syntax means it", () => {
  for (const text of ['"two words" more', "+must have", "word* other", "not -this one"]) assert.equal(allWords(text), null);
});

test("where nothing has all words, each of them counts", () => {
  assert.equal(anyWord("how to upload a file"), "upload file");
  assert.equal(anyWord("to be or not to be"), "to be or not to be");
});
