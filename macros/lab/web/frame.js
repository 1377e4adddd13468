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
  engine: async (stream) => URL.createObjectURL(new Blob([await bytes(stream)], { type: "text/javascript" })),
};

async function start({ preload, limits, snapshot, afresh, libraries }, port) {
  worker?.terminate();
  if (snapshot || afresh) parts.snapshot = snapshot;
  const [runtime, archive, engine] = await Promise.all([parts.runtime, parts.archive, parts.engine]);
  const linked = {};
  for (const [path, name] of Object.entries(libraries)) linked[path] = await parts[name];
  worker = new Worker(engine);
  worker.onerror = (event) => parent.postMessage({ type: "broken", message: event.message || "no worker" }, "*");
  worker.postMessage({ runtime, archive, libraries: linked, memory: parts.snapshot, extras: Object.values(extras), preload, limits, port }, [port]);
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
    parent.postMessage({ type: "added", name }, "*");
  },
  start: (data, [port]) =>
    start(data, port).catch((error) => parent.postMessage({ type: "broken", message: String(error) }, "*")),
  snapshot: ({ snapshot }) => {
    parts.snapshot = snapshot;
  },
  stop: () => worker?.terminate(),
};

addEventListener("message", ({ data, ports, source }) => {
  if (source === parent) actions[data?.type]?.(data, ports);
});
parent.postMessage({ type: "frame" }, "*");
