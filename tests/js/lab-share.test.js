import assert from "node:assert/strict";
import { test } from "node:test";

import { decode, encode, isShared } from "../../overrides/assets/js/lab/ui/share.js";

test("code goes into an address and comes out the same", async () => {
  const files = { "main.py": 'print("naïve — 日本語")\n' };
  const hash = await encode("sse", files);
  assert.match(hash, /^#lab=1\.[\w-]+$/);
  assert.equal(isShared(hash), true);
  assert.deepEqual(await decode(hash), { topic: "sse", files });
});

test("an ordinary anchor is no shared code", () => {
  for (const hash of ["", "#gotchas", "#lab"]) assert.equal(isShared(hash), false);
});

test("a link that was cut, changed or made up is told in a sentence", async () => {
  const whole = await encode("sse", { "main.py": "x = 1\n".repeat(50) });
  for (const hash of ["#lab=", "#lab=2.abc", "#lab=1.", "#lab=1.%%%", "#lab=1.AAAA", whole.slice(0, -9), `${whole}x!`]) {
    const { error } = await decode(hash);
    assert.match(error, /link/, hash);
  }
});

test("something else than code is refused", async () => {
  for (const value of [{}, { topic: 7, files: {} }, { topic: "x", files: { a: 1 } }, [], null, "text"]) {
    const packed = await encode(value?.topic, value?.files);
    assert.ok((await decode(packed)).error, JSON.stringify(value));
  }
});

test("a small link that unpacks to very much is refused", async () => {
  const hash = await encode("sse", { "main.py": "a".repeat(5_000_000) });
  assert.ok(hash.length < 16_000);
  assert.match((await decode(hash)).error, /damaged/);
});
