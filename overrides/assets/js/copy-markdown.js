// "Copy as Markdown" on a topic whose build has the page as Markdown too; its address stands in the head.

const ALTERNATE = 'link[rel="alternate"][type="text/markdown"]';
const LABEL = "Copy as Markdown";
const SHOWN = 2500; // milliseconds that "Copied" stays

/** Copy what stands at the address; return the sentence that says how it went. */
export async function copy(address, { fetcher = fetch, clipboard = navigator.clipboard } = {}) {
  let text;
  try {
    const answer = await fetcher(address);
    if (!answer.ok) throw new Error(String(answer.status));
    text = await answer.text();
  } catch {
    return "The Markdown could not be loaded. Try again when you are online.";
  }
  try {
    await clipboard.writeText(text);
  } catch {
    return "This browser did not let the page copy. Open the address of this page with index.md at its end.";
  }
  return "Copied";
}

function makeButton(address, note) {
  const button = document.createElement("button");
  button.type = "button";
  button.className = "km-copy-button";
  button.textContent = LABEL;
  button.addEventListener("click", async () => {
    button.ariaBusy = "true";
    const said = await copy(address);
    button.ariaBusy = null;
    note.textContent = said;
    if (said === "Copied") setTimeout(() => (note.textContent = ""), SHOWN);
  });
  return button;
}

export function mount(root) {
  const link = root.querySelector(ALTERNATE);
  const header = root.querySelector(".km-header");
  if (!link || !header || header.querySelector(".km-copy")) return;
  const place = document.createElement("div");
  place.className = "km-copy";
  const note = document.createElement("p");
  note.className = "km-copy-note";
  note.role = "status";
  place.append(makeButton(link.href, note), note);
  header.append(place);
}
