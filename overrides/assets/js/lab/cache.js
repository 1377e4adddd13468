// The lab's files between visits, in the Cache API; a browser that refuses it just downloads again.

const NAME = "km-lab";

async function opened() {
  try {
    return await globalThis.caches.open(NAME);
  } catch {
    return null; // an insecure address, or storage that is switched off or full
  }
}

export async function read(key) {
  try {
    return (await (await opened())?.match(key)) ?? null;
  } catch {
    return null;
  }
}

export async function write(key, body) {
  try {
    await (await opened())?.put(key, new Response(body));
    return true;
  } catch {
    return false;
  }
}

export async function remove(key) {
  try {
    await (await opened())?.delete(key);
  } catch {
    // nothing to remove then
  }
}

// Everything that an earlier build left behind goes.
export async function keepOnly(keys) {
  try {
    const cache = await opened();
    const wanted = new Set(keys);
    for (const request of (await cache?.keys()) ?? []) {
      if (!wanted.has(request.url)) await cache.delete(request);
    }
  } catch {
    // the next visit tries again
  }
}
