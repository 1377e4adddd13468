"""What a page weighs: its HTML, and all that a first visit loads over the wire."""

from __future__ import annotations

import gzip
from typing import Any

from playwright.sync_api import sync_playwright

from macros.project import Project
from macros.tools import browser
from macros.tools.bench import sample
from macros.tools.static_server import serving


def measure(project: Project) -> list[list[object]]:
    """Return kilobytes a kind of page: HTML raw and gzipped, first view, and its requests."""
    rows: list[list[object]] = [["page", "HTML KB", "gzip KB", "first view KB", "requests"]]
    with serving(project.site) as root, sync_playwright() as playwright:
        chromium = playwright.chromium.launch(
            executable_path=browser.ensure(), args=list(browser.FLAGS)
        )
        for kind, path in sample(project).items():
            html = (project.site / path / "index.html").read_bytes()
            context = chromium.new_context(viewport={"width": 412, "height": 823})
            page = context.new_page()
            session = context.new_cdp_session(page)
            session.send("Network.enable")
            sizes: list[float] = []
            session.on("Network.loadingFinished", _collect(sizes))
            page.goto(root + path, wait_until="networkidle")
            context.close()
            rows.append(
                [
                    kind,
                    f"{len(html) / 1000:.0f}",
                    f"{len(gzip.compress(html, 6)) / 1000:.1f}",
                    f"{sum(sizes) / 1000:.0f}",
                    len(sizes),
                ]
            )
        chromium.close()
    return rows


def _collect(sizes: list[float]) -> Any:
    return lambda event: sizes.append(event["encodedDataLength"])
