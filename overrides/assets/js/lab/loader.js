// Gets the parts of the lab, from the cache or the network, and hands them over piece by piece as they arrive.

import { keepOnly, read, remove, write } from "./cache.js";

export async function manifestOf(base) {
  const response = await fetch(new URL("manifest.json", base), { cache: "no-cache" });
  if (!response.ok) throw new Error("The lab is not built here. Run: make lab");
  return await response.json();
}

// The names of the parts that every run needs, or of those that these files need besides.
export function partsOf(manifest, files = null) {
  const names = Object.keys(manifest.parts);
  if (!files) return names.filter((name) => manifest.parts[name].kind !== "extra");
  const text = Object.entries(files).map(([name, code]) => (name.endsWith(".py") ? code : ""));
  const imported = new Set([...text.join("\n").matchAll(/^\s*(?:import|from)\s+([A-Za-z_]\w*)/gm)].map((match) => match[1]));
  return names.filter((name) => manifest.parts[name].modules?.some((module) => imported.has(module)));
}

export async function isCached(base, manifest, names) {
  const parts = await Promise.all(names.map((name) => read(addressOf(base, manifest.parts[name]))));
  return parts.every(Boolean);
}

const addressOf = (base, part) => new URL(part.file, base).href;

// `open(name, kind)`, `chunk(name, bytes)` and `end(name)` get the parts; `progress(loaded, total)` hears of the download.
export async function deliver(base, manifest, names, { open, chunk, end, progress = () => {} }) {
  let loaded = 0;
  const total = names.reduce((sum, name) => sum + manifest.parts[name].bytes, 0);
  await Promise.all(
    names.map(async (name) => {
      const part = manifest.parts[name];
      open(name, part.kind);
      await deliverOne(addressOf(base, part), part, (bytes) => {
        loaded += bytes.length;
        progress(loaded, total);
        chunk(name, bytes);
      });
      end(name);
    }),
  );
}

async function deliverOne(address, part, chunk) {
  const kept = await read(address);
  const response = kept ?? (await fetch(address));
  if (!response.ok) throw new Error(`A part of the lab could not be loaded (${response.status}): ${part.file}`);
  const pieces = [];
  for await (const bytes of chunksOf(response.body)) {
    if (!kept) pieces.push(bytes.slice());
    chunk(bytes);
  }
  if (kept) return;
  const whole = new Blob(pieces);
  if (whole.size !== part.bytes || !(await hasHash(whole, part.sha256))) {
    throw new Error(`A part of the lab arrived damaged: ${part.file}. Reload the page.`);
  }
  await write(address, whole);
}

async function* chunksOf(stream) {
  const reader = stream.getReader();
  for (;;) {
    const { done, value } = await reader.read();
    if (done) return;
    yield value;
  }
}

async function hasHash(blob, wanted) {
  if (!globalThis.crypto?.subtle) return true; // only secure addresses have it
  const digest = await crypto.subtle.digest("SHA-256", await blob.arrayBuffer());
  return [...new Uint8Array(digest)].map((byte) => byte.toString(16).padStart(2, "0")).join("") === wanted;
}

// A snapshot holds the memory of one build in one browser: either changes, and it is made anew.
export function snapshotOf(base, manifest) {
  const key = new URL(`snapshot-${manifest.build}-${encodeURIComponent(navigator.userAgent)}`, base).href;
  return {
    // Hands the kept snapshot over in pieces; returns whether there is one.
    async deliver({ open, chunk, end }) {
      const kept = await read(key);
      if (!kept) return false;
      open("snapshot", "snapshot");
      for await (const bytes of chunksOf(kept.body)) chunk("snapshot", bytes);
      end("snapshot");
      return true;
    },
    async write(packed) {
      await keepOnly([...Object.values(manifest.parts).map((part) => addressOf(base, part)), key]);
      await write(key, packed);
    },
    remove: () => remove(key),
  };
}
