// Code in an address: the changed files, compressed, in the fragment, which no browser sends to a server.

const PREFIX = "#lab=1.";
export const LONGEST = 16_000; // characters; longer addresses are cut by chats and mail programs
const LARGEST = 400_000; // characters of code; more is not a link of ours

/** Return whether an address's fragment is, or was meant to be, shared code. */
export const isShared = (hash) => hash.startsWith("#lab=");

/** Return the fragment that holds these files of a topic. */
export async function encode(topic, files) {
  const bytes = new TextEncoder().encode(JSON.stringify({ topic, files }));
  return PREFIX + base64url(await through(bytes, new CompressionStream("deflate-raw")));
}

/** Return {topic, files} of a fragment, or {error}: a sentence that says what is wrong with it. */
export async function decode(hash) {
  if (!hash.startsWith(PREFIX)) return { error: "This link was made by another version of the lab, or it was cut off." };
  let value;
  try {
    const bytes = fromBase64url(hash.slice(PREFIX.length));
    value = JSON.parse(new TextDecoder("utf-8", { fatal: true }).decode(await through(bytes, new DecompressionStream("deflate-raw"), LARGEST)));
  } catch {
    return { error: "The code in this link is damaged; it may have been cut off on its way." };
  }
  const files = value?.files;
  const fits = files && typeof files === "object" && Object.values(files).every((text) => typeof text === "string");
  if (typeof value?.topic !== "string" || !fits) return { error: "The link holds something else than code." };
  return { topic: value.topic, files: { ...files } };
}

async function through(bytes, stream, most = Infinity) {
  const reader = new Blob([bytes]).stream().pipeThrough(stream).getReader();
  const chunks = [];
  let size = 0;
  for (;;) {
    const { done, value } = await reader.read();
    if (done) break;
    size += value.length;
    // A few kilobytes can unpack to gigabytes.
    if (size > most) throw new RangeError("too large");
    chunks.push(value);
  }
  return new Uint8Array(await new Blob(chunks).arrayBuffer());
}

function base64url(bytes) {
  let text = "";
  for (const byte of bytes) text += String.fromCharCode(byte);
  return btoa(text).replaceAll("+", "-").replaceAll("/", "_").replaceAll("=", "");
}

function fromBase64url(text) {
  return Uint8Array.from(atob(text.replaceAll("-", "+").replaceAll("_", "/")), (char) => char.charCodeAt(0));
}
