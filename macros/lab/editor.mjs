// The lab's editor, bundled into assets/lab/editor.js by editor.py.
//
// It lives in a shadow root: there CodeMirror adopts its style sheets instead of writing <style> elements, so the page's
// policy can stay `style-src 'self'`. Colors come from the page, whose custom properties reach into the shadow.

import { closeBrackets, closeBracketsKeymap } from "@codemirror/autocomplete";
import { defaultKeymap, history, historyKeymap, indentWithTab } from "@codemirror/commands";
import { python } from "@codemirror/lang-python";
import { HighlightStyle, bracketMatching, indentOnInput, indentUnit, syntaxHighlighting } from "@codemirror/language";
import { Compartment, EditorState, Prec, StateEffect, StateField } from "@codemirror/state";
import { Decoration, EditorView, highlightActiveLine, highlightSpecialChars, keymap, lineNumbers } from "@codemirror/view";
import { tags } from "@lezer/highlight";

const color = (name) => `var(--md-code-hl-${name}-color)`;

const colors = HighlightStyle.define([
  { tag: [tags.keyword, tags.modifier, tags.operatorKeyword, tags.controlKeyword], color: color("keyword") },
  { tag: [tags.string, tags.special(tags.string)], color: color("string") },
  { tag: [tags.number, tags.bool, tags.null], color: color("number") },
  { tag: [tags.comment], color: color("comment") },
  { tag: [tags.function(tags.definition(tags.variableName)), tags.definition(tags.className)], color: color("function") },
  { tag: [tags.meta], color: color("special") },
  { tag: [tags.operator, tags.derefOperator], color: color("operator") },
  { tag: [tags.punctuation, tags.separator, tags.bracket], color: color("punctuation") },
  { tag: [tags.escape, tags.invalid], color: color("special") },
]);

const look = EditorView.theme({
  "&": { fontSize: "var(--km-lab-code-size, 0.68rem)", color: "var(--md-code-fg-color)", backgroundColor: "transparent" },
  "&.cm-focused": { outline: "none" },
  ".cm-scroller": {
    fontFamily: "var(--km-mono)",
    lineHeight: "1.6",
    fontVariantLigatures: "none",
    overscrollBehaviorX: "contain",
    scrollbarWidth: "thin",
    scrollbarColor: "var(--km-rule-2) transparent",
  },
  ".cm-content": { padding: "0.75rem 0", caretColor: "var(--km-ink)" },
  ".cm-line": { padding: "0 0.9rem 0 0.7rem" },
  ".cm-gutters": {
    color: "var(--km-ink-2)",
    backgroundColor: "var(--km-sunk)",
    borderRight: "1px solid var(--km-rule)",
  },
  ".cm-lineNumbers .cm-gutterElement": { padding: "0 0.6rem", minWidth: "2.2rem" },
  ".cm-activeLine": { backgroundColor: "transparent" },
  "&.cm-focused .cm-activeLine": { backgroundColor: "color-mix(in srgb, var(--km-accent) 6%, transparent)" },
  ".cm-line.cm-problem": {
    backgroundColor: "color-mix(in srgb, var(--km-red) 13%, transparent)",
    boxShadow: "inset 3px 0 var(--km-red)",
  },
  "&.cm-focused .cm-matchingBracket": { backgroundColor: "color-mix(in srgb, var(--km-accent) 22%, transparent)" },
  ".cm-content ::selection": { backgroundColor: "color-mix(in srgb, var(--km-accent) 28%, transparent)" },
});

const setProblems = StateEffect.define();
const problems = StateField.define({
  create: () => Decoration.none,
  update(marks, change) {
    // A line that was changed may be right now.
    let kept = change.docChanged ? Decoration.none : marks;
    for (const effect of change.effects) {
      if (!effect.is(setProblems)) continue;
      const lines = [...new Set(effect.value)].filter((n) => n >= 1 && n <= change.state.doc.lines).sort((a, b) => a - b);
      const mark = Decoration.line({ class: "cm-problem" });
      kept = Decoration.set(lines.map((n) => mark.range(change.state.doc.line(n).from)));
    }
    return kept;
  },
  provide: (field) => EditorView.decorations.from(field),
});

