"""How long the first touch waits: from the event to the next paint, on a slowed processor."""

from __future__ import annotations

import statistics

from playwright.sync_api import Browser, sync_playwright

from macros.project import Project
from macros.tools import browser
from macros.tools.bench import sample
from macros.tools.static_server import serving

SLOWDOWN = 4  # as Lighthouse's mobile default
RUNS = 5
# The longest of the events that one interaction fires, as the Event Timing API reports them.
WATCH = """() => {
  window.longest = 0;
  new PerformanceObserver((list) => {
    for (const entry of list.getEntries()) {
      if (entry.interactionId) window.longest = Math.max(window.longest, entry.duration);
    }
  }).observe({ type: "event", buffered: true, durationThreshold: 16 });
}"""
FIRST_TOUCHES = {
    "open the search": "label[for=__search]",
    "open the menu": "[data-menu-button]",
    "mark as done": ".km-done-button",
}


def measure(project: Project) -> list[list[object]]:
    """Return the median of the first interaction's milliseconds, a row a kind of touch."""
    rows: list[list[object]] = [["first touch", "after load, ms", "after 3 s, ms"]]
    path = sample(project).get("topic", "")
    with serving(project.site) as root, sync_playwright() as playwright:
        chromium = playwright.chromium.launch(
            executable_path=browser.ensure(), args=list(browser.FLAGS)
        )
        for name, selector in FIRST_TOUCHES.items():
            cells = [_median(chromium, root + path, selector, wait) for wait in (0, 3000)]
            rows.append([name, *cells])
        chromium.close()
    return rows


def _median(chromium: Browser, url: str, selector: str, wait: int) -> str:
    seen = [took for _ in range(RUNS) if (took := _one(chromium, url, selector, wait)) is not None]
    return f"{statistics.median(seen):.0f}" if seen else "not there"


def _one(chromium: Browser, url: str, selector: str, wait: int) -> float | None:
    context = chromium.new_context(viewport={"width": 412, "height": 823}, has_touch=True)
    try:
        page = context.new_page()
        session = context.new_cdp_session(page)
        session.send("Emulation.setCPUThrottlingRate", {"rate": SLOWDOWN})
        page.goto(url, wait_until="load")
        page.evaluate(WATCH)
        page.wait_for_timeout(wait)
        target = page.locator(selector).locator("visible=true").first
        if target.count() == 0:
            return None
        target.tap()
        page.wait_for_timeout(1500)
        return float(page.evaluate("window.longest"))
    finally:
        context.close()
