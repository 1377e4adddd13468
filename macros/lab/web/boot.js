// Starts Python: from nothing, or from a snapshot of the memory of an earlier start. Knows neither page nor worker.

import { info } from "pyodide/pyodide-lock.json";

// Python's own files and the packages, unpacked: a length, an index as JSON, and the bytes.
export function* filesOf(archive) {
  const head = new DataView(archive.buffer, archive.byteOffset).getUint32(0, true);
  const index = JSON.parse(new TextDecoder().decode(archive.subarray(4, 4 + head)));
  for (const [name, [at, size]] of Object.entries(index)) {
    yield [name, archive.subarray(4 + head + at, 4 + head + at + size)];
  }
}

// `parts`: {loadPyodide, createModule, runtime (a compiled WebAssembly.Module), archive, libraries (by path: compiled modules)}.
// `snapshot`: the memory of an earlier start, which was made with `freeze`.
export async function boot(parts, { snapshot, freeze = false } = {}) {
  const files = new Map(filesOf(parts.archive));
  const restore = stubGlobals(parts, files.get("lib/python314.zip"));
  try {
    return await parts.loadPyodide({
      indexURL: "https://lab.invalid/",
      lockFileContents: { info, packages: {} },
      packageBaseUrl: "https://lab.invalid/",
      env: { HOME: "/home/reader", PYTHONINSPECT: "", PYTHONDONTWRITEBYTECODE: "1" },
      _makeSnapshot: freeze,
      _loadSnapshot: snapshot,
      createPyodideModule: (settings) => create(parts, files, settings, snapshot),
    });
  } finally {
    restore();
  }
}

async function create(parts, files, settings, snapshot) {
  let module;
  settings.preRun.push((it) => {
    module = it;
  });
  // Before Python starts, in both kinds of start: a snapshot holds addresses of memory and of functions,
  // which are the same again only if the libraries were loaded in the same order at the same moment.
  settings.onRuntimeInitialized = () => {
    unpack(module.FS, files);
    for (const [path, library] of Object.entries(parts.libraries)) link(module, `/${path}`, library);
  };
  const made = await parts.createModule(settings);
  // The runtime's memory is its own: it has to be as large as the snapshot before that is copied in.
  if (snapshot && made.HEAP8.length < snapshot.length) made._malloc(snapshot.length);
  return made;
}

export function unpack(fs, files) {
  const made = new Set();
  for (const [name, data] of files) {
    const folder = `/${name.slice(0, name.lastIndexOf("/"))}`;
    if (!made.has(folder)) {
      fs.mkdirTree(folder);
      made.add(folder);
    }
    fs.writeFile(`/${name}`, data, { canOwn: true });
  }
}

function link(module, path, library) {
  const { readFile } = module.FS;
  // The loader compiles the bytes that it reads; what is compiled already it takes as it is.
  module.FS.readFile = () => library;
  try {
    module.loadDynamicLibrary(path, { global: false, nodelete: true, loadAsync: false }, {});
  } finally {
    module.FS.readFile = readFile;
  }
}

// The runtime fetches its parts by address, and there are no addresses here: it gets them handed over.
function stubGlobals(parts, library) {
  const { fetch } = globalThis;
  const { instantiateStreaming } = WebAssembly;
  globalThis.fetch = async () => new Response(library);
  WebAssembly.instantiateStreaming = async (_, imports) => ({
    module: parts.runtime,
    instance: await WebAssembly.instantiate(parts.runtime, imports),
  });
  return () => {
    globalThis.fetch = fetch;
    WebAssembly.instantiateStreaming = instantiateStreaming;
  };
}
