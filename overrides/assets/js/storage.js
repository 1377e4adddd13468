// Reading and writing this browser's storage; a browser that refuses is one that remembers nothing.

/** Return the text under the key, or null when there is none or storage is refused. */
export function read(key) {
  try {
    return localStorage.getItem(key);
  } catch {
    return null;
  }
}

/** Write the text, or remove the key when it is null; return whether the browser took it. */
export function write(key, text) {
  try {
    if (text === null) localStorage.removeItem(key);
    else localStorage.setItem(key, text);
    return true;
  } catch {
    return false;
  }
}
