// The worker: Python, the reader's app, and nothing else. Speaks with the page through one port.

import { loadPyodide } from "pyodide/pyodide.mjs";
import createModule from "pyodide/pyodide.asm.mjs";
import { boot, filesOf, unpack } from "./boot.js";
import { limitMemory } from "./limits.js";
import { makeLog } from "./log.js";
import { serve } from "./serve.js";

const BEAT = 250;

self.onmessage = ({ data }) => {
  self.onmessage = null;
  if (data.freeze) keep(data);
  else run(data);
};

async function run({ port, preload, limits, memory, extras, ...given }) {
  const post = (message, transfer = []) => port.postMessage(message, transfer);
  try {
    limitMemory(limits.memoryBytes);
    const log = makeLog(post, limits.outputBytes);
    const began = performance.now();
    const python = await boot({ loadPyodide, createModule, ...given }, { snapshot: memory });
    log.attach(python);
    const booted = performance.now();
    if (!memory) importAll(python, preload);
    self.onmessage = ({ data: { extra } }) => add(python, extra);
    for (const extra of extras) add(python, extra);
    port.onmessage = serve(python, post, log);
    setInterval(() => post({ type: "beat" }), BEAT);
    post({ type: "ready", fresh: !memory, boot: booted - began, imports: performance.now() - booted });
  } catch (error) {
    post({ type: "broken", message: String(error?.message ?? error) });
  }
}

// Starts Python, and hands over its memory instead of running anything.
async function keep({ preload, ...given }) {
  const python = await boot({ loadPyodide, createModule, ...given }, { freeze: true });
  importAll(python, preload);
  // An open file would be closed later by a number that means nothing then.
  python.runPython("import importlib\ngc.unfreeze()\nimportlib.invalidate_caches()\ngc.collect()\ngc.freeze()");
  const memory = python.makeMemorySnapshot();
  self.postMessage({ memory }, [memory.buffer]);
}

function importAll(python, names) {
  // What is there now stays: the garbage collector need not look at it again and again.
  python.runPython(`import gc, sys
gc.disable()
sys.path.append("/lib/packages")
${names.map((name) => `import ${name}\n`).join("")}gc.freeze()
gc.enable()`);
}

// More packages, while Python runs: what imports them comes later.
function add(python, archive) {
  unpack(python.FS, filesOf(archive));
  python.runPython("import importlib\nimportlib.invalidate_caches()");
}
