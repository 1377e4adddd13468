// The reader's edits of one topic: their stored shape, and which of them still fit; no DOM here.
//
// km.lab.<topic id>: {"version": 1, "original": "<hash>", "files": {"main.py": "…"}, "saved": "2026-11-22"}
//
// Only changed files are kept. What cannot be read counts as no edit; what was replaced by a shared link is kept aside.

const VERSION = 1;
const LONGEST = 400_000; // characters; more than any example, less than a browser's quota

export const keyOf = (topic) => `km.lab.${topic}`;
const asideOf = (topic) => `km.lab.${topic}.before`;

/** Return the files that differ from the original. */
export function changed(files, original) {
  return Object.fromEntries(
    Object.entries(files).filter(([name, text]) => Object.hasOwn(original, name) && text !== original[name]),
  );
}

/** Return {files, original, saved} of a stored text, or null when there is none that can be read. */
export function parse(text) {
  let value;
  try {
    value = JSON.parse(text);
  } catch {
    return null;
  }
  if (!isRecord(value) || value.version !== VERSION || !isRecord(value.files)) return null;
  const files = Object.entries(value.files).filter(([, each]) => typeof each === "string");
  if (!files.length) return null;
  return { files: Object.fromEntries(files), original: String(value.original ?? ""), saved: String(value.saved ?? "") };
}

/** Return the topic's files with an edit on top; files that the topic no longer has are left out. */
export function apply(original, edit) {
  return { ...original, ...changed(edit, original) };
}

/** The edits of one topic over two functions that read and write text by key. */
export function createEdits(topic, read, write) {
  const key = keyOf(topic.id);
  const original = topic.hash ?? "";

  const save = (files) => {
    const edit = changed(files, topic.files);
    if (!Object.keys(edit).length) return write(key, null);
    const text = JSON.stringify({ version: VERSION, original, files: edit, saved: new Date().toLocaleDateString("sv") });
    return text.length <= LONGEST && write(key, text);
  };

  return {
    /** Return {files, stale, saved} of the stored edit, or null. */
    load() {
      const edit = parse(read(key));
      if (!edit) return null;
      const files = apply(topic.files, edit.files);
      if (!Object.keys(changed(files, topic.files)).length) return null;
      return { files, saved: edit.saved, stale: edit.original !== original };
    },
    /** Keep these files; return whether the browser took them. */
    save,
    /** Keep what is stored aside, because other code takes its place. */
    setAside() {
      const text = read(key);
      return text === null || write(asideOf(topic.id), text);
    },
    /** Return the files that were set aside, or null. */
    aside() {
      const edit = parse(read(asideOf(topic.id)));
      return edit && apply(topic.files, edit.files);
    },
    dropAside: () => write(asideOf(topic.id), null),
  };
}

function isRecord(value) {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
