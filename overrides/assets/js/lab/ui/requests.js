// The tab Requests: the topic's requests as a list, the form, and what came back.

import { makeAnswer } from "./answer.js";
import { fill, needs, order } from "./chain.js";
import { differences, verdict } from "./compare.js";
import { button, make } from "./dom.js";
import { FieldError, asRecorded } from "./message.js";
import { SOCKET, makeRequestForm } from "./request-form.js";
import { makeSocket } from "./socket.js";
import { duration, reason } from "./words.js";

// What curl sends by itself, as when the answers were recorded.
const CLIENT_HEADERS = { accept: "*/*", "user-agent": "curl/8.15.0" };

/**
 * Make the tab. `lab()` gives the running lab and starts it first if need be, or null when the app does not start;
 * `tools` are {files(), goTo, say}.
 */
export function makeRequests(topic, lab, tools) {
  const requests = topic.requests ?? [];
  const recorded = Object.fromEntries((topic.responses ?? []).map((answer) => [answer.name, answer]));
  let answers = {};
  let chosen = null;
  let template = null; // the form as the chosen request fills it
  let flying = null;

  const form = makeRequestForm({
    onSend: () => (form.method() === SOCKET ? connect() : sendForm()),
    onCancel: () => flying?.abort(),
    onSocket: (on) => {
      socket.element.hidden = !on;
      result.hidden = on;
    },
  });
  const result = make("div", { className: "km-lab-result" });
  const socket = makeSocket(tools);
  const list = make("ul", { className: "km-lab-requests", "aria-label": "Requests of this topic" });
  const all = button("Send all", sendAll);
  const element = make("div", { className: "km-lab-exchange" });
  const marks = new Map();
  for (const request of requests) {
    const mark = make("span", { className: "km-lab-mark" });
    marks.set(request.name, mark);
    const row = make(
      "button",
      { type: "button", className: "km-lab-request", "data-name": request.name, onclick: () => choose(request) },
      make("span", { className: "km-lab-request-title" }, request.title),
      make("span", { className: "km-lab-request-line" }, make("span", { className: "km-method", "data-method": request.method }, request.method), ` ${request.url}`),
      mark,
    );
    list.append(make("li", {}, row));
  }
  const side = requests.length ? make("div", { className: "km-lab-side" }, list, requests.length > 1 ? all : null) : null;
  element.append(...(side ? [side] : []), make("div", { className: "km-lab-main" }, form.element, result, socket.element));
  if (requests.length) choose(requests[0]);
  else form.fill({ method: "GET", url: "/", headers: {}, body: null });

  function choose(request) {
    chosen = request;
    template = form.fill(request);
    for (const row of list.querySelectorAll("button")) {
      if (row.dataset.name === request.name) row.setAttribute("aria-current", "true");
      else row.removeAttribute("aria-current");
    }
    result.replaceChildren();
  }

  /** Send what a request needs, and then it; return its answer, or null when the app does not run. */
  async function sendChain(name, running) {
    let answer = null;
    for (const each of order(name, requests)) {
      if (each !== name && answers[each]) continue;
      answer = await sendRecorded(requests.find((request) => request.name === each), running);
      if (!answer || flying?.signal.aborted) return answer;
    }
    return answer;
  }

  async function sendRecorded(template, running) {
    const { request, missing } = fill(template, answers);
    const view = makeAnswer({ method: request.method, path: request.url }, tools);
    result.replaceChildren(view.element);
    if (missing) tools.say(`There is no ${missing} to fill in.`);
    const answer = await exchange(asRecorded(request), view, running);
    answers[template.name] = answer;
    const known = recorded[template.name];
    const mark = marks.get(template.name);
    if (!answer.status) {
      mark.textContent = "no answer";
      mark.dataset.equal = "false";
    } else if (known && !answer.aborted) {
      const found = differences(known, answer, topic.volatile?.[template.name]);
      view.compare(!found.length, verdict(found), known);
      mark.textContent = found.length ? `${answer.status} differs` : `${answer.status} same`;
      mark.dataset.equal = String(!found.length);
    } else {
      mark.textContent = String(answer.status);
    }
    return answer;
  }

  async function exchange(request, view, running) {
    const given = new Set(request.headers.map(([name]) => name.toLowerCase()));
    const own = Object.entries(CLIENT_HEADERS).filter(([name]) => !given.has(name));
    const message = { ...request, headers: [...own, ...request.headers] };
    const signal = flying.signal;
    try {
      const answer = await running.request(message, { onHead: view.head, onChunk: view.chunk, signal });
      return { ...view.finish(answer), aborted: signal.aborted };
    } catch (error) {
      const message = signal.aborted ? "Canceled." : (error.message ?? String(error));
      return view.finish({ status: 0, headers: [], body: null, ms: 0, error: { message, traceback: error.traceback } });
    }
  }

  async function guarded(action) {
    form.complain(null);
    flying?.abort();
    const mine = new AbortController();
    flying = mine;
    form.busy(true);
    try {
      const running = await lab();
      if (!running) return;
      const answer = await action(running);
      if (answer && flying === mine) {
        tools.say(answer.status ? `${answer.status} ${reason(answer.status)}, ${duration(answer.ms ?? 0)}` : "No answer");
      }
    } catch (error) {
      if (!(error instanceof FieldError)) throw error;
      form.complain(error);
    } finally {
      if (flying === mine) {
        flying = null;
        form.busy(false);
      }
    }
  }

  const sendForm = () =>
    guarded(async (running) => {
      if (chosen && form.snapshot() === template) return sendChain(chosen.name, running);
      for (const name of needs(form.text()).filter((each) => !answers[each])) await sendChain(name, running);
      const filled = (text) => fill({ url: text }, answers).request.url;
      const request = await form.request(filled);
      const view = makeAnswer(request, tools);
      result.replaceChildren(view.element);
      return exchange(request, view, running);
    });

  function sendAll() {
    return guarded(async (running) => {
      answers = {};
      let answer = null;
      for (const request of requests) {
        choose(request);
        answer = await sendRecorded(request, running);
        if (flying?.signal.aborted) break;
      }
      return answer;
    });
  }

  async function connect() {
    form.complain(null);
    try {
      const request = await form.request();
      const running = await lab();
      if (running) socket.connect(running, request);
    } catch (error) {
      if (!(error instanceof FieldError)) throw error;
      form.complain(error);
    }
  }

  return {
    element,
    send: sendForm,
    /** Forget the answers of an app that is gone. */
    restarted() {
      answers = {};
      flying?.abort();
      socket.reset();
      for (const mark of marks.values()) {
        mark.textContent = "";
        delete mark.dataset.equal;
      }
    },
    cancel: () => flying?.abort(),
  };
}
