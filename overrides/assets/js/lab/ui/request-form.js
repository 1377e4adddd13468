// The form for one request: filled from the topic's requests, or by the reader.

import { button, field, make, uniqueId } from "./dom.js";
import { asLines, bodyOf, encodeBody, headerLines, pairLines, withQuery } from "./message.js";

export const SOCKET = "WebSocket";
const METHODS = ["GET", "POST", "PUT", "PATCH", "DELETE", "HEAD", "OPTIONS", SOCKET];
const KINDS = { none: "No body", json: "JSON", form: "Form", file: "Files", text: "Text" };
const HINTS = { form: "name=value, one a line", file: "more fields: name=value, one a line" };

/** Make the form; `onSend()`, `onSocket(on)` and `onCancel()` are the reader's wishes. */
export function makeRequestForm({ onSend, onCancel, onSocket }) {
  const method = make("select", { "aria-label": "Method" }, METHODS.map((name) => make("option", { value: name }, name)));
  const path = make("input", { type: "text", "aria-label": "Path", spellcheck: "false", autocapitalize: "off", autocomplete: "off" });
  const query = area(2, "name=value, one a line");
  const headers = area(2, "Name: value, one a line");
  const kind = make("select", {}, Object.entries(KINDS).map(([value, text]) => make("option", { value }, text)));
  const body = area(5, "");
  const fileName = make("input", { type: "text", value: "file", spellcheck: "false", autocapitalize: "off" });
  const file = make("input", { type: "file", multiple: true });
  const send = make("button", { type: "submit", className: "km-button km-lab-send" }, "Send");
  const cancel = button("Cancel", onCancel, { hidden: true });
  const mistake = make("p", { className: "km-lab-mistake", id: uniqueId("mistake"), role: "alert", hidden: true });

  const bodyField = field("Body", body);
  const fileFields = make("div", { className: "km-lab-pair" }, field("Field name", fileName), field("Files", file));
  const bodyPart = make("div", { className: "km-lab-body" }, field("Kind of body", kind), fileFields, bodyField);
  const summary = make("summary", {}, "Query, headers, body");
  const more = make(
    "details",
    { className: "km-lab-more" },
    summary,
    make("div", { className: "km-lab-pair" }, field("Query", query), field("Headers", headers)),
    bodyPart,
  );
  const element = make(
    "form",
    { className: "km-lab-form", "aria-label": "Request", novalidate: true },
    make("div", { className: "km-lab-line" }, method, path, send, cancel),
    mistake,
    more,
  );
  element.addEventListener("submit", (event) => {
    event.preventDefault();
    onSend();
  });
  kind.addEventListener("change", showKind);
  method.addEventListener("change", showMethod);

  function showKind() {
    bodyField.hidden = kind.value === "none";
    fileFields.hidden = kind.value !== "file";
    body.placeholder = HINTS[kind.value] ?? "";
    bodyField.querySelector("label").textContent = kind.value === "file" ? "Other fields" : "Body";
  }

  function showMethod() {
    const socket = method.value === SOCKET;
    send.textContent = socket ? "Connect" : "Send";
    bodyPart.hidden = socket;
    summary.textContent = socket ? "Query, headers" : "Query, headers, body";
    onSocket(socket);
  }

  /** What the reader sees, as it would be stored: to tell whether a request of the topic was changed. */
  const snapshot = () => JSON.stringify([method.value, path.value, query.value, headers.value, kind.value, body.value, file.value]);

  return {
    element,
    snapshot,
    method: () => method.value,
    /** Show a request of the topic. */
    fill(request) {
      const content = bodyOf(request);
      method.value = METHODS.includes(request.method) ? request.method : "GET";
      path.value = request.url;
      query.value = "";
      headers.value = asLines(request.headers);
      kind.value = content.kind;
      body.value = content.text;
      file.value = "";
      more.open = Boolean(headers.value || content.text);
      mistake.hidden = true;
      showKind();
      showMethod();
      return snapshot();
    },
    /** Return the request as words, in which places of other answers may stand. */
    text: () => ({ url: `${path.value} ${query.value}`, headers: { all: headers.value }, body: body.value }),
    /** Return {method, path, headers, body}; `filled` fills places of other answers; FieldError says what is wrong. */
    async request(filled = (text) => text) {
      const files = kind.value === "file" ? await Promise.all([...file.files].map((each) => opened(each, fileName.value || "file"))) : [];
      const given = headerLines(filled(headers.value));
      const target = withQuery(filled(path.value.trim()), pairLines(filled(query.value), "query"));
      if (method.value === SOCKET) return { method: SOCKET, path: target, headers: given, body: null };
      return { method: method.value, path: target, ...encodeBody(kind.value, filled(body.value), files, given) };
    },
    complain(error) {
      mistake.hidden = !error;
      mistake.textContent = error?.message ?? "";
      if (error && ["headers", "query", "body"].includes(error.where)) more.open = true;
      const at = { headers, query, body, path }[error?.where];
      for (const each of [headers, query, body, path]) {
        if (each === at) {
          each.setAttribute("aria-invalid", "true");
          each.setAttribute("aria-describedby", mistake.id);
          each.focus();
        } else each.removeAttribute("aria-invalid");
      }
    },
    /** Offer to cancel while an answer is on its way. */
    busy(is) {
      const focused = send.getRootNode().activeElement;
      cancel.hidden = !is;
      send.disabled = is;
      if (is && focused === send) cancel.focus();
      if (!is && focused === cancel) send.focus();
    },
  };
}

function area(rows, placeholder) {
  return make("textarea", { rows: String(rows), placeholder, spellcheck: "false", autocapitalize: "off", autocomplete: "off" });
}

async function opened(file, name) {
  return { field: name, name: file.name, type: file.type, bytes: new Uint8Array(await file.arrayBuffer()) };
}
