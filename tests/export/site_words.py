"""The words of a page of the built site, read without the exporters."""

from __future__ import annotations

import re
from collections import Counter
from pathlib import Path

from lxml import html

# What only a screen needs, and what a file of its own says in another place.
SCREEN = (
    ".//nav|.//script|.//style|.//*[@hidden]|.//input|.//*[@data-lab]|.//svg"
    "|.//*[contains(concat(' ', @class, ' '), ' headerlink ')]"
    "|.//*[contains(@class, 'km-permalink')]|.//*[contains(@class, 'km-lab')]"
    "|.//*[contains(@class, 'km-progress')]|.//*[contains(@class, 'km-files')]"
    "|.//*[contains(@class, 'km-report')]|.//*[contains(@class, 'km-zip')]"
    "|.//details[contains(@class, 'km-why')]/summary"
)
WORD = re.compile(r"[^\W\d_]{3,}")


def words(text: str) -> Counter[str]:
    """Return how often each word of three or more letters stands in a text."""
    return Counter(WORD.findall(text))


def words_of_page(page: Path) -> Counter[str]:
    """Return the words that a reader of the page sees once everything is unfolded."""
    [article] = html.document_fromstring(page.read_bytes()).xpath("//article")
    for element in article.xpath(SCREEN):
        if element.getparent() is not None:
            element.drop_tree()
    for element in article.iter("p", "li", "td", "th", "dt", "dd", "h1", "h2", "h3", "br", "code"):
        element.tail = f" {element.tail or ''}"
    return words(article.text_content())


def lost(site: Counter[str], made: Counter[str]) -> float:
    """Return which part of the site's words the made text lacks."""
    return sum((site - made).values()) / max(1, sum(site.values()))
