"""Finds links of the offline copy that lead to no file of it."""

from __future__ import annotations

import posixpath
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import unquote, urlsplit

from lxml import html

# The page of a wrong address is only ever served, and its links start at the root.
SERVED = {"404.html"}


def broken(copy: Path) -> list[str]:
    """Return a line for each link, image, style or script that is not in the copy."""
    return [
        f"{page.relative_to(copy).as_posix()}: {address}"
        for page in sorted(copy.rglob("*.html"))
        for address in _addresses(page)
        if not _leads_somewhere(address, page, copy)
    ]


def _addresses(page: Path) -> Iterator[str]:
    tree = html.document_fromstring(page.read_bytes())
    for address in tree.xpath("//@href | //@src | //@data-bundle"):
        yield str(address)
    for content in tree.xpath("//meta[@http-equiv='refresh']/@content"):
        yield str(content).partition("url=")[2]


def _leads_somewhere(address: str, page: Path, copy: Path) -> bool:
    parts = urlsplit(address)
    if parts.scheme or parts.netloc:
        return parts.scheme in {"https", "mailto", "data"} or parts.hostname == "127.0.0.1"
    if not parts.path:
        return True
    path = unquote(parts.path)
    if path.startswith("/"):
        return page.name in SERVED and (copy / posixpath.normpath(path).lstrip("/")).exists()
    place = posixpath.normpath(posixpath.join(page.parent.relative_to(copy).as_posix(), path))
    return not place.startswith("..") and not path.endswith("/") and (copy / place).is_file()
