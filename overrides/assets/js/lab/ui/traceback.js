// Finds the lines of a traceback that point into the reader's own files; no DOM here.

const PLACE = /File "(?:[^"\n]*\/)?([^"\n]+?\.py)", line (\d+)/g;

/** Return the parts of a text: {text}, or {text, file, line} for a place in one of these files. */
export function parts(text, files) {
  const found = [];
  let end = 0;
  for (const match of text.matchAll(PLACE)) {
    const file = known(match[0], match[1], files);
    if (!file) continue;
    if (match.index > end) found.push({ text: text.slice(end, match.index) });
    found.push({ text: match[0], file, line: Number(match[2]) });
    end = match.index + match[0].length;
  }
  if (end < text.length) found.push({ text: text.slice(end) });
  return found;
}

/** Return {file, line} of the last place in the reader's files, where it went wrong; null without one. */
export function last(text, files) {
  const places = parts(text, files).filter((part) => part.file);
  return places.at(-1) ?? null;
}

// A path in the worker ends with the name that the file has here: the longest name that fits is meant.
function known(place, base, files) {
  const path = /"([^"]*)"/.exec(place)[1];
  const fitting = files.filter((name) => path === name || path.endsWith(`/${name}`));
  return fitting.sort((a, b) => b.length - a.length)[0] ?? (files.includes(base) ? base : null);
}
