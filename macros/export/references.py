"""Makes the links of separate pages into links within one document."""

from __future__ import annotations

import posixpath
import re
from collections.abc import Mapping
from urllib.parse import urljoin

from lxml import html

OUTSIDE = re.compile(r"^[a-z][a-z0-9+.-]*:", re.IGNORECASE)
JOINT = "--"


class References:
    """Knows which page is which chapter; what is none is linked on the site, if it has a host."""

    def __init__(self, chapters: Mapping[str, str], site_url: str) -> None:
        self._chapters = chapters
        self._site = site_url

    def resolve(self, body: html.HtmlElement, chapter: str, address: str) -> None:
        """Rewrite ids and links of a chapter in place; a link that leads nowhere becomes text."""
        body.set("id", chapter)
        for element in body.iterdescendants():
            if isinstance(element.tag, str) and element.get("id"):
                element.set("id", f"{chapter}{JOINT}{element.get('id')}")
        for link in list(body.iterdescendants("a")):
            target = self._target(link.get("href", ""), chapter, address)
            if target:
                link.set("href", target)
            else:
                link.drop_tag()

    def _target(self, href: str, chapter: str, address: str) -> str | None:
        if OUTSIDE.match(href):
            return href
        path, _, anchor = href.partition("#")
        if not path:
            return f"#{chapter}{JOINT}{anchor}"
        found = posixpath.normpath(posixpath.join(address, path))
        found = found.removesuffix("index.html").rstrip("/") + "/"
        if found in self._chapters:
            other = self._chapters[found]
            return f"#{other}{JOINT}{anchor}" if anchor else f"#{other}"
        return (
            urljoin(self._site, href if found == "./" else found.rstrip("/"))
            if self._site
            else None
        )
