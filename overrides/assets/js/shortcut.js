// Which key press asks for the search; no DOM here.

/** Return whether a key press means "search": "/", "s" or "f", with no modifier and not while typing. */
export function isShortcut({ key, ctrlKey, metaKey, altKey, target }) {
  if (ctrlKey || metaKey || altKey || !["/", "s", "f"].includes(key)) return false;
  return !target?.closest?.("input, textarea, select, [contenteditable]");
}