// Where typed text replaces several lines, the browser would write style attributes, which the policy refuses.
const replacing = EditorView.domEventHandlers({
  beforeinput(event, view) {
    const { from, to, empty } = view.state.selection.main;
    if (event.inputType !== "insertText" || !event.data || empty || view.composing) return false;
    event.preventDefault();
    const insert = () => view.state.update(view.state.replaceSelection(event.data), { userEvent: "input.type" });
    const taken = view.state.facet(EditorView.inputHandler).some((handler) => handler(view, from, to, event.data, insert));
    if (!taken) view.dispatch(view.state.replaceSelection(event.data), { userEvent: "input.type", scrollIntoView: true });
    return true;
  },
});

/**
 * Put an editor into an element.
 *
 * `onChange(name, text)` is called for what the reader types, not for what open() and replace() set.
 */
export function createEditor(host, { onChange, onRun }) {
  const label = new Compartment();
  const states = new Map();
  let current = null;
  let silent = false;

  const typed = EditorView.updateListener.of((update) => {
    if (update.docChanged && !silent) onChange(current, update.state.doc.toString());
  });
  const run = Prec.highest(keymap.of([{ key: "Mod-Enter", run: () => (onRun(), true) }]));
  const named = (name) =>
    EditorView.contentAttributes.of({ "aria-label": `${name}. Escape, then Tab, leaves the editor.`, tabindex: "0" });
  const extensions = (name) => [
    run,
    replacing,
    lineNumbers(),
    highlightSpecialChars(),
    history(),
    indentOnInput(),
    bracketMatching(),
    closeBrackets(),
    highlightActiveLine(),
    problems,
    // The page's bars lie over its first and last lines.
    EditorView.scrollMargins.of(() => ({ top: 70, bottom: 70 })),
    EditorState.tabSize.of(4),
    indentUnit.of("    "),
    keymap.of([...closeBracketsKeymap, ...defaultKeymap, ...historyKeymap, indentWithTab]),
    name.endsWith(".py") ? python() : [],
    syntaxHighlighting(colors),
    look,
    label.of(named(name)),
    typed,
  ];
  const view = new EditorView({ parent: host.shadowRoot ?? host.attachShadow({ mode: "open" }), root: host.shadowRoot });

  function change(action) {
    silent = true;
    try {
      action();
    } finally {
      silent = false;
    }
  }

  return {
    /** Show a file; its history and selection come back with it. */
    open(name, text) {
      if (current !== null) states.set(current, view.state);
      current = name;
      const known = states.get(name);
      const state = known && known.doc.toString() === text ? known : EditorState.create({ doc: text, extensions: extensions(name) });
      change(() => view.setState(state));
    },
    /** Set the whole text of the shown file as one step that can be undone. */
    replace(text) {
      change(() => view.dispatch({ changes: { from: 0, to: view.state.doc.length, insert: text } }));
    },
    /** Mark lines of the shown file as those that failed. */
    mark(lines) {
      view.dispatch({ effects: setProblems.of(lines) });
    },
    /** Put the cursor at the start of a line, in view. */
    goTo(line) {
      const at = view.state.doc.line(Math.min(Math.max(line, 1), view.state.doc.lines)).from;
      view.dispatch({ selection: { anchor: at }, effects: EditorView.scrollIntoView(at, { y: "center" }) });
      view.focus();
    },
    /** Learn the own height now and not in a later frame, so that what stands below can be kept in place. */
    measure: () => view.measure?.(),
    /** Take the focus where the reader is looking, not at the start of a long file. */
    focus() {
      if (view.state.selection.main.head === 0) {
        const seen = view.lineBlockAtHeight(Math.max(0, innerHeight / 3 - view.documentTop));
        view.dispatch({ selection: { anchor: seen.from } });
      }
      view.focus();
    },
  };
}
