"""A real Chromium on the production build, below a path, with its policy sent as a header."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, BrowserContext, Page, sync_playwright

from macros.project import Project
from macros.tools import browser as found
from macros.tools.static_server import serving

ROOT = Path(__file__).resolve().parents[2]
DESKTOP = {"width": 1280, "height": 900}
MISSING = "no/such/page/"
PHONE = {"width": 390, "height": 844}


@pytest.fixture(scope="session")
def project() -> Project:
    return Project(ROOT)


@pytest.fixture(scope="session")
def root(project: Project) -> Iterator[str]:
    """The address of the site's root: below a path, as on many static hosts."""
    assert (project.site / "_headers").is_file(), "Run `make site` first."
    lines = (project.site / "_headers").read_text(encoding="utf-8").splitlines()[1:]
    headers = tuple(
        (name, value) for name, _, value in (line.strip().partition(": ") for line in lines)
    )
    with serving(project.site, "/some/path/", headers) as address:
        yield address


@pytest.fixture(scope="session")
def top(project: Project) -> Iterator[str]:
    """The site at the root of a host: without SITE_URL its 404 page cannot know another place."""
    with serving(project.site) as address:
        yield address


@pytest.fixture(scope="session")
def chromium() -> Iterator[Browser]:
    path = found.find()
    assert path, "No Chromium: run `make setup`."
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=path, args=list(found.FLAGS))
        yield browser
        browser.close()


class Visitor:
    """Opens pages in contexts of their own and notes whatever goes wrong there."""

    def __init__(self, chromium: Browser, root: str, top: str) -> None:
        self.root = root
        self.top = top
        self.complaints: list[str] = []
        self._chromium = chromium
        self._contexts: list[BrowserContext] = []

    def open(self, path: str = "", scheme: str = "light", **options: Any) -> Page:
        """Open a page of the site; options go to the browser context."""
        options = {"viewport": DESKTOP, "reduced_motion": "reduce", **options}
        context = self._chromium.new_context(color_scheme=scheme, **options)  # type: ignore[arg-type]
        context.grant_permissions(["clipboard-read", "clipboard-write"])
        self._contexts.append(context)
        page = context.new_page()
        page.on("pageerror", lambda error: self.complaints.append(f"error: {error}"))
        page.on("console", self._note)
        page.on("request", self._foreign)
        page.goto((self.top if path == MISSING else self.root) + path)
        return page

    def close(self) -> None:
        for context in self._contexts:
            context.close()

    def _note(self, message: Any) -> None:
        if message.type == "error" and "404 (Not Found)" not in message.text:
            self.complaints.append(f"console: {message.text}")

    def _foreign(self, request: Any) -> None:
        if not request.url.startswith((self.root, self.top, "data:", "blob:")):
            self.complaints.append(f"left the site: {request.url}")


@pytest.fixture
def visitor(chromium: Browser, root: str, top: str) -> Iterator[Visitor]:
    """Visits the site; a script error, a blocked part or a foreign request fails the test."""
    one = Visitor(chromium, root, top)
    yield one
    one.close()
    assert one.complaints == []
