"""What the production build does to the finished pages: one stylesheet, reachable code blocks."""

from __future__ import annotations

import hashlib
import posixpath
import re
from pathlib import Path

STYLESHEET = re.compile(r'\s*<link rel="stylesheet" href="(?P<href>[^"]+\.css)">')
ADDRESS = re.compile(r"""url\((?P<quote>["']?)(?!data:|#|/|https?:)(?P<path>[^"')]+)(?P=quote)\)""")
FOLDER = "assets/css"
# What scrolls sideways on a narrow screen has to be reachable by key, also where no script runs.
SCROLLING = re.compile(r'<(pre|table|figure class="km-diagram")(?=[ >])(?![^>]*tabindex)')


def polish(site: Path) -> None:
    """Rewrite every page of the site in place; the merged stylesheet is written once."""
    for page in sorted(site.rglob("*.html")):
        text = page.read_text(encoding="utf-8")
        text = SCROLLING.sub(r'<\1 tabindex="0"', text)
        page.write_text(_with_one_stylesheet(text, page, site), encoding="utf-8")


def _with_one_stylesheet(text: str, page: Path, site: Path) -> str:
    """Return the page with its stylesheets merged, in their order, where the first one stood."""
    found = [match for match in STYLESHEET.finditer(text) if _local(match["href"])]
    if len(found) < 2:
        return text
    here = posixpath.dirname(page.relative_to(site).as_posix())
    root = _root(found[0]["href"])
    sheets = [_path(here, match["href"], site) for match in found]
    merged = _merge(sheets, site)
    link = f'\n<link rel="stylesheet" href="{root}{merged}">'
    start, end = found[0].span()
    tail = STYLESHEET.sub(lambda m: m[0] if not _local(m["href"]) else "", text[end:])
    return text[:start] + link + tail


def _merge(sheets: list[Path], site: Path) -> str:
    text = "\n".join(_moved(sheet, site) for sheet in sheets)
    # A source map no longer fits, and a character set may stand only at the very top.
    text = re.sub(r"/\*# sourceMappingURL=.*?\*/|@charset [^;]+;", "", text)
    digest = hashlib.sha256(text.encode()).hexdigest()[:8]
    target = site / FOLDER / f"site.{digest}.css"
    if not target.is_file():
        target.write_text(text, encoding="utf-8")
    return target.relative_to(site).as_posix()


def _moved(sheet: Path, site: Path) -> str:
    """Return a stylesheet's text with its addresses as seen from the merged one."""
    folder = posixpath.dirname(sheet.relative_to(site).as_posix())

    def address(match: re.Match[str]) -> str:
        path = posixpath.relpath(posixpath.join(folder, match["path"]), FOLDER)
        return f"url({match['quote']}{path}{match['quote']})"

    return ADDRESS.sub(address, sheet.read_text(encoding="utf-8"))


def _local(href: str) -> bool:
    return "//" not in href and "assets/" in href


def _root(href: str) -> str:
    return href[: href.index("assets/")]


def _path(here: str, href: str, site: Path) -> Path:
    if href.startswith("/"):
        # The 404 page names the place of the site; what follows it is below the folder.
        return site / href[href.index("assets/") :]
    return site / posixpath.normpath(posixpath.join(here, href))
