"""Closes gaps between the heading levels of an EPUB's files."""

from __future__ import annotations

import re
import zipfile
from pathlib import Path

_HEADING = re.compile(r"<(?P<end>/?)h(?P<level>[1-6])(?=[\s>])")


def close_gaps(book: Path) -> None:
    """Rewrite the EPUB so that in no file a heading level is left out below the first one.

    Pandoc begins a file at the first two levels, so the sections of a page that stays whole have
    to come to it two levels below the page's title.
    """
    closed = book.with_suffix(".closed")
    with zipfile.ZipFile(book) as old, zipfile.ZipFile(closed, "w") as new:
        for entry in old.infolist():
            data = old.read(entry)
            if entry.filename.endswith(".xhtml"):
                data = without_gaps(data.decode("utf-8")).encode("utf-8")
            new.writestr(entry, data)
    closed.replace(book)


def without_gaps(text: str) -> str:
    """Return the page with its heading levels numbered on from the highest one."""
    levels = sorted({int(found["level"]) for found in _HEADING.finditer(text)})
    numbers = {level: levels[0] + place for place, level in enumerate(levels)}
    return _HEADING.sub(lambda found: f"<{found['end']}h{numbers[int(found['level'])]}", text)
