"""Links between pages become links within one document, or to the site, or text."""

from __future__ import annotations

import pytest
from lxml import html

from macros.export.references import References

CHAPTERS = {"topics/bread/": "bread", "topics/flour/": "flour"}
SITE = "https://example.org/map/"


def resolved(href: str, site: str | None) -> str | None:
    body = html.fromstring(f'<section><h1 id="top">Bread</h1><a href="{href}">see</a></section>')
    References(CHAPTERS, site).resolve(body, "bread", "topics/bread/")
    assert body.get("id") == "bread"
    assert body.xpath("./h1/@id") == ["bread--top"]
    found = body.xpath(".//a/@href")
    return str(found[0]) if found else None


@pytest.mark.parametrize(
    ("href", "expected"),
    [
        ("#crust", "#bread--crust"),
        ("../flour/", "#flour"),
        ("../flour/#rye", "#flour--rye"),
        ("../flour/index.html#rye", "#flour--rye"),
        ("https://example.com/x#y", "https://example.com/x#y"),
        ("mailto:a@example.com", "mailto:a@example.com"),
    ],
)
def test_what_is_in_the_book_is_linked_in_the_book(href: str, expected: str) -> None:
    assert resolved(href, None) == resolved(href, SITE) == expected


@pytest.mark.parametrize(
    ("href", "expected"),
    [
        ("../../map/", f"{SITE}map/"),
        ("../../map/#by-level", f"{SITE}map/#by-level"),
        ("../../licenses.html", f"{SITE}licenses.html"),
        ("../../", SITE),
        ("../../#must-know", f"{SITE}#must-know"),
    ],
)
def test_what_is_not_is_linked_on_the_site_or_becomes_text(href: str, expected: str) -> None:
    assert resolved(href, SITE) == expected
    assert resolved(href, None) is None
