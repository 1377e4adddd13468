"""A chapter's HTML made ready for Markdown: what Markdown cannot say is said in words."""

from __future__ import annotations

import copy
from collections.abc import Mapping
from string import ascii_uppercase

from lxml import html

from macros.export.chapters import Chapter
from macros.export.references import JOINT
from macros.export.tree import replace

# Written in front of an address; what reads the Markdown later knows where it stands.
TOPIC = "twin:"
PAGE = "page:"
TITLES = ("answer-title", "ask", "fold-title", "footer-title", "know-title", "part")
KEPT: dict[str, tuple[str, ...]] = {
    "a": ("href",),
    "pre": ("class",),
    "td": ("align",),
    "th": ("align",),
    "ol": ("start",),
}
ASIDES = ("seniority", "passed")  # what stands beside a title and is none


def source(chapter: Chapter, chapters: Mapping[str, Chapter]) -> str:
    """Return the HTML of a chapter; `chapters` are those that its links may lead to, by id."""
    if chapter.body is None:
        return ""
    body = copy.deepcopy(chapter.body)
    for link in list(body.iterdescendants("a")):
        _point(link, chapter, chapters)
    for title in body.xpath(f".//div[{' or '.join(f'@class={each!r}' for each in TITLES)}]/p"):
        _embolden(title)
    for figure in list(body.iterdescendants("figure")):
        _describe(figure)
    for block in list(body.iterdescendants("pre")):
        _name(block)
    for headers in body.xpath(".//div[@class='headers']"):
        _list(headers)
    for options in body.xpath(".//div[@class='quiz']//ol[@type='A']"):
        _letter(options)
    for reason in body.xpath(".//li/span[@class='reason']"):
        _join(reason)
    for mark in list(body.iterdescendants("small")):
        mark.text = f"({mark.text})"
        mark.drop_tag()
    for caption in list(body.iterdescendants("caption")):
        _lift(caption)
    for element in body.iter():
        if isinstance(element.tag, str):
            _strip(element)
    return html.tostring(body, encoding="unicode")


def _point(link: html.HtmlElement, chapter: Chapter, chapters: Mapping[str, Chapter]) -> None:
    """Lead to the Markdown of another topic, and to the page for all that has no Markdown."""
    href = link.get("href", "")
    if not href.startswith("#"):
        return
    name, _, anchor = href[1:].partition(JOINT)
    target = chapters[name]
    if target.kind == "topic" and target is not chapter:
        link.set("href", f"{TOPIC}{name}")
    else:
        link.set("href", f"{PAGE}{target.address}{f'#{anchor}' if anchor else ''}")


def _embolden(title: html.HtmlElement) -> None:
    strong = html.Element("strong")
    strong.text, title.text = title.text, None
    asides: list[html.HtmlElement] = []
    for child in list(title):
        (asides if child.get("class") in ASIDES else strong).append(child)
    _trim(strong)
    title.append(strong)
    for aside in asides:
        aside.tail = None
        title[-1].tail = f"{title[-1].tail or ''} ("
        title.append(aside)
        aside.tail = ")"


def _trim(element: html.HtmlElement) -> None:
    """Take the space from an element's end, where it would keep Markdown from seeing the end."""
    if len(element):
        element[-1].tail = (element[-1].tail or "").rstrip()
    else:
        element.text = (element.text or "").rstrip()


def _describe(figure: html.HtmlElement) -> None:
    """Put the words of a picture where it stood."""
    words = html.Element("p")
    label = html.Element("strong")
    label.text = "Picture."
    label.tail = " " + " ".join(figure.xpath(".//img/@alt"))
    words.append(label)
    replace(figure, words)


def _name(block: html.HtmlElement) -> None:
    """Write the name of a file above its code; code of no language is text, so it is fenced too."""
    block.set("class", block.get("class") or "text")
    title = block.get("data-title")
    if title:
        line, code = html.Element("p"), html.Element("code")
        code.text, code.tail = title, ":"
        line.append(code)
        block.addprevious(line)


def _list(headers: html.HtmlElement) -> None:
    headers.tag = "ul"
    for line in headers.iterchildren("p"):
        line.tag = "li"


def _letter(options: html.HtmlElement) -> None:
    """Write the letters of the options, by which the answer names one."""
    options.tag = "ul"
    options.attrib.pop("type", None)
    for letter, option in zip(ascii_uppercase, options.iterchildren("li"), strict=False):
        option.text = f"{letter}. {(option.text or '').lstrip()}"


def _join(reason: html.HtmlElement) -> None:
    """Write a colon between a topic and the reason that it is named for."""
    topic = reason.getprevious()
    if topic is not None:
        topic.tail = ": "


def _lift(caption: html.HtmlElement) -> None:
    """Put a table's caption above it: tables of Markdown have none."""
    [table] = caption.iterancestors("table")
    line = html.Element("p")
    line.text = caption.text
    line.extend(list(caption))
    caption.drop_tree()
    table.addprevious(line)


def _strip(element: html.HtmlElement) -> None:
    """Drop the attributes for which Markdown would fall back to HTML."""
    kept = KEPT.get(str(element.tag), ())
    for name in [name for name in element.attrib if name not in kept]:
        del element.attrib[name]
