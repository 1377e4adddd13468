// The tab Proofs: the topic's own tests, run against the reader's code.

import { button, make } from "./dom.js";
import { traceback } from "./problem.js";
import { duration } from "./words.js";

const WORDS = { passed: "passed", failed: "failed", error: "error", skipped: "not here", running: "waiting" };

/** Return the name of the test of a proof. */
export const testOf = (proof) => proof.name ?? `test_${proof.id.replaceAll("-", "_")}`;

/** Return the sentence for a run that is over. */
export function summary({ passed = 0, failed = 0, skipped = 0 }) {
  const parts = [`${passed} passed`];
  if (failed) parts.push(`${failed} failed`);
  if (skipped) parts.push(`${skipped} cannot run here`);
  return `${parts.join(", ")}.`;
}

/** Make the tab. `lab()` gives the lab without starting the app; `tools` are {files(), goTo, say, onDone}. */
export function makeProofs(topic, lab, tools) {
  const rows = new Map();
  const list = make("ul", { className: "km-lab-proofs" });
  const total = make("p", { className: "km-lab-total" });
  const runAll = button("Run all proofs", () => run());
  const element = make(
    "div",
    {},
    make("div", { className: "km-lab-tools" }, runAll, total),
    make("p", { className: "km-lab-empty" }, "The tests of this page, run against your code. Undo a fix and see its proof fail."),
    list,
  );
  for (const proof of topic.proofs ?? []) add(testOf(proof), proof);

  function add(name, proof) {
    const mark = make("span", { className: "km-lab-mark" });
    const detail = make("div", { className: "km-lab-detail" });
    const heading = proof.id && document.getElementById(proof.id) ? make("a", { href: `#${proof.id}` }, proof.title ?? name) : (proof.title ?? "");
    const one = button("Run", () => run(name), { "aria-label": `Run ${name}` });
    const row = make(
      "li",
      { className: "km-lab-proof" },
      make("div", { className: "km-lab-proof-line" }, make("div", { className: "km-lab-proof-name" }, heading, make("code", {}, name)), mark, one),
      detail,
    );
    rows.set(name, { row, mark, detail });
    list.append(row);
    return rows.get(name);
  }

  function show({ name, outcome, reason, ms, traceback: text, output }) {
    const { row, mark, detail } = rows.get(name) ?? add(name, {});
    row.dataset.outcome = outcome;
    mark.textContent = WORDS[outcome] ?? outcome;
    if (ms && outcome !== "skipped") mark.append(make("small", {}, ` ${duration(ms)}`));
    detail.replaceChildren();
    if (reason) detail.append(make("p", {}, reason));
    if (text?.trim()) detail.append(traceback(text, tools.files(), tools.goTo));
    if (output?.trim() && outcome !== "passed") {
      detail.append(make("details", {}, make("summary", {}, "What it printed"), make("pre", { tabIndex: 0 }, make("code", {}, output))));
    }
  }

  async function run(only = null) {
    const wanted = only ? [only] : [...rows.keys()];
    runAll.disabled = true;
    total.textContent = "Running";
    for (const name of wanted) show({ name, outcome: "running" });
    let result = null;
    try {
      const running = await lab();
      if (running) result = await running.proofs({ id: topic.id, files: tools.all(), only: only ? [only] : null }, { onResult: show });
    } catch (error) {
      total.textContent = error.message ?? String(error);
    } finally {
      runAll.disabled = false;
      for (const { row, mark } of rows.values()) {
        if (row.dataset.outcome !== "running") continue;
        delete row.dataset.outcome;
        mark.textContent = "";
      }
    }
    if (result?.error) {
      total.textContent = `The proofs did not run: ${result.error.message}`;
      tools.say(total.textContent);
      result = null;
    }
    if (!result) {
      if (total.textContent === "Running") total.textContent = "Ended before the proofs were done.";
      tools.onDone(null);
      return;
    }
    total.textContent = summary(result);
    tools.say(summary(result));
    tools.onDone(result);
  }

  return { element, run };
}
