import assert from "node:assert/strict";
import { test } from "node:test";

import { copy } from "../../overrides/assets/js/copy-markdown.js";

const page = async () => ({ ok: true, text: async () => "# Page\n" });

test("what stands at the address is copied as it is", async () => {
  const kept = [];
  const clipboard = { writeText: async (text) => kept.push(text) };
  assert.equal(await copy("index.md", { fetcher: page, clipboard }), "Copied");
  assert.deepEqual(kept, ["# Page\n"]);
});

test("no network and no such file end in a sentence", async () => {
  const offline = async () => {
    throw new TypeError("Failed to fetch");
  };
  const missing = async () => ({ ok: false, status: 404 });
  for (const fetcher of [offline, missing]) {
    assert.match(await copy("index.md", { fetcher, clipboard: {} }), /could not be loaded\./);
  }
});

test("a browser that refuses, or has no clipboard, is told what else works", async () => {
  const refuses = {
    writeText: async () => {
      throw new Error("denied");
    },
  };
  for (const clipboard of [refuses, null]) {
    assert.match(await copy("index.md", { fetcher: page, clipboard }), /index\.md/);
  }
});
