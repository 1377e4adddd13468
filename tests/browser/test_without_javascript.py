"""Everything can be read where no script runs, and nothing is offered that would not work."""

from __future__ import annotations

import pytest

from tests.browser.conftest import PHONE, Visitor
from tests.browser.pages import KINDS, SAMPLE, WRITTEN


@pytest.mark.by_file
@pytest.mark.parametrize("topic", SAMPLE)
def test_a_topic_reads_in_full(visitor: Visitor, topic: str) -> None:
    page = visitor.open(KINDS[topic], java_script_enabled=False)
    for section in ("see-it-work", "gotchas", "interview", "check-yourself"):
        assert page.locator(f"#{section}").is_visible()
    question = page.locator("details.km-question").first
    question.locator("summary").click()
    assert question.locator(".km-say").is_visible()
    answer = page.locator(".km-quiz details").first
    answer.locator("summary").click()
    assert answer.locator(".km-right").is_visible()


@pytest.mark.by_file
def test_search_and_palette_are_not_offered(visitor: Visitor) -> None:
    page = visitor.open("", java_script_enabled=False)
    assert page.locator("label[for=__search]").locator("visible=true").count() == 0
    assert page.locator("[data-search-prompt]").locator("visible=true").count() == 0
    assert page.locator(".km-filter").locator("visible=true").count() == 0


def test_a_dark_system_gets_a_dark_page(visitor: Visitor) -> None:
    script = "getComputedStyle(document.body).backgroundColor"
    light = visitor.open("", "light", java_script_enabled=False)
    dark = visitor.open("", "dark", java_script_enabled=False)
    # evaluate() works in the page even where its own scripts do not run.
    assert light.evaluate(script) != dark.evaluate(script)


def test_the_menu_opens_on_a_phone(visitor: Visitor) -> None:
    page = visitor.open("topics/", viewport=PHONE, java_script_enabled=False)
    page.locator("label[for=__drawer]").locator("visible=true").first.click()
    assert page.locator(".md-sidebar--primary a").first.is_visible()


@pytest.mark.parametrize("kind", ["topics", "map", "by topic"])
def test_listings_are_whole(visitor: Visitor, kind: str) -> None:
    page = visitor.open(KINDS[kind], java_script_enabled=False)
    for topic in WRITTEN:
        links = page.locator(f"article a[href*='{topic}/']")
        assert links.count() > 0
