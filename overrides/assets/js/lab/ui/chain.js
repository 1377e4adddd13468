// Requests that need the answer of another: {{login.response.body.access_token}}; no DOM here.

const PLACE = /\{\{\s*([\w-]+)\.response\.(body|headers)\.([^}\s]+)\s*\}\}/g;

/** Return the names of the requests whose answers a request needs, each once. */
export function needs(request) {
  const text = [request.url, ...Object.values(request.headers ?? {}), request.body ?? ""].join("\n");
  return [...new Set([...text.matchAll(PLACE)].map((match) => match[1]))];
}

/** Return the names of a request and of all it needs, in the order to send them. */
export function order(name, requests, above = []) {
  const request = requests.find((each) => each.name === name);
  if (!request || above.includes(name)) return [];
  const before = needs(request).flatMap((other) => order(other, requests, [...above, name]));
  return [...new Set([...before, name])];
}

/**
 * Return {request, missing}: the request with every place filled from the answers that are there, and the first place
 * that could not be filled.
 */
export function fill(request, answers) {
  let missing = null;
  const filled = (text) =>
    text?.replace(PLACE, (place, name, part, path) => {
      const value = find(answers[name], part, path);
      if (value === undefined) missing ??= `${name}.response.${part}.${path}`;
      return value === undefined ? place : String(value);
    }) ?? text;
  const headers = Object.fromEntries(Object.entries(request.headers ?? {}).map(([name, value]) => [name, filled(value)]));
  return { request: { ...request, url: filled(request.url), headers, body: filled(request.body) }, missing };
}

function find(answer, part, path) {
  if (!answer) return undefined;
  if (part === "headers") return answer.headers.find(([name]) => name.toLowerCase() === path.toLowerCase())?.[1];
  const steps = path.split(/[.[\]]+/).filter(Boolean);
  const value = steps.reduce((at, step) => (at === null ? undefined : at?.[step]), answer.json);
  return value !== null && typeof value === "object" ? undefined : value;
}
