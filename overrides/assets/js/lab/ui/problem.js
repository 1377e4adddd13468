// An error of the reader's app: the message, and a traceback whose places lead to the line in the editor.

import { make } from "./dom.js";
import { parts } from "./traceback.js";

/** Return a traceback as an element; its places in the reader's files are buttons that call goTo(file, line). */
export function traceback(text, files, goTo) {
  const code = make("code", {});
  for (const part of parts(text.trimEnd(), files)) {
    if (!part.file) code.append(part.text);
    else {
      const label = `${part.file}, line ${part.line}`;
      code.append(make("button", { type: "button", className: "km-lab-place", onclick: () => goTo(part.file, part.line) }, label));
    }
  }
  return make("pre", { className: "km-lab-traceback", tabIndex: 0 }, code);
}

/** Return the box for an error {message, traceback?, file?, line?}. */
export function problem(error, files, goTo, title = "The app did not start") {
  const box = make("div", { className: "km-lab-problem" }, make("p", { className: "km-lab-problem-title" }, title));
  box.append(make("p", {}, error.message || "Something went wrong, and it did not say what."));
  const known = error.file && files.includes(error.file);
  // A traceback without a line of the reader's own says no more than the message.
  const own = parts(error.traceback ?? "", files).some((part) => part.file);
  if (own) box.append(traceback(error.traceback, files, goTo));
  else if (known && error.line) {
    const go = () => goTo(error.file, error.line);
    box.append(make("p", {}, make("button", { type: "button", className: "km-lab-place", onclick: go }, `${error.file}, line ${error.line}`)));
  }
  return box;
}
