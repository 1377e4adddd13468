"""Joins the chapters to one HTML text for pandoc's EPUB writer."""

from __future__ import annotations

import copy
from collections.abc import Iterable
from html import escape

from lxml import html

from macros.export.chapters import Chapter

# Topics hang below their level. Pandoc begins a file at each heading of the first two levels, so
# sections of a page that is no topic are moved below both: a file of three lines is no chapter.
MOVED = {"topic": {"h1": "h2", "h2": "h3", "h3": "h4"}}
OTHERS = {"h2": "h3", "h3": "h4"}


def document(title: str, chapters: Iterable[Chapter]) -> str:
    """Return one HTML text; topics stand one heading level below the pages of their levels."""
    bodies = "\n".join(
        html.tostring(part, encoding="unicode") for chapter in chapters for part in _placed(chapter)
    )
    return f"<html><head><title>{escape(title)}</title></head><body>{bodies}</body></html>"


def _placed(chapter: Chapter) -> list[html.HtmlElement]:
    assert chapter.body is not None
    body = copy.deepcopy(chapter.body)
    [title] = body.xpath(".//h1")
    title.set("id", body.attrib.pop("id"))
    moved = MOVED.get(chapter.kind, OTHERS)
    for heading in body.xpath(".//h1|.//h2|.//h3"):
        heading.tag = moved.get(heading.tag, heading.tag)
    if chapter.number is not None:
        title.text = f"{chapter.number}. {title.text or ''}"
    for code in list(body.iterdescendants("pre")):
        _name(code)
    # Without a box around it: a heading in a box of its own has no parent.
    return list(body)


def _name(code: html.HtmlElement) -> None:
    """Put the name of a file before its code."""
    name = code.attrib.pop("data-title", "")
    code.attrib.pop("data-start", None)
    if name:
        line = html.Element("div", {"class": "filename"})
        inside = html.Element("p")
        inside.text = name
        line.append(inside)
        code.addprevious(line)
