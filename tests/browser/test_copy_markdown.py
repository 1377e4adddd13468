"""The button that copies a topic as Markdown, where the page has a twin and where it has none."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from playwright.sync_api import Page, Route, expect

from tests.browser.conftest import PHONE, Visitor
from tests.browser.pages import SAMPLE

TOPIC = f"topics/{SAMPLE[0]}/"
LINK = '<link rel="alternate" type="text/markdown" href="index.md">'
TEXT = "# A topic\n\nIn Markdown.\n"
BUTTON = ".km-copy-button"


def open_topic(visitor: Visitor, *, twin: Callable[[Route], None] | None, **options: Any) -> Page:
    """Open a topic as the exports leave it, or as a build without them does."""
    page = visitor.open("about/", **options)

    def serve(route: Route) -> None:
        text = route.fetch().text().replace(LINK, "")
        route.fulfill(
            body=text.replace("</head>", f"{LINK if twin else ''}</head>"), content_type="text/html"
        )

    page.route(f"**/{TOPIC}", serve)
    if twin:
        page.route(f"**/{TOPIC}index.md", twin)
    page.goto(visitor.root + TOPIC)
    return page


def test_the_button_copies_the_twin_and_says_so_by_keyboard_too(visitor: Visitor) -> None:
    page = open_topic(visitor, twin=lambda route: route.fulfill(body=TEXT))
    button = page.get_by_role("button", name="Copy as Markdown")
    button.focus()
    page.keyboard.press("Enter")
    expect(page.locator(".km-copy-note[role=status]")).to_have_text("Copied")
    assert page.evaluate("navigator.clipboard.readText()") == TEXT
    expect(button).to_be_focused()


def test_a_twin_that_cannot_be_loaded_ends_in_a_sentence(visitor: Visitor) -> None:
    page = open_topic(visitor, twin=lambda route: route.fulfill(status=404))
    page.locator(BUTTON).click()
    expect(page.locator(".km-copy-note")).to_contain_text("could not be loaded.")


def test_without_a_twin_there_is_no_button(visitor: Visitor) -> None:
    page = open_topic(visitor, twin=None)
    page.wait_for_selector(".km-done-button")
    assert page.locator(BUTTON).count() == 0


def test_on_a_phone_it_covers_neither_the_way_here_nor_the_title(visitor: Visitor) -> None:
    page = open_topic(visitor, twin=lambda route: route.fulfill(body=TEXT), viewport=PHONE)
    button = page.locator(BUTTON).bounding_box()
    assert button is not None
    for other in (".km-breadcrumb", "h1", ".km-number"):
        box = page.locator(other).first.bounding_box()
        assert box is not None
        apart = (
            box["x"] + box["width"] <= button["x"]
            or button["y"] + button["height"] <= box["y"]
            or box["y"] + box["height"] <= button["y"]
        )
        assert apart, other
