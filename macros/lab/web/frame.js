// The sandboxed frame: takes the parts from the page, compiles them once, and starts a worker as often as asked.

const streams = {};
const parts = {};
const extras = {};
let worker = null;

function open(name) {
  let controller;
  const raw = new ReadableStream({ start: (it) => (controller = it) });
  streams[name] = controller;
  return raw.pipeThrough(new DecompressionStream("gzip"));
}

async function compiled(stream) {
  return WebAssembly.compileStreaming(new Response(stream, { headers: { "content-type": "application/wasm" } }));
}

async function bytes(stream) {
  return new Uint8Array(await new Response(stream).arrayBuffer());
}

const kinds = {
  runtime: compiled,
  library: compiled,
  archive: bytes,
  extra: bytes,
  snapshot: bytes,
  engine: async (stream) => URL.createObjectURL(new Blob([await bytes(stream)], { type: "text/javascript" })),
};

// Everything that a worker needs, but for its port.
async function partsFor({ preload, limits, libraries }) {
  const [runtime, archive, engine] = await Promise.all([parts.runtime, parts.archive, parts.engine]);
  const linked = {};
  for (const [path, name] of Object.entries(libraries)) linked[path] = await parts[name];
  return [engine, { runtime, archive, libraries: linked, preload, limits }];
}

async function start(wanted, port) {
  worker?.terminate();
  if (wanted.afresh) parts.snapshot = null;
  const [engine, given] = await partsFor(wanted);
  const memory = await parts.snapshot;
  worker = new Worker(engine);
  worker.onerror = (event) => tell({ type: "broken", message: event.message || "no worker" });
  worker.postMessage({ ...given, memory, extras: Object.values(extras), port }, [port]);
}

// A worker of its own, which never sees code of the reader, starts Python only to keep its memory.
async function freeze(wanted) {
  const [engine, given] = await partsFor(wanted);
  const maker = new Worker(engine);
  maker.onmessage = async ({ data: { memory } }) => {
    maker.terminate();
    parts.snapshot = memory;
    const packed = new Blob([memory]).stream().pipeThrough(new CompressionStream("gzip"));
    const snapshot = await new Response(packed).arrayBuffer();
    tell({ type: "snapshot", snapshot }, [snapshot]);
  };
  maker.postMessage({ ...given, freeze: true });
}

function tell(message, transfer = []) {
  parent.postMessage(message, "*", transfer);
}

const actions = {
  open: ({ name, kind }) => {
    parts[name] = kinds[kind](open(name));
    parts[name].catch(() => {});
  },
  chunk: ({ name, data }) => streams[name].enqueue(data),
  end: ({ name }) => streams[name].close(),
  extra: async ({ name }) => {
    extras[name] = await parts[name];
    worker?.postMessage({ extra: extras[name] });
    tell({ type: "added", name });
  },
  start: (data, [port]) => start(data, port).catch((error) => tell({ type: "broken", message: String(error) })),
  freeze: (data) => freeze(data).catch(() => {}), // the next visit starts as this one did
  stop: () => worker?.terminate(),
};

addEventListener("message", ({ data, ports, source }) => {
  if (source === parent) actions[data?.type]?.(data, ports);
});
tell({ type: "frame" });
