"""Turns the article of a built page into plain HTML: no theme, no script, everything unfolded."""

from __future__ import annotations

import copy
from pathlib import Path

from lxml import html

from macros.export import code_blocks, drawings, exhibits
from macros.export.tree import replace

OWN = "km-"
# What only a screen needs: ways through the site, places for scripts, words for the search.
SCREEN_ONLY = (
    "self::script or self::style or self::nav or self::input or self::button or self::template"
    " or @hidden or @data-progress-slot or @data-search-prompt or @data-progress-tools"
)
SCREEN_CLASSES = (
    "headerlink",
    "km-keywords",
    "km-lab-slot",
    "km-lab-out",
    "km-lab-note",
    "km-permalink",
    "km-files",
    "km-zip",
    "km-report",
    "km-failure",
    "km-progress",
)
KEPT = {"id", "class", "href", "src", "alt", "align", "colspan", "rowspan", "start", "type"}


def clean(article: html.HtmlElement, name: str, pictures: Path) -> html.HtmlElement:
    """Return a section with the article's content.

    `name` begins the names of the pictures, which are written into the folder `pictures`.
    """
    body = copy.deepcopy(article)
    body.tag = "section"
    _drop(body)
    code_blocks.flatten(body)
    drawings.take_out(body, name, pictures)
    exhibits.unfold(body)
    _plain(body)
    return body


def classes(element: html.HtmlElement) -> list[str]:
    """Return an element's classes."""
    return (element.get("class") or "").split()


def _drop(body: html.HtmlElement) -> None:
    by_class = " or ".join(
        f"contains(concat(' ', @class, ' '), ' {one} ')" for one in SCREEN_CLASSES
    )
    for element in body.xpath(f".//*[{SCREEN_ONLY} or {by_class}]"):
        if element.getparent() is not None:
            element.drop_tree()
    for comment in body.xpath(".//comment()"):
        comment.drop_tree()
    for line in body.xpath(".//p[contains(@class, 'km-question-links')]"):
        if not line.text_content().strip():
            line.drop_tree()


def _plain(body: html.HtmlElement) -> None:
    """Keep only what readers of HTML understand: classes without our prefix, no scripting."""
    for element in body.iter():
        if not isinstance(element.tag, str):
            continue
        own = [one.removeprefix(OWN) for one in classes(element) if one.startswith(OWN)]
        if element.tag != "pre":
            _set(element, "class", " ".join(own))
        for name in list(element.attrib):
            if name not in KEPT and not (element.tag == "pre" and name.startswith("data-")):
                del element.attrib[name]
        if element.tag in {"section", "fieldset", "aside"} and element is not body:
            element.tag = "div"
        if element.tag in {"p", "ul", "ol", "dl"} and element.get("class"):
            _wrap(element)
    body.attrib.pop("class", None)


def _wrap(element: html.HtmlElement) -> None:
    """Move the classes of an element to a box around it: paragraphs and lists lose theirs."""
    box = html.Element("div", {"class": element.attrib.pop("class")})
    if element.get("id"):
        box.set("id", element.attrib.pop("id"))
    replace(element, box)
    box.append(element)


def _set(element: html.HtmlElement, name: str, value: str) -> None:
    if value:
        element.set(name, value)
    else:
        element.attrib.pop(name, None)
