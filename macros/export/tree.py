"""Puts one element of a page where another stood."""

from __future__ import annotations

from lxml import html


def replace(old: html.HtmlElement, new: html.HtmlElement) -> None:
    """Put an element in the place of another, before the text that followed it."""
    parent = old.getparent()
    assert parent is not None, "the page's own element is never replaced"
    new.tail, old.tail = old.tail, None
    parent.replace(old, new)
