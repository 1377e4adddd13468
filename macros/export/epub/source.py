"""Joins the chapters to one HTML text for pandoc's EPUB writer."""

from __future__ import annotations

import copy
from collections.abc import Iterable
from html import escape

from lxml import html

from macros.export.chapters import Chapter

# What a chapter of the last part would otherwise hang below.
DEEPER = {"topic": 1}


def document(title: str, chapters: Iterable[Chapter]) -> str:
    """Return one HTML text; topics stand one heading level below the pages of their levels."""
    bodies = "\n".join(html.tostring(_placed(chapter), encoding="unicode") for chapter in chapters)
    return f"<html><head><title>{escape(title)}</title></head><body>{bodies}</body></html>"


def _placed(chapter: Chapter) -> html.HtmlElement:
    assert chapter.body is not None
    body = copy.deepcopy(chapter.body)
    deeper = DEEPER.get(chapter.kind, 0)
    for heading in body.xpath(".//h1|.//h2|.//h3"):
        heading.tag = f"h{int(heading.tag[1]) + deeper}"
    [title] = body.xpath(f".//h{1 + deeper}")
    title.set("id", body.attrib.pop("id"))
    if chapter.number is not None:
        title.text = f"{chapter.number}. {title.text or ''}"
    for code in list(body.iterdescendants("pre")):
        _name(code)
    # Sections would be split where the chapters are: only headings count.
    body.tag = "div"
    return body


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
