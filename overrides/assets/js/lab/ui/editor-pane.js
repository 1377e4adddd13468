// The editor with a tab for each file. Where its bundle does not load, a plain text field stands in.

import { make } from "./dom.js";
import { makeTabs } from "./tabs.js";

// What surrounds the code: proofs and what they recorded, requests, measurements.
const AROUND = /^(outputs\/|requests\.http$|measured?\.)|(^|\/)(test_[^/]*|conftest)\.py$|\.js$/;

/** Return the file of an entry such as "app.main:app". */
export const fileOf = (entry) => `${entry.split(":")[0].replaceAll(".", "/")}.py`;

/** Return the files that are shown: the app's, the one that is run first, then the others; not what surrounds them. */
export function shownFiles({ entry, main = [], files }) {
  const first = fileOf(entry);
  const rank = (name) => (name === first ? 0 : main.includes(name) ? 1 : name.endsWith(".py") ? 2 : 3);
  const names = Object.keys(files).filter((name) => !AROUND.test(name) && (name === first || files[name].trim()));
  return names.sort((a, b) => rank(a) - rank(b) || a.localeCompare(b));
}

/** Make the pane. `onEdit(files)` is called with all files after each change, `onRun()` for the key that runs. */
export async function makeEditorPane(topic, base, files, { onEdit, onRun }) {
  let current = { ...files };
  let problems = [];
  let shown = null;
  const names = shownFiles(topic);
  const host = make("div", { className: "km-lab-editor" });
  // The line break at a file's end would be an empty line that the page does not show.
  const cut = (name) => current[name].replace(/\n$/, "");
  const changed = (name, text) => {
    current = { ...current, [name]: topic.files[name].endsWith("\n") ? `${text}\n` : text };
    problems = problems.filter((each) => each.file !== name);
    onEdit(current);
  };
  const editor = await load(base, host, { onChange: changed, onRun });
  // Keys typed here are not the page's shortcuts.
  host.addEventListener("keydown", (event) => event.stopPropagation());

  const element = make("div", { className: "km-lab-code" });
  const tabs = names.length > 1 ? makeTabs("Files of the example", names.map((name) => ({ id: name, title: name })), { shared: host, onSelect: show }) : null;
  if (tabs) {
    tabs.list.classList.add("km-lab-files");
    element.append(tabs.list);
  } else element.append(make("span", { className: "km-lab-filename" }, names[0]));
  element.append(host);
  if (!tabs) show(names[0]);

  function show(name) {
    shown = name;
    editor.open(name, cut(name));
    mark();
  }

  function mark() {
    editor.mark(problems.filter((each) => each.file === shown).map((each) => each.line));
  }

  return {
    element,
    files: () => current,
    names,
    /** Show these files, such as the original ones. */
    set(next) {
      current = { ...next };
      problems = [];
      editor.replace(cut(shown));
      mark();
    },
    /** Mark a line as where it went wrong; none marks nothing. */
    markProblem(place) {
      problems = place?.file && place.line ? [place] : [];
      mark();
    },
    goTo(file, line) {
      if (!names.includes(file)) return;
      if (shown !== file) tabs?.select(file);
      editor.goTo(line);
    },
    measure: () => editor.measure?.(),
    focus: () => editor.focus(),
  };
}

async function load(base, host, wishes) {
  try {
    const { createEditor } = await import(new URL("editor.js", base).href);
    return createEditor(host, wishes);
  } catch {
    return textField(host, wishes);
  }
}

function textField(host, { onChange, onRun }) {
  const area = make("textarea", { className: "km-lab-plain", spellcheck: "false", autocapitalize: "off", wrap: "off" });
  let name = "";
  const fit = () => (area.rows = area.value.split("\n").length + 1);
  area.addEventListener("input", () => onChange(name, area.value));
  area.addEventListener("input", fit);
  area.addEventListener("keydown", (event) => {
    if (event.key === "Enter" && (event.ctrlKey || event.metaKey)) onRun();
  });
  host.append(area);
  return {
    open(file, text) {
      name = file;
      area.setAttribute("aria-label", file);
      area.value = text;
      fit();
    },
    replace(text) {
      area.value = text;
      fit();
    },
    mark() {},
    goTo(line) {
      const at = area.value.split("\n").slice(0, line - 1).join("\n").length + (line > 1 ? 1 : 0);
      area.focus();
      area.setSelectionRange(at, at);
    },
    focus: () => area.focus(),
  };
}
