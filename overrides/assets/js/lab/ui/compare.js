// Whether an answer equals the recorded one, apart from what changes from run to run; no DOM here.

// Said by the server and not by the app, as on the page.
const UNREMARKABLE = new Set(["content-length", "date", "server", "transfer-encoding"]);
const MASKED = "(varies)";

/** Return the ways in which an answer differs from the recorded one, in words; none when they are equal. */
export function differences(recorded, answer, volatile = []) {
  const found = [];
  if (recorded.status !== answer.status) found.push(`status ${answer.status} instead of ${recorded.status}`);
  // A JSON body stands under `body` in a recording, and under `json` in an answer, whose `body` is bytes.
  const before = masked({ headers: headersOf(recorded.headers), ...("body" in recorded ? { body: recorded.body } : { text: recorded.text ?? "" }) }, volatile);
  const now = masked({ headers: headersOf(answer.headers), ...(answer.json === undefined ? { text: answer.text ?? "" } : { body: answer.json }) }, volatile);
  const names = new Set([...Object.keys(before.headers), ...Object.keys(now.headers)]);
  for (const name of names) {
    if (before.headers[name] === now.headers[name]) continue;
    if (!(name in now.headers)) found.push(`no header ${name}`);
    else found.push(name in before.headers ? `another ${name}` : `a header ${name}`);
  }
  if (!same(before.body, now.body) || before.text !== now.text) found.push("another body");
  return found;
}

/** Return the sentence for these differences. */
export function verdict(found) {
  return found.length ? `Not as recorded: ${found.join(", ")}.` : "The same as recorded.";
}

/** Return header pairs or a mapping as a mapping with lower-case names; repeated ones are joined as in recordings. */
export function headersOf(headers) {
  const pairs = Array.isArray(headers) ? headers : Object.entries(headers ?? {});
  const result = {};
  for (const [name, value] of pairs) {
    const key = name.toLowerCase();
    if (!UNREMARKABLE.has(key)) result[key] = key in result ? `${result[key]}\n${value}` : value;
  }
  return result;
}

function masked(value, paths) {
  return paths.reduce((result, path) => mask(result, path.match(/[^.[\]]+/g) ?? []), value);
}

function mask(value, [step, ...rest]) {
  if (step === undefined) return MASKED;
  if (Array.isArray(value)) {
    return value.map((each, index) => (step === "*" || Number(step) === index ? mask(each, rest) : each));
  }
  if (value === null || typeof value !== "object" || !Object.hasOwn(value, step)) return value;
  return { ...value, [step]: mask(value[step], rest) };
}

function same(a, b) {
  if (a === b) return true;
  if (a === null || b === null || typeof a !== "object" || typeof b !== "object") return false;
  if (Array.isArray(a) !== Array.isArray(b)) return false;
  const keys = Object.keys(a);
  return keys.length === Object.keys(b).length && keys.every((key) => Object.hasOwn(b, key) && same(a[key], b[key]));
}
