// Which rows a typed filter leaves; no DOM here.

/** Return the words of a query: lower-case, without accents, each once. */
export function words(query) {
  return [...new Set(plain(query).split(/\s+/).filter(Boolean))];
}

/** Return whether every word occurs in the text. */
export function matches(text, wanted) {
  const there = plain(text);
  return wanted.every((word) => there.includes(word));
}

/** Return the sentence that tells how many rows are shown. */
export function count(shown, all) {
  if (shown === all) return `All ${all} topics`;
  if (shown === 0) return "No topic matches";
  return `${shown} of ${all} topics`;
}

function plain(text) {
  return text.normalize("NFD").replace(/\p{M}/gu, "").toLowerCase();
}
