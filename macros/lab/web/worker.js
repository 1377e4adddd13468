// The worker: Python, the reader's app, and nothing else. Speaks with the page through one port.

import { loadPyodide } from "pyodide/pyodide.mjs";
import createModule from "pyodide/pyodide.asm.mjs";
import { boot, filesOf, unpack } from "./boot.js";
import { limitMemory } from "./limits.js";
import { makeLog } from "./log.js";
import { serve } from "./serve.js";

const BEAT = 250;

self.onmessage = async ({ data }) => {
  self.onmessage = null;
  const { port, preload, limits, memory, extras, ...given } = data;
  const snapshot = memory && new Uint8Array(memory);
  const post = (message, transfer = []) => port.postMessage(message, transfer);
  try {
    limitMemory(limits.memoryBytes);
    const log = makeLog(post, limits.outputBytes);
    const began = performance.now();
    const parts = { loadPyodide, createModule, ...given };
    const python = await boot(parts, { snapshot });
    log.attach(python);
    const booted = performance.now();
    if (!snapshot) {
      python.runPython("import sys\nsys.path.append('/lib/packages')");
      python.runPython(`${preload.map((name) => `import ${name}\n`).join("")}import gc, importlib\nimportlib.invalidate_caches()\ngc.collect()`);
      const taken = python.makeMemorySnapshot();
      post({ type: "snapshot", memory: taken }, [taken.buffer]);
    }
    self.onmessage = ({ data: { extra } }) => add(python, extra);
    for (const extra of extras) add(python, extra);
    port.onmessage = serve(python, post, log);
    setInterval(() => post({ type: "beat" }), BEAT);
    post({ type: "ready", boot: booted - began, imports: performance.now() - booted });
  } catch (error) {
    post({ type: "broken", message: String(error?.message ?? error) });
  }
};

// More packages, while Python runs: what imports them comes later.
function add(python, archive) {
  unpack(python.FS, filesOf(archive));
  python.runPython("import importlib\nimportlib.invalidate_caches()");
}
