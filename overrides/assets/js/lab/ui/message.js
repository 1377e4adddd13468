// Turns what the reader filled in into the bytes of a request; no DOM here.

const ENCODER = new TextEncoder();

/** A mistake in what was filled in; its message says what to do. */
export class FieldError extends Error {
  constructor(where, message) {
    super(message);
    this.where = where;
  }
}

/** Return the bytes of a recorded request as it stands. */
export function asRecorded(request) {
  const body = request.body === null || request.body === undefined ? null : ENCODER.encode(request.body);
  return { method: request.method, path: request.url, headers: Object.entries(request.headers ?? {}), body };
}

/** Return [name, value] pairs of lines such as "Name: value"; empty lines are skipped. */
export function headerLines(text) {
  return lines(text).map((line) => {
    const [, name, value] = /^([^:\s]+)\s*:\s*(.*)$/.exec(line) ?? [];
    if (!name) throw new FieldError("headers", `“${line}” is no header. Write it like Accept: text/html.`);
    return [name, value];
  });
}

/** Return [name, value] pairs of lines such as "name=value". */
export function pairLines(text, where) {
  return lines(text).map((line) => {
    const at = line.indexOf("=");
    if (at < 1) throw new FieldError(where, `“${line}” is no pair. Write it like name=value.`);
    return [line.slice(0, at).trim(), line.slice(at + 1)];
  });
}

/** Return the path with these query pairs added to whatever query it has. */
export function withQuery(path, pairs) {
  if (!path.startsWith("/")) throw new FieldError("path", "A path starts with a slash, such as /items.");
  const query = pairs.map(([name, value]) => `${encodeURIComponent(name)}=${encodeURIComponent(value)}`).join("&");
  return query ? path + (path.includes("?") ? "&" : "?") + query : path;
}

/**
 * Return {headers, body} for a kind of body: none, json, text, form, file. A content type that the reader wrote stays.
 * `files` are {field, name, type, bytes}.
 */
export function encodeBody(kind, text, files, headers) {
  const given = headers.some(([name]) => name.toLowerCase() === "content-type");
  const typed = (type, body) => ({ headers: given ? headers : [...headers, ["Content-Type", type]], body });
  if (kind === "none") return { headers, body: null };
  if (kind === "text") return { headers, body: ENCODER.encode(text) };
  if (kind === "json") return typed("application/json", ENCODER.encode(text));
  if (kind === "form") {
    const pairs = pairLines(text, "body");
    return typed("application/x-www-form-urlencoded", ENCODER.encode(new URLSearchParams(pairs).toString()));
  }
  const boundary = `----lab${Math.random().toString(36).slice(2)}`;
  const body = multipart(boundary, pairLines(text, "body"), files);
  const rest = headers.filter(([name]) => name.toLowerCase() !== "content-type");
  return { headers: [...rest, ["Content-Type", `multipart/form-data; boundary=${boundary}`]], body };
}

/** Return which kind of body a recorded request has, and its text as the form shows it. */
export function bodyOf(request) {
  if (request.body === null || request.body === undefined) return { kind: "none", text: "" };
  const named = Object.entries(request.headers ?? {}).find(([name]) => name.toLowerCase() === "content-type");
  const type = (named?.[1] ?? "").split(";")[0].trim();
  if (type === "application/json") return { kind: "json", text: pretty(request.body) };
  if (type === "application/x-www-form-urlencoded") {
    const pairs = new URLSearchParams(request.body);
    // Places of other answers, and whatever does not come out the same, are shown as they are sent.
    if (pairs.toString() === request.body) return { kind: "form", text: [...pairs].map((pair) => pair.join("=")).join("\n") };
  }
  return { kind: "text", text: request.body };
}

/** Return headers as lines that a reader can edit. */
export const asLines = (headers) => Object.entries(headers ?? {}).map(([name, value]) => `${name}: ${value}`).join("\n");

function multipart(boundary, pairs, files) {
  const parts = [];
  const quoted = (text) => text.replaceAll('"', "%22").replaceAll(/[\r\n]/g, " ");
  for (const [name, value] of pairs) {
    parts.push(ENCODER.encode(`--${boundary}\r\nContent-Disposition: form-data; name="${quoted(name)}"\r\n\r\n${value}\r\n`));
  }
  for (const file of files) {
    const head = `--${boundary}\r\nContent-Disposition: form-data; name="${quoted(file.field)}"; filename="${quoted(file.name)}"\r\n`;
    parts.push(ENCODER.encode(`${head}Content-Type: ${file.type || "application/octet-stream"}\r\n\r\n`), file.bytes, ENCODER.encode("\r\n"));
  }
  parts.push(ENCODER.encode(`--${boundary}--\r\n`));
  const body = new Uint8Array(parts.reduce((size, part) => size + part.length, 0));
  let at = 0;
  for (const part of parts) {
    body.set(part, at);
    at += part.length;
  }
  return body;
}

function pretty(text) {
  try {
    return JSON.stringify(JSON.parse(text), null, 2);
  } catch {
    return text;
  }
}

const lines = (text) => text.split("\n").map((line) => line.trim()).filter(Boolean);
