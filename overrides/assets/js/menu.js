// The menu button of small screens: opens the drawer, moves the focus in and back, and closes it on Escape.

export function mountMenu(root) {
  const button = root.querySelector("[data-menu-button]");
  const drawer = root.getElementById("__drawer");
  if (!button || "mounted" in button.dataset) return;
  button.dataset.mounted = "";
  const show = () => {
    button.ariaExpanded = String(drawer.checked);
    if (drawer.checked) root.querySelector("#__nav [aria-current], #__nav a")?.focus();
  };
  button.addEventListener("click", () => drawer.click());
  drawer.addEventListener("change", show);
  root.addEventListener("keydown", (event) => {
    if (event.key !== "Escape" || !drawer.checked) return;
    drawer.click();
    button.focus();
  });
}
