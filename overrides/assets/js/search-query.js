// Makes what people paste into a query: a sentence is searched by its telling words, all of them first.
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

/** Return the query that asks for all telling words; null where the text is to be taken as it is. */
export function allWords(text) {
  const words = SYNTAX.test(text) ? [] : telling(text);
  return words.length < 2 ? null : words.map((word) => `+${word}`).join(" ");
}

/** Return the query for when nothing has all of them. */
export function anyWord(text) {
  return telling(text).join(" ") || text;
}
