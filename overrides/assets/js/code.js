// Lets the keyboard scroll code and drawings that are wider than the page, and keeps the copy buttons from being landmarks.

const seen = new WeakSet();

export function mount(root) {
  for (const block of root.querySelectorAll(":is(pre, .km-diagram):not([tabindex])")) block.tabIndex = 0;
  const content = root.querySelector(".md-content");
  if (!content || seen.has(content)) return;
  seen.add(content);
  // The bundle adds its buttons to a block when it comes into view.
  new MutationObserver(() => {
    for (const nav of content.querySelectorAll("nav.md-code__nav:not([role])")) nav.role = "presentation";
  }).observe(content, { childList: true, subtree: true });
}
