import assert from "node:assert/strict";
import { test } from "node:test";

import { answerOf, describes, requestOf } from "../../overrides/assets/js/lab/ui/docs.js";
import { shownFiles } from "../../overrides/assets/js/lab/ui/editor-pane.js";
import { summary, testOf } from "../../overrides/assets/js/lab/ui/proofs.js";
import { destination } from "../../overrides/assets/js/lab/ui/tabs.js";
import { last, parts } from "../../overrides/assets/js/lab/ui/traceback.js";
import { duration, offer, size, step } from "../../overrides/assets/js/lab/ui/words.js";
import { makeFake } from "./fake-session.js";

const TRACEBACK = 'Traceback:\n  File "/lab/app/main.py", line 12, in me\n    x\n  File "/usr/lib/json.py", line 3\nKeyError: 1';

test("places in the reader's files are found, others stay text", () => {
  const found = parts(TRACEBACK, ["main.py", "app/main.py"]);
  assert.deepEqual(found.filter((part) => part.file), [{ text: 'File "/lab/app/main.py", line 12', file: "app/main.py", line: 12 }]);
  assert.equal(found.map((part) => part.text).join(""), TRACEBACK);
  assert.equal(last(TRACEBACK, ["app/main.py"]).line, 12);
  assert.equal(last("no place", ["main.py"]), null);
});

test("arrows go round, Home and End jump, other keys are not for tabs", () => {
  assert.equal(destination("ArrowRight", 2, 3), 0);
  assert.equal(destination("ArrowLeft", 0, 3), 2);
  assert.equal(destination("End", 0, 3), 2);
  assert.equal(destination("Home", 2, 3), 0);
  assert.equal(destination("a", 0, 3), null);
});

test("the file that is run stands first, and tests are not offered for editing", () => {
  const files = Object.fromEntries(
    ["test_main.py", "data.csv", "real.py", "app/main.py", "app/a.py", "app/test_a.py", "outputs/x.txt", "requests.http", "measure.py"].map((name) => [name, "x"]),
  );
  files["app/__init__.py"] = "";
  assert.deepEqual(shownFiles({ entry: "app.main:app", main: ["app/main.py", "app/a.py"], files }), ["app/main.py", "app/a.py", "real.py", "data.csv"]);
});

test("sizes and times are said as people say them", () => {
  assert.equal(size(8_149_000), "8.1 MB");
  assert.equal(size(12_400_000), "12 MB");
  assert.equal(size(1500), "2 kB");
  assert.equal(duration(3.04), "3.0 ms");
  assert.equal(duration(2345), "2.3 s");
  assert.match(offer({ bytes: 8e6, cached: false }), /Loads 8 MB once/);
  assert.doesNotMatch(offer({ bytes: 8e6, cached: true }), /MB/);
  assert.equal(step({ step: "download", loaded: 1e6, total: 8e6 }), "Loading 1 MB of 8 MB");
});

test("a proof's test is named after its gotcha, and a run is summed up in words", () => {
  assert.equal(testOf({ id: "no-exp-means-forever" }), "test_no_exp_means_forever");
  assert.equal(summary({ passed: 3, failed: 1, skipped: 2 }), "3 passed, 1 failed, 2 cannot run here.");
  assert.equal(summary({ passed: 3 }), "3 passed.");
});

test("a request of the API docs loses its host, and an answer without a body has none", () => {
  const request = requestOf({ method: "post", url: "http://127.0.0.1:8000/items?q=1", headers: [["a", "b"]], body: new ArrayBuffer(2) });
  assert.deepEqual([request.method, request.path, request.body.length], ["POST", "/items?q=1", 2]);
  assert.equal(requestOf({ url: "/me" }).body, null);
  assert.equal(answerOf({ status: 204, headers: [], body: new Uint8Array() }).body, null);
  assert.throws(() => answerOf({ status: 0, error: { message: "stopped" } }), /stopped/);
});

test("only an OpenAPI document describes an API", () => {
  const bytes = (value) => new TextEncoder().encode(value);
  assert.equal(describes(bytes('{"openapi": "3.1.0"}')), true);
  for (const other of ["", "Not found", "null", "{}", "[1]"]) assert.equal(describes(bytes(other)), false, other);
});

test("the stand-in for the engine keeps to the seam", async () => {
  const said = [];
  const lab = makeFake((line) => said.push(line.text), { "GET /x": { status: 201, headers: [], chunks: ["a", "b"] } });
  assert.equal((await lab.load({ files: { "main.py": "raise 1" }, entry: "main:app" })).ok, false);
  assert.equal((await lab.load({ files: { "main.py": "" }, entry: "main:app" })).ok, true);
  const chunks = [];
  const answer = await lab.request({ method: "GET", path: "/x" }, { onChunk: (chunk) => chunks.push(chunk) });
  assert.equal(answer.status, 201);
  assert.equal(chunks.length, 2);
  assert.deepEqual(said, ["started\n"]);
});
