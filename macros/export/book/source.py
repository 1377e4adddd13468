"""Writes the source text of the book: the template, what is special of this site, the chapters."""

from __future__ import annotations

import copy
import json
import re
from collections.abc import Iterable, Sequence
from pathlib import Path

from lxml import html

from macros.export.chapters import Chapter
from macros.export.job import Job

HERE = Path(__file__).parent
OPTIONS = ("--to=typst", "--wrap=none", f"--lua-filter={HERE / 'filter.lua'}")
ASSETS = ("code.tmTheme", "cover.svg")
FRONT = ("#cover", "#colophon", "#contents")
PICTURE = "Five lines of a map, each handing over to the next at a station."


def as_html(chapter: Chapter) -> str:
    """Return a chapter as HTML for pandoc: its title says what it is, a topic stands lower."""
    assert chapter.body is not None
    body = copy.deepcopy(chapter.body)
    for image in body.iterdescendants("img"):
        image.set("src", f"drawings/{Path(image.get('src', '')).name}")
        image.set("data-words", image.get("alt", ""))
    [title] = body.xpath(".//h1")
    for heading in body.xpath(".//h2|.//h3"):
        if chapter.kind == "topic":
            heading.tag = f"h{int(heading.tag[1]) + 1}"
    for name in ("kind", "number", "level"):
        value = getattr(chapter, name)
        if value is not None:
            title.set(f"data-{name}", str(value))
    title.set("id", body.attrib.pop("id"))
    return html.tostring(body, encoding="unicode")


def left_aligned(text: str) -> str:
    """Return what pandoc wrote with its tables at the left, where it centers them."""
    return re.sub(
        r"^( *)align\(center\)\[#table\(", r"\1align(left)[#table(", text, flags=re.MULTILINE
    )


def document(job: Job, chapters: Iterable[str], front: Iterable[str] = FRONT) -> str:
    """Return a text for Typst: the template, the pages in front, and the chapters."""
    parts = [
        f"#let book = {_facts(job)}",
        (HERE / "template.typ").read_text(encoding="utf-8"),
        "#show: setup",
        *front,
        *map(left_aligned, chapters),
    ]
    return "\n\n".join(parts) + "\n"


def _facts(job: Job) -> str:
    edition = job.edition
    day = edition.date
    proven = ", ".join(f"{name} {version}" for name, version in edition.proven)
    facts = {
        "title": quoted(edition.title),
        "subtitle": quoted(edition.description),
        "notice": quoted(edition.notice),
        "edition": quoted(edition.stamp),
        "proven": quoted(f"Proven on {proven}." if proven else ""),
        "picture": quoted(PICTURE),
        "date": f"datetime(year: {day.year}, month: {day.month}, day: {day.day})",
        "levels": array(level.id for level in job.loaded.registry.levels),
        "keywords": array([job.loaded.registry.subject.name]),
    }
    return "(" + ", ".join(f"{name}: {value}" for name, value in facts.items()) + ")"


def quoted(text: str) -> str:
    """Return a string as Typst writes it."""
    return json.dumps(text, ensure_ascii=False)


def array(texts: Iterable[str]) -> str:
    """Return strings as an array of Typst."""
    listed: Sequence[str] = [quoted(text) for text in texts]
    return f"({', '.join(listed)},)" if listed else "()"
