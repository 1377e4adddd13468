// The place of the lab: where the copy is served, the lab itself; from a file, how to serve it.

const SENTENCE = "This example runs in your browser when the copy is served: start <code>python serve.py</code> in its folder and open the address that it prints.";

function tell(slot) {
  const text = document.createElement("span");
  text.className = "km-lab-state";
  text.innerHTML = SENTENCE;
  const bar = document.createElement("div");
  bar.className = "km-lab-bar";
  bar.append(text);
  slot.append(bar, ...slot.querySelectorAll(".km-lab-note"));
  slot.dataset.mounted = "";
}

export function mount(root) {
  if (location.protocol === "file:") root.querySelectorAll("[data-lab]:not([data-mounted])").forEach(tell);
  else import("site:lab").then((lab) => lab.mount(root));
}
