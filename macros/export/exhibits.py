"""Unfolds what a page folds away: proofs, answers, quiz questions, headers of an exchange."""

from __future__ import annotations

from string import ascii_uppercase

from lxml import html

from macros.export.tree import replace

SEPARATOR = " \u00b7 "


def unfold(body: html.HtmlElement) -> None:
    """Make everything visible, in place and in order."""
    for summary in [*body.iterdescendants("summary"), *body.iterdescendants("legend")]:
        _title(summary)
    for quiz in list(body.iterdescendants("fieldset")):
        _quiz(quiz)
    for fold in list(body.iterdescendants("details")):
        fold.tag = "div"
    for facts in list(body.xpath(".//ul[contains(@class, 'km-facts')]")):
        _line(facts)
    for minutes in body.xpath(".//li/span[contains(@class, 'km-minutes')]"):
        minutes.getprevious().tail = SEPARATOR
    for headers in list(body.xpath(".//dl[contains(@class, 'km-headers')]")):
        _headers(headers)


def _title(element: html.HtmlElement) -> None:
    """Make the line that unfolds into a paragraph, which stays before what it unfolded."""
    asks = element.xpath("boolean(parent::*[contains(@class, 'km-question') or self::fieldset])")
    element.tag = "p"
    element.set("class", "km-ask" if asks else "km-fold-title")


def _quiz(quiz: html.HtmlElement) -> None:
    """List the options by letters, and say which letter is right."""
    right = ""
    chosen = html.Element("ol", {"type": "A"})
    [listed] = quiz.xpath("./div[contains(@class, 'km-options')]")
    for name, label in zip(ascii_uppercase, listed.iterchildren("label"), strict=False):
        if label.get("data-correct") is not None:
            right = name
        item = html.Element("li")
        item.extend(label.xpath("./span"))
        for span in item:
            span.tail = None
        chosen.append(item)
    replace(listed, chosen)
    for answer in quiz.xpath(".//p[contains(@class, 'km-right')]"):
        letter = html.Element("strong")
        letter.text = f"{right}. "
        letter.tail, answer.text = answer.text, None
        answer.insert(0, letter)
    for prompt in quiz.xpath("./details/p[contains(@class, 'km-fold-title')]"):
        prompt.drop_tree()


def _line(facts: html.HtmlElement) -> None:
    """Make a list of short facts into one line."""
    line = html.Element("p", {"class": "km-facts"})
    for item in facts.iterchildren("li"):
        part = html.Element("span", {"class": item.get("class", "")})
        part.text = item.text
        part.extend(list(item))
        if len(line):
            line[-1].tail = SEPARATOR
        line.append(part)
    replace(facts, line)


def _headers(headers: html.HtmlElement) -> None:
    """Make a list of headers into lines, `Name: value`."""
    box = html.Element("div", {"class": "km-headers"})
    for name, value in zip(
        headers.iterdescendants("dt"), headers.iterdescendants("dd"), strict=True
    ):
        line = html.Element("p")
        line.text = f"{name.text_content()}: "
        line.extend(list(value))
        box.append(line)
    replace(headers, box)
