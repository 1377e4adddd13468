// Loads the Material bundle when the reader first does something, or when the page has been quiet for a while:
// reading needs none of it, and the first paint does not wait for it.

const FIRST_TOUCH = ["pointermove", "pointerdown", "touchstart", "keydown", "focusin", "wheel"];
const QUIET = 4000; // milliseconds after load

let loading = null;
let address = null;
let ready = () => {};

/** Load the bundle once; the promise is fulfilled when its features run. */
export function loadBundle() {
  loading ??= new Promise((resolve) => {
    for (const name of FIRST_TOUCH) removeEventListener(name, loadBundle, true);
    const script = document.createElement("script");
    script.src = address;
    script.addEventListener("load", () => {
      // The bundle waits for this event, which is long over when it comes late.
      document.dispatchEvent(new Event("DOMContentLoaded"));
      document.documentElement.dataset.kmReady = "";
      ready();
      resolve();
    });
    document.head.append(script);
  });
  return loading;
}

/** Arrange for the bundle at this address to be loaded in time; call `whenReady` once it runs. */
export function mountBundle(bundle, whenReady) {
  address = bundle;
  ready = whenReady;
  for (const name of FIRST_TOUCH) addEventListener(name, loadBundle, { capture: true, passive: true });
  const later = () => setTimeout(() => (window.requestIdleCallback ?? setTimeout)(() => loadBundle()), QUIET);
  if (document.readyState === "complete") later();
  else addEventListener("load", later, { once: true });
  // An address that asks for search results or for marked words needs the bundle now.
  if (/[?&][qh]=/.test(location.search)) loadBundle();
}
