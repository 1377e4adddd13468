// The tab API docs: Swagger UI in a frame of its own, which can reach nothing; its requests come here by message and
// go to the app in the lab.

import { make } from "./dom.js";

const BODYLESS = new Set([101, 204, 205, 304]);

/** Return the parts of a fetch that Swagger UI wants to make: only the path counts, for there is one app. */
export function requestOf({ method, url, headers, body }) {
  const address = new URL(url, "http://127.0.0.1:8000/");
  return { method: (method ?? "GET").toUpperCase(), path: address.pathname + address.search, headers: headers ?? [], body: body ? new Uint8Array(body) : null };
}

/** Return the answer as the frame makes a Response of it. */
export function answerOf({ status, headers, body, error }) {
  if (!status) throw new Error(error?.message ?? "The app gave no answer.");
  return { status, headers, body: BODYLESS.has(status) ? null : (body ?? new Uint8Array()) };
}

/** Return whether these bytes are a description of an API. */
export function describes(bytes) {
  try {
    return typeof JSON.parse(new TextDecoder().decode(bytes)).openapi === "string";
  } catch {
    return false;
  }
}

/** Make the tab. `lab()` gives the running lab, or null; `path` is where an app describes itself. */
export function makeDocs(base, path, lab) {
  const note = make("p", { className: "km-lab-empty" }, "Loading the API docs");
  const element = make("div", { className: "km-lab-docs" }, note);
  let frame = null;
  let port = null;
  let stale = true;

  const scheme = () => {
    const chosen = document.documentElement.dataset.kmScheme;
    return chosen ?? (matchMedia("(prefers-color-scheme: dark)").matches ? "dark" : "light");
  };
  const tell = (message) => port?.postMessage(message);
  const recolor = () => tell({ type: "scheme", scheme: scheme() });

  function open() {
    frame = make("iframe", { sandbox: "allow-scripts allow-forms", src: new URL("docs.htm", base).href, title: "API docs of your code", className: "km-lab-frame" });
    addEventListener("message", greet);
    matchMedia("(prefers-color-scheme: dark)").addEventListener("change", recolor);
    new MutationObserver(recolor).observe(document.documentElement, { attributeFilter: ["data-km-scheme"] });
    element.append(frame);
  }

  // The frame's origin is opaque, so who speaks is told by the window.
  function greet(event) {
    if (event.source !== frame?.contentWindow || event.data !== "km-docs-ready") return;
    const channel = new MessageChannel();
    port?.close();
    port = channel.port1;
    port.onmessage = ({ data }) => {
      if (data.type === "height") frame.style.height = `${data.height}px`;
      else if (data.type === "request") answer(port, data);
    };
    event.source.postMessage({ type: "km-docs", path, scheme: scheme() }, "*", [channel.port2]);
  }

  async function answer(at, { id, request }) {
    try {
      const running = await lab();
      if (!running) throw new Error("The app does not run.");
      const answer = await running.request(requestOf(request), {});
      at.postMessage({ type: "answer", id, answer: answerOf(answer) });
    } catch (error) {
      at.postMessage({ type: "answer", id, error: error.message ?? String(error) });
    }
  }

  /** Show the docs of the app that runs now, or why there are none. */
  async function refresh() {
    stale = false;
    const running = await lab();
    const answer = running && (await running.request({ method: "GET", path, headers: [], body: null }, {}));
    const described = answer && describes(answer.body);
    note.hidden = Boolean(described);
    note.textContent = running ? `This app does not describe itself at ${path}.` : "The app does not run; see the message above.";
    if (frame) frame.hidden = !described;
    if (!described) return;
    if (frame) tell({ type: "reload" });
    else open();
  }

  return {
    element,
    show: () => (stale ? refresh() : null),
    /** The app is another one now: describe it anew, at once or when the tab is shown. */
    restarted(visible) {
      stale = true;
      if (visible) refresh();
    },
  };
}
