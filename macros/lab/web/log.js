// What the app prints, in batches, up to a limit a run.

const DELAY = 30;

export function makeLog(post, limit) {
  const decoders = { stdout: new TextDecoder(), stderr: new TextDecoder() };
  let left = limit;
  let waiting = [];
  let timer = null;

  function flush() {
    clearTimeout(timer);
    timer = null;
    if (waiting.length) post({ type: "log", lines: waiting });
    waiting = [];
  }

  function write(stream, bytes) {
    if (left > 0) {
      const kept = bytes.subarray(0, left);
      left -= bytes.length;
      const text = decoders[stream].decode(kept, { stream: true });
      const last = waiting.at(-1);
      if (last?.stream === stream && !last.truncated) last.text += text;
      else waiting.push({ stream, text, truncated: false });
      if (left <= 0) waiting.push({ stream, text: "", truncated: true });
      timer ??= setTimeout(flush, DELAY);
    }
    return bytes.length;
  }

  return {
    attach(python) {
      for (const stream of ["stdout", "stderr"]) {
        const set = stream === "stdout" ? python.setStdout : python.setStderr;
        set.call(python, { write: (bytes) => write(stream, bytes), isatty: false });
      }
      python.setStdin({ error: true });
    },
    flush,
    // A new run may print as much again.
    restart() {
      flush();
      left = limit;
    },
  };
}
