"""Puts links to the made files into the finished pages, with their sizes and the edition."""

from __future__ import annotations

import os
import posixpath
import re
from datetime import date
from pathlib import Path

from macros.downloads import DOWNLOADS as OFFERED
from macros.export.data import TWIN
from macros.export.job import DOWNLOADS, Job
from macros.export.steps import Step
from macros.export.topic_zips import TOPICS
from macros.render.markup import escape

KILO = 1000
_SLOT = re.compile(
    r'(?P<start>data-download="(?P<name>[\w-]+)".*?<span data-download-size>)'
    r"(?P<said>.*?)(?=</span></p></li>)",
    re.DOTALL,
)
_HEAD = re.compile(r"(?=\s*</head>)")
_ALTERNATE = re.compile(r'\s*<link rel="alternate" type="text/markdown"[^>]*>')
_SOURCES = re.compile(r'(?P<list><ul class="km-source">.*?)(?=\n?</ul>)', re.DOTALL)
_ZIP = re.compile(r'\n?<li class="km-zip">.*?</li>', re.DOTALL)


def write(job: Job, step: Step) -> None:
    """Fill the page of downloads and complete each topic's page; may be repeated."""
    pages = [
        (topic.id, page)
        for topic in job.loaded.registry.topics
        if (page := job.site / "topics" / topic.id / "index.html").is_file() and not topic.planned
    ]
    step.of(len(pages) + 1)
    listing = job.downloads / "index.html"
    if listing.is_file():
        _change(listing, filled(job, listing.read_text(encoding="utf-8")))
    step.advance()
    for topic_id, page in pages:
        _change(page, completed(job, topic_id, page.read_text(encoding="utf-8")))
        step.advance()


def filled(job: Job, text: str) -> str:
    """Return the page of downloads with a link, the size and the date of each file there is."""

    def slot(found: re.Match[str]) -> str:
        offered = OFFERED.get(found["name"])
        file = offered.file.format(name=job.edition.name) if offered else ""
        path = job.site / file
        return found["start"] + (_link(job, path) if path.is_file() else found["said"])

    return _SLOT.sub(slot, text)


def completed(job: Job, topic_id: str, text: str) -> str:
    """Return a topic's page with the address of its Markdown and a link to its zip."""
    folder = f"topics/{topic_id}"
    text = _ZIP.sub("", _ALTERNATE.sub("", text))
    if (job.site / folder / TWIN).is_file():
        link = f'\n<link rel="alternate" type="text/markdown" href="{TWIN}">'
        text = _HEAD.sub(lambda _: link, text, count=1)
    archive = job.downloads / TOPICS / f"{topic_id}.zip"
    if archive.is_file():
        href = escape(posixpath.relpath(f"{DOWNLOADS}/{TOPICS}/{topic_id}.zip", folder))
        row = f'<li class="km-zip"><a href="{href}" download>Example as a zip</a>, {size(archive)}'
        text = _SOURCES.sub(lambda found: f"{found['list']}\n{row}</li>", text, count=1)
    return text


def size(file: Path) -> str:
    """Return the size of a file as people read it."""
    weight = file.stat().st_size
    if weight >= KILO * KILO:
        return f"{weight / KILO / KILO:.1f} MB"
    return f"{max(1, round(weight / KILO))} KB"


def _link(job: Job, path: Path) -> str:
    href = escape(Path(os.path.relpath(path, job.downloads)).as_posix())
    return (
        f'<a href="{href}" download>{escape(path.name)}</a>, {size(path)}, '
        f"edition {escape(job.edition.version)} of {_day(job.edition.date)}"
    )


def _day(day: date) -> str:
    return f'<time datetime="{day.isoformat()}">{day:%B} {day.day}, {day.year}</time>'


def _change(page: Path, text: str) -> None:
    page.write_text(text, encoding="utf-8", newline="\n")
