// The open lab of a page: editor, buttons, messages, and the tabs with what the app does.

import { makeDocs } from "./docs.js";
import { button, make } from "./dom.js";
import { makeEditorPane } from "./editor-pane.js";
import * as engine from "./engine.js";
import { keepCode } from "./keeping.js";
import { makeLog } from "./log.js";
import { makeNotices } from "./notices.js";
import { problem } from "./problem.js";
import { makeProofs } from "./proofs.js";
import { makeRequests } from "./requests.js";
import { makeTabs } from "./tabs.js";
import { last } from "./traceback.js";
import { duration, step } from "./words.js";

/**
 * Open the lab in a slot, around its bar. `bar` has {run, tools, state(text), progress(part), say(text)}; returns
 * {run(), show(), bottom(), focus(), isOpen()}; it is not shown yet.
 */
export async function openPanel(slot, bar, base, { openapi, onClose }) {
  const [topic] = await Promise.all([engine.topic(base, slot.dataset.lab), styled()]);
  const notices = makeNotices(bar.say);
  let pane = null;
  const code = await keepCode(topic, notices, () => pane);
  pane = await makeEditorPane(topic, base, code.files, { onEdit: edited, onRun: run });

  let lab = null; // the engine, once it is there
  let loaded = null; // the files that the running app was started with
  let starting = null;
  let turn = 0;
  let tabs = null;

  const goTo = (file, line) => pane.goTo(file, line);
  const tools = { files: () => Object.keys(topic.files), goTo, say: bar.say };
  const problems = make("div", { className: "km-lab-problems", role: "alert" });
  const log = makeLog((count) => tabs?.badge("log", count ? String(count) : ""));
  const requests = makeRequests(topic, current, tools);
  const proofs = makeProofs(topic, engineOnly, { ...tools, all: () => pane.files(), onDone: proven });
  const docs = openapi ? makeDocs(base, openapi, () => (loaded ? lab : start())) : null;
  const entries = [
    { id: "requests", title: "Requests", panel: make("div", {}, requests.element) },
    { id: "log", title: "Log", panel: make("div", {}, log.element) },
    ...(docs ? [{ id: "docs", title: "API docs", panel: make("div", {}, docs.element), onShow: () => docs.show() }] : []),
    ...(topic.proofs?.length ? [{ id: "proofs", title: "Proofs", panel: make("div", {}, proofs.element) }] : []),
  ];
  tabs = makeTabs("What the app does", entries);
  const results = make("div", { className: "km-lab-results" }, tabs.list, entries.map(({ panel }) => panel));
  const body = make("div", { className: "km-lab-below" }, notices.element, problems, results);

  const stop = button("Stop", halt);
  const extra = [stop, button("Reset", reset), button("Share", () => code.share()), button("Close", close)];
  bar.tools.replaceChildren(...extra);
  for (const part of [pane.element, body, ...extra]) part.hidden = true;
  bar.element.before(pane.element);
  bar.element.after(body);
  engine.listen("progress", (part) => starting && showStep(part));
  engine.listen("log", log.add);
  engine.listen("state", (state) => {
    slot.dataset.state = state;
    stop.disabled = state === "stopped";
    if (state === "stopped") ended();
  });
  stop.disabled = !engine.isOpen();

  function showStep(part) {
    bar.progress(part ? step(part) : "Starting", part?.step === "download" && part.total ? part.loaded / part.total : null);
  }

  function edited(files) {
    code.edited(files);
    if (loaded) bar.state("Edited since it was started");
  }

  function ended() {
    if (!loaded && !starting) return;
    loaded = null;
    bar.state("Stopped. Run starts it again.");
  }

  /** Give the running app, started with what the editor holds now; null when it does not start. */
  async function current() {
    const files = pane.files();
    const same = loaded && Object.keys(files).every((name) => loaded[name] === files[name]);
    return same ? lab : start();
  }

  async function engineOnly() {
    bar.progress("Starting", null);
    try {
      lab = await engine.open(base);
      code.adopt(pane.files());
      requests.cancel();
      loaded = null; // the proofs take the app's place
      return lab;
    } catch (error) {
      problems.replaceChildren(problem(error, [], goTo, "The lab did not load"));
      return null;
    } finally {
      bar.state("");
    }
  }

  function start() {
    starting ??= begin(++turn).finally(() => (starting = null));
    return starting;
  }

  async function begin(mine) {
    problems.replaceChildren();
    pane.markProblem(null);
    stop.disabled = false;
    showStep(lab ? null : engine.progress());
    try {
      lab = await engine.open(base);
    } catch (error) {
      if (mine === turn) failed(error, "The lab did not load");
      return null;
    }
    if (mine !== turn) return null;
    const files = pane.files();
    code.adopt(files);
    loaded = null;
    requests.restarted();
    bar.progress("Starting the app", null);
    const outcome = await lab.load({ id: topic.id, files, entry: topic.entry }).catch((error) => ({ ok: false, error }));
    if (mine !== turn) return null;
    if (!outcome.ok) {
      failed(outcome.error);
      return null;
    }
    loaded = files;
    bar.state(`Running; started in ${duration(outcome.ms ?? 0)}`);
    bar.say("The app runs.");
    docs?.restarted(tabs.selected() === "docs");
    return lab;
  }

  function failed(error, title) {
    const place = error.file ? error : last(error.traceback ?? "", Object.keys(topic.files));
    pane.markProblem(place);
    problems.replaceChildren(problem(error, Object.keys(topic.files), goTo, title));
    bar.state("Not running");
  }

  async function run() {
    requests.cancel();
    if (starting) await starting;
    log.clear();
    const running = await start();
    if (running && tabs.selected() === "requests") await requests.send();
  }

  async function halt() {
    turn += 1;
    requests.cancel();
    loaded = null;
    await lab?.stop();
    bar.state("Stopped. Run starts it again.");
    bar.say("Stopped");
  }

  function reset() {
    code.reset();
    problems.replaceChildren();
  }

  function proven(result) {
    if (!result) return tabs.badge("proofs", "");
    const failed = result.failed ?? 0;
    tabs.badge("proofs", failed ? `${failed} failed` : `${result.passed} passed`, failed ? "bad" : "good");
  }

  function show() {
    slot.dataset.open = "";
    for (const part of [pane.element, body, ...extra]) part.hidden = false;
    pane.measure();
  }

  function close() {
    delete slot.dataset.open;
    for (const part of [pane.element, body, ...extra]) part.hidden = true;
    onClose();
  }

  const bottom = () => pane.element.getBoundingClientRect().bottom;
  return { run, show, bottom, focus: () => pane.focus(), isOpen: () => "open" in slot.dataset };
}

// Only readers who open the lab load what it looks like; lab-panel.css comes last, for it knows the narrow screens.
function styled() {
  return Promise.all(["lab-exchange", "lab-results", "lab-panel"].map(sheet));
}

function sheet(name) {
  const href = new URL(`../../../css/${name}.css`, import.meta.url).href;
  if (document.querySelector(`link[href="${href}"]`)) return null;
  const link = make("link", { rel: "stylesheet", href });
  return new Promise((resolve) => {
    for (const event of ["load", "error"]) link.addEventListener(event, resolve, { once: true });
    document.head.append(link);
  });
}
