import assert from "node:assert/strict";
import { test } from "node:test";

import { count, matches, words } from "../../overrides/assets/js/filter-match.js";

test("a query is split into lower-case words, each once", () => {
  assert.deepEqual(words("  Event  LOOP event "), ["event", "loop"]);
});

test("an empty query leaves every row", () => {
  assert.deepEqual(words("   "), []);
  assert.equal(matches("anything", words("")), true);
});

test("every word has to occur, in any order and inside of words", () => {
  assert.equal(matches("async vs sync routes", words("routes asy")), true);
  assert.equal(matches("async vs sync routes", words("async cors")), false);
});

test("accents and case make no difference", () => {
  assert.equal(matches("Café", words("CAFE")), true);
});

test("signs that mean something elsewhere are plain text", () => {
  assert.equal(matches("depends() and c++ [x]", words("depends() c++ [x]")), true);
  assert.equal(matches("anything", words(".*")), false);
});

test("the count says all, some, or none", () => {
  assert.equal(count(58, 58), "All 58 topics");
  assert.equal(count(3, 58), "3 of 58 topics");
  assert.equal(count(0, 58), "No topic matches");
});
