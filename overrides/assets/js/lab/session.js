// The lab as the interface uses it: one per page, opened on first use. See the functions' comments.

import { Engine } from "./engine.js";
import { isCached, manifestOf, partsOf } from "./loader.js";
import { Exchanges } from "./exchanges.js";

export const LIMITS = { seconds: 10, outputBytes: 200_000, memoryBytes: 768 * 2 ** 20 };

const CALM = 4000;
let opened = null;

// What a first visit downloads to run these files, and whether this browser has it: {bytes, cached, versions, python}.
// Rejects where no lab is built.
export async function about(base, files = {}) {
  const manifest = await manifestOf(base);
  const names = [...partsOf(manifest), ...partsOf(manifest, withoutTests(files))];
  const bytes = names.reduce((sum, name) => sum + manifest.parts[name].bytes, 0);
  const { versions, python } = manifest;
  return { bytes, versions, python, cached: await isCached(base, manifest, names) };
}

const withoutTests = (files) => Object.fromEntries(Object.entries(files).filter(([name]) => !/(^|\/)test_\w+\.py$/.test(name)));

// A topic's files, requests, recorded answers and proofs.
export async function topic(base, id) {
  const response = await fetch(new URL(`topics/${id}.json`, base), { cache: "no-cache" });
  if (!response.ok) throw new Error(`There is no lab for this topic (${response.status}).`);
  return await response.json();
}

// Downloads what is not cached and starts Python; called again, it returns the same lab.
export function openLab(base, { onProgress = () => {}, onLog = null } = {}) {
  opened ??= open(base, onProgress).catch((error) => {
    opened = null;
    throw error;
  });
  return opened.then((lab) => {
    if (onLog) lab.on("log", onLog);
    return lab;
  });
}

async function open(base, onProgress) {
  const manifest = await manifestOf(base);
  const lab = new Lab(manifest);
  const engine = new Engine(base, manifest, LIMITS, (message) => lab.hear(message));
  const times = await lab.begin(engine, (loaded, total) => {
    const whole = loaded >= total;
    onProgress({ step: whole ? "boot" : "download", loaded, total, text: whole ? "Starting Python" : "Loading" });
  });
  onProgress({ step: "import", loaded: 1, total: 1, text: "Ready" });
  lab.times = times;
  return lab;
}

class Lab {
  limits = LIMITS;
  state = "loading";
  times = {};
  versions;
  #engine;
  #exchanges;
  #listeners = { state: new Set(), log: new Set() };
  #beat = 0;
  #watch = null;
  #generation = 0;

  constructor(manifest) {
    this.versions = manifest.versions;
    this.#exchanges = new Exchanges((message) => this.#engine.post(message));
  }

  async begin(engine, progress) {
    this.#engine = engine;
    const times = await engine.open(progress);
    // Once the reader has had their answer; it takes some seconds of another core.
    if (times.fresh) setTimeout(() => engine.freeze(), CALM);
    this.#become("ready");
    return times;
  }

  // Hears of "state" (the new one) and "log" ({stream, text, truncated}); returns what ends that.
  on(event, listener) {
    this.#listeners[event].add(listener);
    return () => this.#listeners[event].delete(listener);
  }

  // (Re)starts the app with these files: {ok: true, ms} or {ok: false, error}.
  async load({ files, entry = "main:app", id = "reader" }) {
    const failed = await this.#brought(withoutTests(files));
    if (failed) return { ok: false, error: failed };
    this.#exchanges.endAll("another run began");
    this.#become("running");
    const result = await this.#watched(() => this.#exchanges.call("load", { topic: id, files, entry }));
    if (result.error && result.ok === undefined) return { ok: false, error: result.error };
    return result;
  }

  // Sends one request; the pieces are told as they arrive.
  async request({ method = "GET", path, headers = [], body = null }, { onHead, onChunk, signal } = {}) {
    await this.#engine.ready;
    return await this.#watched(() => this.#exchanges.request({ method, path, headers, body }, { onHead, onChunk, signal }));
  }

  // Opens a WebSocket: {send, close}.
  websocket({ path, headers = [], subprotocols = [] }, { onOpen, onMessage, onClose } = {}) {
    return this.#exchanges.websocket({ path, headers, subprotocols }, { onOpen, onMessage, onClose });
  }

  // Runs the proofs against these files; each result is told as it is known.
  async proofs({ files, only = null, id = "reader", known = {} }, { onResult = () => {} } = {}) {
    const failed = await this.#brought({ "proofs.py": "import pytest", ...files });
    if (failed) return { error: failed };
    this.#become("running");
    const limits = { onMessage: onResult };
    return await this.#watched(() => this.#exchanges.call("proofs", { topic: id, files, only, known }, limits));
  }

  // Ends whatever runs, an endless loop too. The next run starts anew.
  async stop(reason = "stopped") {
    this.#generation += 1;
    this.#engine.stop();
    this.#become("stopped");
    this.#exchanges.endAll(reason);
    clearInterval(this.#watch);
    this.#watch = null;
    this.#engine.start().catch(() => {});
  }

  hear(message) {
    this.#beat = performance.now();
    if (message?.type === "beat") return;
    if (message?.type === "log") {
      for (const line of message.lines) this.#tell("log", line);
    } else this.#exchanges.hear(message);
  }

  // Stops a run that gives no sign of life for too long: Python is in a loop that nothing else ends.
  async #watched(run) {
    this.#beat = performance.now();
    this.#watch ??= setInterval(() => {
      if (document.hidden) this.#beat = performance.now();
      const silent = (performance.now() - this.#beat) / 1000;
      if (silent > this.limits.seconds && this.#exchanges.busy) {
        this.stop(`no sign of life for ${this.limits.seconds} s, so it was stopped`);
      }
    }, 500);
    return await run();
  }

  // Sees that the packages are there; returns the error if they cannot be had.
  async #brought(files) {
    try {
      await this.#engine.ready;
      await this.#engine.bring(files);
      return null;
    } catch (error) {
      return { kind: "LoadError", message: String(error?.message ?? error), file: null, line: 0, traceback: "" };
    }
  }

  #become(state) {
    if (this.state === state) return;
    this.state = state;
    this.#tell("state", state);
  }

  #tell(event, value) {
    for (const listener of this.#listeners[event]) listener(value);
  }
}
