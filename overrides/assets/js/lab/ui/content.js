// What to make of the bytes of an answer: text, JSON, a picture, or only their number; no DOM here.

const TEXT = /^(text\/|application\/(.*\+)?(json|xml|javascript|x-www-form-urlencoded|x-ndjson|jsonl|yaml|toml)|$)/;
const PICTURE = /^image\/(png|jpeg|gif|webp|avif|svg\+xml)$/;
const LARGEST_PICTURE = 500_000;
export const LONGEST = 60_000; // characters shown; a longer text is cut

/** Return the value of a header, or an empty text. */
export function header(headers, name) {
  return headers.find(([each]) => each.toLowerCase() === name)?.[1] ?? "";
}

/** Return the content type without its parameters. */
export const typeOf = (headers) => header(headers, "content-type").split(";")[0].trim().toLowerCase();

/** Return {text, json?} of an answer; text is null where the bytes are none. */
export function decode(headers, bytes) {
  if (PICTURE.test(typeOf(headers))) return { text: null };
  let text;
  try {
    text = new TextDecoder("utf-8", { fatal: !TEXT.test(typeOf(headers)) }).decode(bytes);
  } catch {
    return { text: null };
  }
  if (/(^|\+|\/)json$/.test(typeOf(headers))) {
    try {
      return { text, json: JSON.parse(text) };
    } catch {
      // The app may say that it is JSON and be wrong.
    }
  }
  return { text };
}

/** Return the answer as a data: address where it is a picture of a sensible size, else null. */
export function picture(headers, bytes) {
  if (!PICTURE.test(typeOf(headers)) || bytes.length > LARGEST_PICTURE) return null;
  let text = "";
  for (const byte of bytes) text += String.fromCharCode(byte);
  return `data:${typeOf(headers)};base64,${btoa(text)}`;
}
