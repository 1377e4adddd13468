"""The production build, opened for the tests; `make test` makes it just before."""

from __future__ import annotations

import functools
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from lxml import html

from macros.model import Registry
from macros.project import Project
from macros.registry import load

ROOT = Path(__file__).resolve().parents[2]


@dataclass(frozen=True)
class Site:
    """The built site: its folder, and its pages as trees by address."""

    folder: Path

    @functools.cached_property
    def pages(self) -> dict[str, html.HtmlElement]:
        return {
            path.relative_to(self.folder).as_posix(): html.document_fromstring(path.read_bytes())
            for path in sorted(self.folder.rglob("*.html"))
        }

    def content_pages(self) -> Iterator[tuple[str, html.HtmlElement]]:
        """Yield the pages that the theme made; the 404 page's links are absolute by nature."""
        for address, tree in self.pages.items():
            if address not in {"404.html", "licenses.html"} and not is_redirect(tree):
                yield address, tree

    __hash__ = object.__hash__


def is_redirect(tree: html.HtmlElement) -> bool:
    return bool(tree.xpath("//meta[@http-equiv='refresh']"))


@pytest.fixture(scope="session")
def project() -> Project:
    return Project(ROOT)


@pytest.fixture(scope="session")
def site(project: Project) -> Site:
    assert (project.site / "index.html").is_file(), "Run `make site` first."
    return Site(project.site)


@pytest.fixture(scope="session")
def registry(project: Project) -> Registry:
    loaded, problems = load(project)
    assert loaded is not None, problems
    return loaded.registry
