"""What changes in the pages so that they work from files too, and not only from a host."""

from __future__ import annotations

import html
import posixpath
import re
from pathlib import Path
from typing import Final

from macros.export.offline.script import NAME as SCRIPT

OWN: Final = "you are reading it"
_MODULE: Final = re.compile(r'<script type="module" src="([^"]*assets/js/)main\.js"')
# Fonts are fetched with rules for other origins, and a file is of no origin at all.
_PRELOAD: Final = re.compile(r'\s*<link rel="preload"[^>]*>')
_POLICY: Final = re.compile(r'(http-equiv="Content-Security-Policy" content=")([^"]+)"')
_HREF: Final = re.compile(r'(<(?:a|link|area)\b[^>]*?\shref=")([^"]+)"')
_REFRESH: Final = re.compile(r'(<meta http-equiv="refresh" content="0; url=)([^"]+)"')
_OWN_SLOT: Final = re.compile(
    r'(data-download="offline">(?:(?!</li>).)*<span data-download-size>).*?(</span>)', re.DOTALL
)
_SLOT: Final = re.compile(r"(<span data-download-size>).*?(</span>)", re.DOTALL)


def rewrite(copy: Path, *, downloads: str | None) -> None:
    """Change every page in place; `downloads` is where the site offers what the copy lacks."""
    for page in sorted(copy.rglob("*.html")):
        text = page.read_text(encoding="utf-8")
        page.write_text(changed(text, page.parent, downloads), encoding="utf-8")


def changed(text: str, folder: Path, downloads: str | None = None) -> str:
    """Return the text of a page that stands in this folder, as the copy needs it."""
    text = _MODULE.sub(rf'<script defer src="\1{SCRIPT}"', text)
    text = _PRELOAD.sub("", text)
    text = _POLICY.sub(lambda found: f'{found[1]}{policy(found[2])}"', text)
    for pattern in (_HREF, _REFRESH):
        text = pattern.sub(lambda found: f'{found[1]}{spelled_out(found[2], folder)}"', text)
    text = _OWN_SLOT.sub(rf"\1{OWN}\2", text)
    if downloads is None:
        return text
    place = f'<a href="{html.escape(downloads)}">on the site</a>'
    return _SLOT.sub(
        lambda found: found[0] if OWN in found[0] else f"{found[1]}{place}{found[2]}", text
    )


def policy(hosted: str) -> str:
    """Return the policy of the hosted site, with what the copy needs besides.

    A worker from a file is refused, so the search's worker is made from text. Whether a file is
    'self' for another file is not the same in all browsers; a served page gains nothing by it.
    """
    by_file = hosted.replace("'self'", "'self' file:")
    return f"{by_file}; worker-src 'self' file: blob:"


def spelled_out(address: str, folder: Path) -> str:
    """Return a link to a folder's page with the page's name: files have no default page."""
    path, mark, anchor = address.partition("#")
    if not path or re.match(r"(?i)[a-z][a-z0-9+.-]*:|/", path):
        return address
    target = folder / path
    if not path.endswith("/") and not target.is_dir():
        return address
    return posixpath.join(path, "index.html").removeprefix("./") + mark + anchor
