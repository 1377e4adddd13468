"""A real Chromium on the production build, below a path, with its policy sent as a header.

`--site-from` takes another site: "served" the offline copy by its own server, with no network
besides, "files" the offline copy as files, for the tests that are marked with `by_file`.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, BrowserContext, Page, expect, sync_playwright

from macros.project import Project
from macros.tools import browser as found
from macros.tools.static_server import serving
from tests.offline.unpacked import address_of, serving_copy, unpack

ROOT = Path(__file__).resolve().parents[2]
DESKTOP = {"width": 1280, "height": 900}
MISSING = "no/such/page/"
PHONE = {"width": 390, "height": 844}
BUILD, SERVED, FILES = SITES = ("build", "served", "files")
# Also a page outside of the theme, such as the list of licenses, which has no script.
MOUNTED = "html[data-km-mounted], html:not(:has(#__km))"
# An expectation that holds costs nothing; the default of 5 s is short for two busy cores.
expect.set_options(timeout=20_000)
NO_NETWORK = "--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1"


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--site-from", choices=SITES, default=BUILD, help="the site that is visited")


def pytest_configure(config: pytest.Config) -> None:
    config.addinivalue_line("markers", "by_file: also holds for the offline copy as files")
    config.addinivalue_line("markers", "only_by_file: holds for the offline copy as files only")


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Keep the tests that hold for the site that is visited."""
    files = site_from(config) == FILES
    wanted = {"by_file", "only_by_file"}

    def holds(item: pytest.Item) -> bool:
        marks = {mark.name for mark in item.iter_markers()}
        return bool(marks & wanted) if files else "only_by_file" not in marks

    here = Path(__file__).parent
    dropped = [item for item in items if item.path.is_relative_to(here) and not holds(item)]
    config.hook.pytest_deselected(items=dropped)
    items[:] = [item for item in items if item not in dropped]


def site_from(config: pytest.Config) -> str:
    """Return which site is visited; the option is not there when this is not the first folder."""
    return str(config.getoption("site_from", BUILD))


@pytest.fixture(scope="session")
def project() -> Project:
    return Project(ROOT)


@pytest.fixture(scope="session")
def root(
    project: Project, pytestconfig: pytest.Config, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[str]:
    """The address of the site's root: below a path, as on many static hosts."""
    site = site_from(pytestconfig)
    if site != BUILD:
        copy = unpack(project, tmp_path_factory.mktemp("copy"))
        if site == FILES:
            yield copy.as_uri() + "/"
            return
        with serving_copy(copy) as address:
            yield address
        return
    assert (project.site / "_headers").is_file(), "Run `make site` first."
    lines = (project.site / "_headers").read_text(encoding="utf-8").splitlines()[1:]
    headers = tuple(
        (name, value) for name, _, value in (line.strip().partition(": ") for line in lines)
    )
    with serving(project.site, "/some/path/", headers) as address:
        yield address


@pytest.fixture(scope="session")
def top(project: Project, pytestconfig: pytest.Config, root: str) -> Iterator[str]:
    """The site at the root of a host: without SITE_URL its 404 page cannot know another place."""
    if site_from(pytestconfig) != BUILD:
        yield root
        return
    with serving(project.site) as address:
        yield address


@pytest.fixture(scope="session")
def chromium(pytestconfig: pytest.Config) -> Iterator[Browser]:
    path = found.find()
    assert path, "No Chromium: run `make setup`."
    flags: Sequence[str] = found.FLAGS
    if site_from(pytestconfig) != BUILD:
        flags = (*flags, NO_NETWORK)
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=path, args=list(flags))
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
        """Open a page of the site with all its features mounted; options go to the context."""
        options = {"viewport": DESKTOP, "reduced_motion": "reduce", **options}
        context = self._chromium.new_context(color_scheme=scheme, **options)  # type: ignore[arg-type]
        context.grant_permissions(["clipboard-read", "clipboard-write"])
        self._contexts.append(context)
        page = context.new_page()
        page.on("pageerror", lambda error: self.complaints.append(f"error: {error}"))
        page.on("console", self._note)
        page.on("request", self._foreign)
        page.goto(self.top + path if path == MISSING else self.at(path))
        if options.get("java_script_enabled", True):
            page.wait_for_selector(MOUNTED, state="attached")
        return page

    def at(self, path: str) -> str:
        """Return the address of a page of the site."""
        return address_of(self.root, path)

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
