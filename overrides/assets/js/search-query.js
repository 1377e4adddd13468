// Makes queries of what people paste: a sentence is searched by its telling words, all of them first.
// The search itself takes each word as optional, so in a long text common words outweigh the rare ones.

const COMMON = new Set(
  (
    "a an and any are as at be been but by can could did do does for from get got had has have how i if in into is it" +
    " its may me my no nor not of on or our should so some such than that the their them then there these they this" +
    " to up us was we were what when where which who why will with would you your"
  ).split(" "),
);
// Who types these knows the syntax of the search and means it.
const SYNTAX = /["*+~^]|(^|\s)-/;

function telling(text) {
  const words = text.split(/[^\p{L}\p{N}_@$]+/u);
  // A single letter is what an apostrophe leaves over.
  return words.filter((word) => /../.test(word) || /\d/.test(word)).filter((word) => !COMMON.has(word.toLowerCase()));
}

/**
 * Return the queries to try one after the other until something is found: all telling words; the longest of them with
 * the others as a help, for the longest is seldom a common one; any of them. Empty where the text is to be taken as it is.
 */
export function queries(text) {
  const words = SYNTAX.test(text) ? [] : telling(text);
  if (words.length < 2) return [];
  const longest = words.reduce((one, other) => (other.length > one.length ? other : one));
  const others = words.filter((word) => word !== longest);
  return [words.map((word) => `+${word}`).join(" "), [`+${longest}`, ...others].join(" "), words.join(" ")];
}
