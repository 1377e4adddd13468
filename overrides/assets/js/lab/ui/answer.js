// Shows one exchange as it happens: the request, the status, the headers, and the body as it arrives.

import { LONGEST, decode, picture, typeOf } from "./content.js";
import { make } from "./dom.js";
import { eventReader } from "./events.js";
import { colored } from "./json-colors.js";
import { problem } from "./problem.js";
import { duration, reason, size } from "./words.js";

// The status line and the body say these.
const UNREMARKABLE = new Set(["content-length", "date", "server", "transfer-encoding"]);
const MANY = 500; // events shown; an endless stream must not fill the page

/** Make the view of one exchange; `tools` are {files(), goTo}. */
export function makeAnswer(sent, tools) {
  const began = performance.now();
  const status = make("p", { className: "km-status km-lab-waiting" }, "waiting");
  const head = make("div");
  const body = make("div");
  const element = make(
    "div",
    { className: "km-answer km-lab-answer" },
    make(
      "p",
      { className: "km-request" },
      make("span", { className: "km-method", "data-method": sent.method }, sent.method),
      " ",
      make("code", { className: "km-url" }, sent.path),
    ),
    status,
    head,
    body,
  );
  let stream = null;

  function showHead({ status: code, headers }) {
    status.className = "km-status";
    status.dataset.class = `${Math.floor(code / 100)}xx`;
    status.replaceChildren(make("span", { className: "km-code" }, String(code)), ` ${reason(code)}`);
    const json = /(^|\+|\/)json$/.test(typeOf(headers));
    const shown = headers.filter(([name]) => !UNREMARKABLE.has(name.toLowerCase()) && !(json && name.toLowerCase() === "content-type"));
    head.replaceChildren();
    if (shown.length) {
      const rows = shown.map(([name, value]) => make("div", {}, make("dt", {}, name), make("dd", {}, make("code", {}, value))));
      head.append(make("dl", { className: "km-headers" }, rows));
    }
    stream = typeOf(headers) === "text/event-stream" ? eventList(began) : plainStream();
    body.replaceChildren(stream.element);
  }

  return {
    element,
    head: showHead,
    chunk: (bytes) => stream?.take(bytes),
    /** Show the whole answer; return it with its decoded body. */
    finish(answer) {
      if (answer.status) {
        if (!stream) showHead(answer);
        status.append(make("span", { className: "km-lab-time" }, duration(answer.ms ?? performance.now() - began)));
      } else {
        status.className = "km-status km-lab-none";
        status.textContent = "no answer";
      }
      const decoded = decode(answer.headers ?? [], answer.body ?? new Uint8Array());
      if (answer.status && stream?.kind !== "events") body.replaceChildren(...whole(answer, decoded));
      if (answer.error) {
        const title = answer.status ? "The app raised an error" : "The app gave no answer";
        element.append(problem(answer.error, tools.files(), tools.goTo, title));
      }
      return { ...answer, ...decoded };
    },
    /** Say how the answer compares with the recorded one, which a fold shows. */
    compare(equal, sentence, recorded) {
      const note = make("div", { className: "km-lab-verdict", "data-equal": String(equal) }, make("p", {}, sentence));
      if (!equal) note.append(recordedFold(recorded));
      element.append(note);
    },
  };
}

function whole(answer, { text, json }) {
  const bytes = answer.body ?? new Uint8Array();
  if (!bytes.length) return [];
  const address = picture(answer.headers, bytes);
  if (address) return [make("p", { className: "km-lab-picture" }, make("img", { src: address, alt: "The picture in the answer" }))];
  if (text === null) return [make("p", { className: "km-lab-bytes" }, `${size(bytes.length)} that are not text`)];
  return [block(json === undefined ? text : JSON.stringify(json, null, 2), json !== undefined)];
}

/** Return text as a code block of the site's look, cut where it is very long. */
export function block(text, json = false) {
  const cut = text.length > LONGEST;
  const shown = cut ? text.slice(0, LONGEST) : text;
  const code = make("code", {}, json ? colored(shown) : shown);
  const parts = [make("pre", { tabIndex: 0 }, code)];
  if (cut) parts.push(make("p", { className: "km-lab-bytes" }, `Cut here; the whole has ${size(text.length)}.`));
  return make("div", { className: "highlight" }, parts);
}

function recordedFold(recorded) {
  const json = "body" in recorded;
  const text = json ? JSON.stringify(recorded.body, null, 2) : (recorded.text ?? "");
  return make(
    "details",
    {},
    make("summary", {}, "The recorded answer"),
    make("p", { className: "km-status", "data-class": `${Math.floor(recorded.status / 100)}xx` }, `${recorded.status} ${reason(recorded.status)}`),
    text ? block(text, json) : null,
  );
}

function plainStream() {
  const decoder = new TextDecoder();
  const code = make("code");
  const element = make("div", { className: "highlight" }, make("pre", { tabIndex: 0 }, code));
  let length = 0;
  return {
    kind: "text",
    element,
    take(bytes) {
      const text = decoder.decode(bytes, { stream: true });
      if (length < LONGEST) code.append(text.slice(0, LONGEST - length));
      length += text.length;
    },
  };
}

function eventList(began) {
  const read = eventReader();
  const decoder = new TextDecoder();
  const element = make("ol", { className: "km-lab-events", role: "log", "aria-label": "Events" });
  return {
    kind: "events",
    element,
    take(bytes) {
      for (const event of read(decoder.decode(bytes, { stream: true }))) {
        if (element.childElementCount >= MANY) element.firstElementChild.remove();
        const fields = [
          event.event === "message" ? null : ["event", event.event],
          event.id === null ? null : ["id", event.id],
          event.retry === null ? null : ["retry", event.retry],
          event.comment ? ["comment", event.comment] : null,
        ].filter(Boolean);
        element.append(
          make(
            "li",
            {},
            make("span", { className: "km-lab-when" }, duration(performance.now() - began)),
            make("code", { className: "km-lab-data" }, event.data || "(no data)"),
            fields.length ? make("span", { className: "km-lab-fields" }, fields.map(([name, value]) => `${name}: ${value}`).join("  ")) : null,
          ),
        );
      }
    },
  };
}
