// Mounts the lab below the example of a topic; everything else of it is loaded when the reader wants it.

import { mountBar } from "./lab/ui/bar.js";

const BASE = new URL("../lab/", import.meta.url).href;

export function mount(root) {
  for (const slot of root.querySelectorAll("[data-lab]")) {
    if ("mounted" in slot.dataset) continue;
    slot.dataset.mounted = "";
    mountBar(slot, BASE);
  }
}
