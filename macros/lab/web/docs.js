// Runs in the sandboxed frame of the API docs: shows Swagger UI and hands its requests to the page.
// A classic script: a module would need CORS, for the frame's origin is opaque.
"use strict";

(() => {
  // What a reader sees in the curl lines, as if the app ran at home; nothing is sent there.
  const ROOT = "http://127.0.0.1:8000";
  const waiting = new Map();
  let port = null;
  let count = 0;
  let ui = null;
  let description = "";

  function ask(request) {
    return new Promise((resolve, reject) => {
      count += 1;
      waiting.set(count, { resolve, reject });
      port.postMessage({ type: "request", id: count, request });
    });
  }

  // What Swagger UI takes as relative to this document is relative to the app.
  function inApp(url) {
    const address = new URL(url, ROOT);
    const here = new URL(".", location.href).href;
    return address.href.startsWith(here) ? `${ROOT}/${address.href.slice(here.length)}` : address.href;
  }

  // Stands in for fetch(), which the policy of this frame refuses.
  async function labFetch(url, options = {}) {
    const method = options.method ?? "GET";
    const plain = new Request(ROOT, { method: options.body ? "POST" : "GET", headers: options.headers, body: options.body });
    const headers = [...plain.headers];
    const body = options.body ? await plain.arrayBuffer() : null;
    const answer = await ask({ method, url: inApp(url), headers, body });
    const response = new Response(answer.body, { status: answer.status, headers: answer.headers });
    Object.defineProperty(response, "url", { value: String(url) });
    return response;
  }

  function show() {
    ui = SwaggerUIBundle({
      dom_id: "#docs",
      url: ROOT + description,
      deepLinking: false,
      persistAuthorization: false,
      validatorUrl: null,
      defaultModelsExpandDepth: 0,
      tryItOutEnabled: true,
      showMutatedRequest: false,
      requestInterceptor: (request) => Object.assign(request, { userFetch: labFetch }),
    });
  }

  // The frame is as high as what it shows, and high enough for a dialog, which is centered in it.
  function tellHeight() {
    const place = document.getElementById("docs");
    const tell = () => {
      const dialog = document.querySelector(".modal-ux") ? 680 : 0;
      port.postMessage({ type: "height", height: Math.max(place.offsetHeight, dialog) });
    };
    new ResizeObserver(tell).observe(place);
    new MutationObserver(tell).observe(place, { childList: true, subtree: true });
  }

  const color = (scheme) => document.documentElement.classList.toggle("dark-mode", scheme === "dark");

  addEventListener("message", (event) => {
    if (event.source !== parent || event.data?.type !== "km-docs" || port) return;
    [port] = event.ports;
    description = event.data.path;
    color(event.data.scheme);
    port.onmessage = ({ data }) => {
      if (data.type === "scheme") color(data.scheme);
      else if (data.type === "reload") ui?.specActions.download(ROOT + description);
      else if (data.type === "answer") {
        const { resolve, reject } = waiting.get(data.id) ?? {};
        waiting.delete(data.id);
        if (data.error) reject?.(new Error(data.error));
        else resolve?.(data.answer);
      }
    };
    show();
    tellHeight();
  });
  parent.postMessage("km-docs-ready", "*");
})();
