// The lab's own worker under Node, driven by lines of JSON: the very file that browsers run, without a page around it.
// Usage: node host.mjs <folder of the built lab>; each line in is a message, each line out what came of it.

import { readFileSync } from "node:fs";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { runInThisContext } from "node:vm";
import { gunzipSync } from "node:zlib";

const folder = process.argv[2];
const manifest = JSON.parse(readFileSync(join(folder, "manifest.json"), "utf8"));
const partOf = (part) => gunzipSync(readFileSync(join(folder, part.file)));

// As in a worker of a browser: the runtime must not take this for Node.
class WorkerGlobalScope {}
Object.assign(globalThis, { WorkerGlobalScope, self: globalThis, location: new URL("https://lab.invalid/") });
Object.setPrototypeOf(globalThis, WorkerGlobalScope.prototype);
Object.defineProperty(process, "type", { value: "renderer" });
process.browser = true;

const { runtime, archive, engine } = manifest.parts;
runInThisContext(partOf(engine).toString(), { filename: "engine.js" });
const libraries = {};
for (const part of Object.values(manifest.parts)) {
  if (part.kind === "library") libraries[part.path] = await WebAssembly.compile(partOf(part));
}

const { port1, port2 } = new MessageChannel();
const out = (message) => process.stdout.write(`${JSON.stringify(message)}\n`);
const open = new Map();
let log = "";

port1.onmessage = ({ data }) => {
  const one = open.get(data.id);
  if (data.type === "ready" || data.type === "broken") out(data);
  else if (data.type === "log") log += data.lines.map((line) => line.text).join("");
  else if (data.type === "head") Object.assign(one, { status: data.status, headers: data.headers });
  else if (data.type === "chunk") one.chunks.push(Buffer.from(data.data));
  else if (data.type === "proof") one.results.push(data.result);
  else if (data.type === "reply") {
    open.delete(data.id);
    const { chunks, results, ...seen } = one;
    const body = Buffer.concat(chunks).toString("base64");
    out({ ...seen, body, results, result: data.result ?? null, log });
    log = "";
  }
};
self.onmessage({
  data: {
    port: port2,
    runtime: await WebAssembly.compile(partOf(runtime)),
    archive: new Uint8Array(partOf(archive)),
    libraries,
    extras: Object.values(manifest.parts)
      .filter((part) => part.kind === "extra")
      .map((part) => new Uint8Array(partOf(part))),
    preload: manifest.preload,
    limits: { outputBytes: 200_000, memoryBytes: 768 * 2 ** 20 },
  },
});

let number = 0;
for await (const line of createInterface({ input: process.stdin })) {
  const message = JSON.parse(line);
  if (typeof message.body === "string") message.body = new Uint8Array(Buffer.from(message.body, "base64"));
  const id = ++number;
  open.set(id, { chunks: [], results: [] });
  port1.postMessage({ ...message, id });
}
process.exit(0);
