"""Reads the highlighted code of a page back into plain code blocks."""

from __future__ import annotations

import re

from lxml import html

from macros.export.tree import replace

LANGUAGE = re.compile(r"\blanguage-([\w+-]+)")
PLAIN = {"text", "console", "output"}


def flatten(body: html.HtmlElement) -> None:
    """Replace every highlighted block by `<pre>` with its language as class, and its title.

    `data-title` is the file's name and `data-start` the number of the first line, where the page
    shows them.
    """
    for block in list(body.iterdescendants("div")):
        if "highlight" in (block.get("class") or "").split():
            _replace(block)
    for inline in body.xpath(".//code[*][not(parent::pre)]"):
        inline.text = inline.text_content()
        for child in list(inline):
            inline.remove(child)


def _replace(block: html.HtmlElement) -> None:
    [pre] = block.xpath(".//pre")
    plain = html.Element("pre")
    language = LANGUAGE.search(block.get("class") or "")
    if language and language[1] not in PLAIN:
        plain.set("class", language[1])
    title = "".join(part.text_content() for part in block.xpath("./span[@class='filename']"))
    if title:
        plain.set("data-title", title)
    numbers = pre.xpath(".//span[@data-linenos]/@data-linenos")
    if numbers:
        plain.set("data-start", numbers[0].strip())
    code = html.Element("code")
    code.text = pre.text_content().rstrip("\n")
    plain.append(code)
    if block.get("id"):
        plain.set("id", block.get("id"))
    replace(block, plain)
