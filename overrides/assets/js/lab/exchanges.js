// What is under way with the worker: calls, requests and WebSockets by number.

const STOPPED = (message) => ({ kind: "Stopped", message, file: null, line: 0, traceback: "" });

export class Exchanges {
  #post;
  #open = new Map();
  #number = 0;

  constructor(post) {
    this.#post = post;
  }

  get busy() {
    return [...this.#open.values()].some((one) => one.resolve);
  }

  call(type, facts, { onMessage = null } = {}) {
    const id = ++this.#number;
    return new Promise((resolve) => {
      this.#open.set(id, { onMessage, resolve, stop: (why) => resolve({ error: STOPPED(why) }) });
      this.#post({ type, id, ...facts });
    });
  }

  request(facts, { onHead, onChunk, signal } = {}) {
    const id = ++this.#number;
    const began = performance.now();
    const seen = { status: null, headers: [], chunks: [] };
    return new Promise((resolve) => {
      const finish = ({ ms = performance.now() - began, error } = {}) => {
        // As under a server: an app that raises before it answers is a 500.
        if (error && error.kind !== "Stopped" && seen.status === null) {
          seen.status = 500;
          seen.headers = [["content-type", "text/plain; charset=utf-8"]];
          seen.chunks = [new TextEncoder().encode("Internal Server Error")];
        }
        const { status, headers } = seen;
        resolve({ status, headers, body: joined(seen.chunks), ms, ...(error ? { error } : {}) });
      };
      this.#open.set(id, {
        resolve: finish,
        stop: (why) => finish({ error: STOPPED(why) }),
        head(status, headers) {
          seen.status = status;
          seen.headers = headers;
          onHead?.({ status, headers });
        },
        chunk(data) {
          seen.chunks.push(data);
          onChunk?.(data);
        },
      });
      this.#post({ type: "request", id, ...facts });
      signal?.addEventListener("abort", () => this.#post({ type: "abort", target: id }), { once: true });
      if (signal?.aborted) this.#post({ type: "abort", target: id });
    });
  }

  websocket(facts, { onOpen, onMessage, onClose } = {}) {
    const id = ++this.#number;
    let closed = false;
    const close = (event) => {
      if (closed) return;
      closed = true;
      onClose?.(event);
    };
    this.#open.set(id, {
      stop: (reason) => close({ code: 1006, reason }),
      reply: ({ error } = {}) => close({ code: 1011, reason: error?.message ?? "", error }),
      "ws-open": ({ subprotocol, headers }) => onOpen?.({ subprotocol, headers }),
      "ws-message": ({ data }) => onMessage?.(data),
      "ws-close": ({ code, reason }) => close({ code, reason }),
    });
    this.#post({ type: "websocket", id, ...facts });
    return {
      send: (data) => this.#post({ type: "ws-send", target: id, data }),
      close: (code = 1000, reason = "") => this.#post({ type: "ws-close", target: id, code, reason }),
    };
  }

  hear(message) {
    const one = this.#open.get(message?.id);
    if (!one) return;
    const { type } = message;
    if (type === "reply") {
      this.#open.delete(message.id);
      (one.resolve ?? one.reply)(message.result ?? {});
    } else if (type === "head") one.head?.(message.status, message.headers);
    else if (type === "chunk") one.chunk?.(message.data);
    else if (type === "proof") one.onMessage?.(message.result);
    else one[type]?.(message);
  }

  endAll(reason) {
    const all = [...this.#open.values()];
    this.#open.clear();
    for (const one of all) one.stop(reason);
  }
}

function joined(chunks) {
  const whole = new Uint8Array(chunks.reduce((sum, chunk) => sum + chunk.length, 0));
  let at = 0;
  for (const chunk of chunks) {
    whole.set(chunk, at);
    at += chunk.length;
  }
  return whole;
}
