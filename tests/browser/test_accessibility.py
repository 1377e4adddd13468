"""axe finds nothing, on any kind of page, in either scheme, at either width."""

from __future__ import annotations

from typing import Any

import pytest
from playwright.sync_api import Page, expect

from macros.project import Project
from tests.axe import source
from tests.browser.conftest import DESKTOP, PHONE, Visitor
from tests.browser.pages import KINDS, SAMPLE

RUN = """async () => {
  const preload = location.protocol !== "file:"; // a file may fetch no stylesheet
  const found = await axe.run(document, { resultTypes: ["violations"], preload });
  return found.violations.map((one) => ({
    rule: one.id, where: one.nodes.slice(0, 3).map((n) => n.html.slice(0, 160)),
    why: one.nodes[0].failureSummary,
  }));
}"""


@pytest.fixture(scope="session")
def axe(project: Project) -> str:
    return source(project)


def violations(page: Page, axe: str) -> list[Any]:
    page.evaluate(axe)
    return list(page.evaluate(RUN))


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("kind", KINDS)
def test_axe_finds_nothing(visitor: Visitor, axe: str, kind: str, scheme: str) -> None:
    for viewport in (DESKTOP, PHONE):
        page = visitor.open(KINDS[kind], scheme, viewport=viewport, bypass_csp=True)
        assert violations(page, axe) == []


@pytest.mark.by_file
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_axe_finds_nothing_with_every_fold_open(visitor: Visitor, axe: str, scheme: str) -> None:
    page = visitor.open(KINDS[SAMPLE[0]], scheme, bypass_csp=True)
    page.evaluate("for (const fold of document.querySelectorAll('details')) fold.open = true")
    assert violations(page, axe) == []


@pytest.mark.by_file
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_axe_finds_nothing_while_searching(visitor: Visitor, axe: str, scheme: str) -> None:
    for viewport in (DESKTOP, PHONE):
        page = visitor.open("", scheme, viewport=viewport, bypass_csp=True)
        page.keyboard.press("/")
        expect(page.locator(".md-search__input")).to_be_focused()
        assert violations(page, axe) == []
        page.keyboard.type("token")
        page.wait_for_selector(".md-search-result__item")
        assert violations(page, axe) == []
