// The seam of the lab (see overrides/assets/js/lab/session.js) without Python behind it: for the tests of what is built
// on it. The "app" answers from a table; code that says `raise` does not start.

export async function about() {
  return { bytes: 8_100_000, cached: false, versions: {} };
}

export async function topic(base, id) {
  return (await fetch(new URL(`topics/${id}.json`, base))).json();
}

const wait = (ms, signal) =>
  new Promise((resolve, reject) => {
    const timer = setTimeout(resolve, ms);
    signal?.addEventListener("abort", () => (clearTimeout(timer), reject(new Error("aborted"))), { once: true });
  });

export async function openLab(base, { onProgress, onLog } = {}) {
  for (const part of [0.1, 0.5, 1]) {
    onProgress?.({ step: "download", loaded: part * 8.1e6, total: 8.1e6, text: "" });
    await wait(30);
  }
  onProgress?.({ step: "boot", loaded: 0, total: 0, text: "" });
  await wait(30);
  return makeFake(onLog ?? (() => {}));
}

/** Return a lab object whose app is a table of "METHOD path" -> answer. */
export function makeFake(onLog, table = {}) {
  const listeners = { state: [], log: [onLog] };
  const emit = (name, value) => listeners[name].forEach((listener) => listener(value));
  const encode = (text) => new TextEncoder().encode(text);
  let files = null;
  const lab = {
    state: "ready",
    limits: { seconds: 10, outputBytes: 1e6, memoryBytes: 1e9 },
    on: (name, listener) => listeners[name].push(listener),
    async load(given) {
      files = given.files;
      const entry = `${given.entry.split(":")[0].replaceAll(".", "/")}.py`;
      const text = files[entry];
      const line = text.split("\n").findIndex((each) => each.startsWith("raise"));
      if (line >= 0) {
        const traceback = `Traceback (most recent call last):\n  File "${entry}", line ${line + 1}, in <module>\n    raise\nRuntimeError: no active exception`;
        return { ok: false, error: { kind: "RuntimeError", message: "RuntimeError: no active exception", file: entry, line: line + 1, traceback } };
      }
      emit("log", { stream: "stdout", text: "started\n" });
      return { ok: true, ms: 12 };
    },
    async request({ method, path }, { onHead, onChunk, signal } = {}) {
      const answer = table[`${method} ${path}`] ?? { status: 200, headers: [["content-type", "application/json"]], chunks: [`{"path":"${path}"}`] };
      onHead?.({ status: answer.status, headers: answer.headers });
      const chunks = [];
      for (const chunk of answer.chunks ?? []) {
        if (answer.every) await wait(answer.every, signal);
        chunks.push(encode(chunk));
        onChunk?.(encode(chunk));
      }
      const body = new Uint8Array(await new Blob(chunks).arrayBuffer());
      return { status: answer.status, headers: answer.headers, body, ms: 3 };
    },
    websocket(_, { onOpen, onMessage, onClose }) {
      setTimeout(onOpen);
      return { send: (data) => setTimeout(() => onMessage(`echo ${data}`)), close: (code) => onClose({ code, reason: "" }) };
    },
    async proofs({ only }, { onResult }) {
      for (const name of only ?? ["test_one"]) onResult({ name, outcome: "passed", reason: "", ms: 4, traceback: "", output: "" });
      return { passed: (only ?? [1]).length, failed: 0, skipped: 0 };
    },
    async stop() {
      lab.state = "stopped";
      emit("state", "stopped");
    },
  };
  return lab;
}
