"""Where a link must point: one class per site builder, because they read raw HTML differently."""

from __future__ import annotations

import posixpath
from dataclasses import dataclass
from typing import Protocol


class Links(Protocol):
    """Links from one page, named like all pages by the path of its source below docs/."""

    @property
    def page(self) -> str:
        """The page that the links stand on."""

    def href(self, target: str, anchor: str | None = None) -> str:
        """Return the address of a page or file of the site, for an attribute in raw HTML."""

    def markdown(self, target: str, anchor: str | None = None) -> str:
        """Return the address of a page for a Markdown link, which the builder then checks."""


@dataclass(frozen=True)
class SourceLinks:
    """For Zensical, which resolves every link, also in raw HTML, from the source of the page."""

    page: str

    def href(self, target: str, anchor: str | None = None) -> str:
        """Return the path from this page's source to the source of the other."""
        return self.markdown(target, anchor)

    def markdown(self, target: str, anchor: str | None = None) -> str:
        """Return the path from this page's source to the source of the other."""
        if target == self.page and anchor:
            return _with(anchor, "")
        return _with(anchor, posixpath.relpath(target, posixpath.dirname(self.page) or "."))


@dataclass(frozen=True)
class PublishedLinks:
    """For MkDocs, which leaves addresses in raw HTML as they are typed."""

    page: str
    directory_urls: bool = True

    def href(self, target: str, anchor: str | None = None) -> str:
        """Return the address relative to where this page is published."""
        if target == self.page and anchor:
            return _with(anchor, "")
        start = posixpath.dirname(self._published(self.page)) or "."
        published = self._published(target)
        if self.directory_urls and posixpath.basename(published) == "index.html":
            folder = posixpath.relpath(posixpath.dirname(published) or ".", start)
            return _with(anchor, folder + "/")
        return _with(anchor, posixpath.relpath(published, start))

    def markdown(self, target: str, anchor: str | None = None) -> str:
        """Return the path from this page's source to the source of the other."""
        return SourceLinks(self.page).markdown(target, anchor)

    def _published(self, source: str) -> str:
        """Return the file that a source becomes; files that are no pages stay what they are."""
        stem, ending = posixpath.splitext(source)
        if ending != ".md":
            return source
        if not self.directory_urls or posixpath.basename(stem) == "index":
            return stem + ".html"
        return stem + "/index.html"


def _with(anchor: str | None, address: str) -> str:
    return f"{address}#{anchor}" if anchor else address
