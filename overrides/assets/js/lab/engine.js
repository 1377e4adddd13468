// The sandboxed frame and its worker, as the page sees them: parts go in, messages come out, stop always works.

import { deliver, partsOf, snapshotOf } from "./loader.js";

export class Engine {
  #base;
  #manifest;
  #limits;
  #frame;
  #port = null;
  #ready = null;
  #broken = () => {};
  #heard;
  #snapshot;
  #brought = {};
  #added = {};

  constructor(base, manifest, limits, heard) {
    this.#base = base;
    this.#manifest = manifest;
    this.#limits = limits;
    this.#heard = heard;
    this.#snapshot = snapshotOf(base, manifest);
  }

  async open(progress) {
    await this.#openFrame();
    const kept = this.#snapshot.deliver(this.#pieces());
    const delivered = this.#deliver(partsOf(this.#manifest), progress);
    const [warm] = await Promise.all([kept, delivered]);
    try {
      return await this.start();
    } catch (error) {
      if (!warm) throw error;
      await this.#snapshot.remove();
      return await this.start({ afresh: true });
    }
  }

  // Keeps Python's memory as it is before any code of the reader, for later starts and visits.
  freeze() {
    this.#say({ type: "freeze", ...this.#wanted() });
  }

  // Brings the packages that these files import and that are not there yet.
  async bring(files) {
    for (const name of partsOf(this.#manifest, files)) {
      this.#brought[name] ??= this.#bring(name).catch((error) => {
        delete this.#brought[name];
        throw error;
      });
      await this.#brought[name];
    }
  }

  async #bring(name) {
    await this.#deliver([name]);
    await new Promise((resolve) => {
      this.#added[name] = resolve;
      this.#say({ type: "extra", name });
    });
  }

  #deliver(names, progress) {
    return deliver(this.#base, this.#manifest, names, { ...this.#pieces(), progress });
  }

  #pieces() {
    return {
      open: (name, kind) => this.#say({ type: "open", name, kind }),
      chunk: (name, data) => this.#say({ type: "chunk", name, data }),
      end: (name) => this.#say({ type: "end", name }),
    };
  }

  #wanted() {
    const libraries = {};
    for (const [name, part] of Object.entries(this.#manifest.parts)) {
      if (part.kind === "library") libraries[part.path] = name;
    }
    return { preload: this.#manifest.preload, limits: this.#limits, libraries };
  }

  #say(message, transfer = []) {
    this.#frame.contentWindow.postMessage(message, "*", transfer);
  }

  // Starts a worker, in place of the one before; resolves once Python listens.
  start({ afresh = false } = {}) {
    const { port1, port2 } = new MessageChannel();
    this.#port?.close();
    this.#port = port1;
    this.#ready = new Promise((resolve, reject) => {
      this.#broken = (message) => reject(new Error(`Python did not start: ${message}`));
      port1.onmessage = ({ data }) => {
        if (data?.type === "ready") resolve(data);
        else if (data?.type === "broken") this.#broken(data.message);
        else this.#heard(data);
      };
      this.#say({ type: "start", afresh, ...this.#wanted() }, [port2]);
    });
    return this.#ready;
  }

  get ready() {
    return this.#ready;
  }

  post(message) {
    this.#port.postMessage(message);
  }

  stop() {
    this.#port?.close();
    this.#say({ type: "stop" });
  }

  #openFrame() {
    const frame = document.createElement("iframe");
    frame.setAttribute("sandbox", "allow-scripts");
    frame.hidden = true;
    frame.title = "Runs the lab's Python";
    frame.src = new URL("frame.htm", this.#base).href;
    this.#frame = frame;
    return new Promise((resolve, reject) => {
      const listen = ({ source, data }) => {
        if (source !== frame.contentWindow) return;
        if (data?.type === "frame") resolve(frame.contentWindow);
        else if (data?.type === "broken") this.#broken(data.message);
        else if (data?.type === "added") this.#added[data.name]?.();
        else if (data?.type === "snapshot") this.#snapshot.write(data.snapshot);
      };
      addEventListener("message", listen);
      frame.onerror = () => reject(new Error("The lab's frame could not be loaded."));
      // On the root element, which stays when the body is exchanged for another page's.
      document.documentElement.append(frame);
    });
  }
}
