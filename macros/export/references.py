"""Makes the links of separate pages into links within one document."""

from __future__ import annotations

import posixpath
import re
from collections.abc import Mapping

from lxml import html

OUTSIDE = re.compile(r"^[a-z][a-z0-9+.-]*:", re.IGNORECASE)
JOINT = "--"


class References:
    """Knows which page is which chapter; what is none is linked on the site, if it has a host."""

    def __init__(self, chapters: Mapping[str, str], site: str | None) -> None:
        self._chapters = chapters
        self._site = site

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
        path, hash_sign, anchor = href.partition("#")
        if not path:
            return f"#{chapter}{JOINT}{anchor}"
        page = posixpath.normpath(posixpath.join(address, path.removesuffix("index.html") or "."))
        page = "" if page == "." else page
        other = self._chapters.get(f"{page}/")
        if other is not None:
            return f"#{other}{JOINT}{anchor}" if anchor else f"#{other}"
        if self._site is None:
            return None
        is_folder = page and path.endswith(("/", "index.html", ".", ".."))
        return f"{self._site}{page}{'/' if is_folder else ''}{hash_sign}{anchor}"
