"""The lab's interface, with a stand-in for the engine: what it shows, keeps and shares."""

from __future__ import annotations

import secrets
from collections.abc import Callable
from typing import Any

import pytest
from playwright.sync_api import Page, expect

from tests.browser.conftest import DESKTOP, PHONE, ROOT, Visitor
from tests.browser.test_accessibility import axe, violations

FAKE = ROOT / "tests" / "js" / "fake-session.js"
TOPIC = "topics/jwt-oauth2/"
Open = Callable[..., Page]
__all__ = ["axe"]


@pytest.fixture
def lab(visitor: Visitor) -> Open:
    """Opens a topic whose lab has no Python behind it."""

    def open_topic(path: str = TOPIC, **options: Any) -> Page:
        page = visitor.open("licenses.html", **options)
        page.route("**/assets/js/lab/session.js", lambda route: route.fulfill(path=FAKE))
        page.goto(visitor.root + path)
        expect(page.locator(".km-lab-run")).to_be_visible()
        return page

    return open_topic


def press(page: Page, name: str) -> None:
    page.locator(".km-lab-slot").get_by_role("button", name=name, exact=True).click()


def code(page: Page) -> str:
    """Return the beginning of the code: the editor holds only the lines near what is seen."""
    page.locator(".km-lab-editor .cm-content").focus()
    page.keyboard.press("Control+Home")
    return str(page.locator(".km-lab-editor .cm-content").inner_text())


def type_first(page: Page, text: str) -> None:
    """Type at the start of the code."""
    page.locator(".km-lab-editor .cm-content").focus()
    page.keyboard.press("Control+Home")
    page.keyboard.type(text)


def kept(page: Page) -> str | None:
    found: str | None = page.evaluate("localStorage.getItem('km.lab.jwt-oauth2')")
    return found


def test_before_anything_is_loaded_it_says_how_much_that_is(lab: Open) -> None:
    page = lab()
    expect(page.locator(".km-lab-state")).to_have_text("Runs in your browser. Loads 8.1 MB once.")


def test_run_opens_the_editor_where_the_code_was_and_nothing_moves(lab: Open) -> None:
    page = lab()
    run = page.locator(".km-lab-run")
    run.scroll_into_view_if_needed()
    before = run.bounding_box()
    press(page, "Run")
    expect(page.locator(".km-lab-state")).to_contain_text("Running")
    after = run.bounding_box()
    assert before is not None
    assert after is not None
    assert abs(before["y"] - after["y"]) < 4
    expect(run).to_be_focused()


def test_run_sends_the_first_request_and_compares_the_answer(lab: Open) -> None:
    page = lab()
    press(page, "Run")
    expect(page.locator(".km-lab-answer > .km-status")).to_contain_text("200 OK")
    expect(page.locator(".km-lab-verdict")).to_contain_text("Not as recorded")
    page.locator(".km-lab-verdict summary").click()
    expect(page.locator(".km-lab-verdict")).to_contain_text("access_token")


def test_an_edit_survives_a_reload_and_reset_can_be_undone(lab: Open) -> None:
    page = lab()
    press(page, "Edit")
    type_first(page, "# mine\n")
    page.reload()
    expect(page.locator(".km-lab-state")).to_contain_text("Your edit is kept here.")
    press(page, "Edit")
    assert code(page).startswith("# mine\n")
    press(page, "Reset")
    assert not code(page).startswith("# mine")
    assert kept(page) is None
    press(page, "Undo")
    assert code(page).startswith("# mine\n")
    assert kept(page)


def test_garbage_in_storage_is_no_edit(lab: Open) -> None:
    page = lab()
    page.evaluate("localStorage.setItem('km.lab.jwt-oauth2', '{garbage')")
    page.reload()
    press(page, "Edit")
    assert code(page).startswith("import secrets")


def test_a_storage_that_refuses_is_told(lab: Open) -> None:
    page = lab()
    page.evaluate("() => { Storage.prototype.setItem = () => { throw new Error('full'); }; }")
    press(page, "Edit")
    type_first(page, "# mine\n")
    expect(page.locator(".km-lab-notices")).to_contain_text("did not keep your edit")


def test_a_shared_link_opens_the_code_and_runs_nothing(lab: Open) -> None:
    page = lab()
    press(page, "Edit")
    type_first(page, "# shared\n")
    press(page, "Share")
    link = page.locator(".km-lab-link").input_value()
    assert "#lab=" in link
    assert page.evaluate("navigator.clipboard.readText()") == link
    other = lab()
    other.goto(link)
    expect(other.locator(".km-lab-notices")).to_contain_text("It has not been run")
    assert code(other).startswith("# shared\n")
    expect(other.locator(".km-lab-answer")).to_have_count(0)
    assert kept(other) is None
    press(other, "Run")
    expect(other.locator(".km-lab-answer")).to_be_visible()
    assert kept(other)
    assert "#" not in other.url


def test_a_shared_link_leaves_the_readers_own_edit_within_reach(lab: Open) -> None:
    page = lab()
    press(page, "Edit")
    type_first(page, "# theirs\n")
    press(page, "Share")
    link = page.locator(".km-lab-link").input_value()
    press(page, "Reset")
    type_first(page, "# mine\n")
    page.goto(link)
    expect(page.locator(".km-lab-notices")).to_contain_text("came with the link")
    assert code(page).startswith("# theirs\n")
    type_first(page, "#")
    press(page, "Bring my own edit back")
    assert code(page).startswith("# mine\n")


def test_code_too_long_for_a_link_is_told(lab: Open) -> None:
    page = lab()
    press(page, "Edit")
    type_first(page, "")
    page.keyboard.insert_text(f"# {secrets.token_hex(20_000)}\n")
    press(page, "Share")
    expect(page.locator(".km-lab-notices")).to_contain_text("too long for a link")
    assert page.locator(".km-lab-link").count() == 0


def test_an_edit_of_an_older_example_is_shown_and_told(lab: Open) -> None:
    page = lab()
    edit = (
        '{"version": 1, "original": "old", "files": {"main.py": "# mine"}, "saved": "2026-11-01"}'
    )
    page.evaluate("(text) => localStorage.setItem('km.lab.jwt-oauth2', text)", edit)
    page.reload()
    press(page, "Edit")
    assert code(page).startswith("# mine")
    expect(page.locator(".km-lab-notices")).to_contain_text("has changed since your edit")


@pytest.mark.parametrize("fragment", ["#lab=", "#lab=1.AAAA", "#lab=9.x", "#lab=1.%zz"])
def test_a_broken_link_is_told_and_loses_nothing(lab: Open, fragment: str) -> None:
    page = lab()
    press(page, "Edit")
    type_first(page, "# mine\n")
    page.goto(page.url + fragment)
    expect(page.locator(".km-lab-notices")).to_contain_text("Your own edit is shown")
    assert code(page).startswith("# mine\n")


def test_a_traceback_leads_to_the_line(lab: Open) -> None:
    page = lab()
    press(page, "Edit")
    type_first(page, "\n\nraise\n")
    press(page, "Run")
    problem = page.locator(".km-lab-problem")
    expect(problem).to_contain_text("RuntimeError")
    expect(page.locator(".cm-problem")).to_have_text("raise")
    problem.get_by_role("button", name="main.py, line 3").click()
    page.keyboard.type("x")
    assert "\nxraise" in code(page)


def test_escape_and_tab_leave_the_editor_and_tab_alone_indents(lab: Open) -> None:
    page = lab()
    press(page, "Edit")
    type_first(page, "")
    page.keyboard.press("Tab")
    assert code(page).startswith("    import")
    page.keyboard.press("Escape")
    page.keyboard.press("Tab")
    expect(page.locator(".km-lab-run")).to_be_focused()


def test_what_is_typed_in_the_editor_is_no_shortcut_of_the_page(lab: Open) -> None:
    page = lab()
    press(page, "Edit")
    type_first(page, "/sf")
    assert code(page).startswith("/sf")
    assert not page.locator("#__search").is_checked()


def test_the_key_for_running_runs(lab: Open) -> None:
    page = lab()
    press(page, "Edit")
    type_first(page, "")
    page.keyboard.press("Control+Enter")
    expect(page.locator(".km-lab-answer")).to_be_visible()


def test_tabs_are_one_stop_and_arrows_go_along_them(lab: Open) -> None:
    page = lab()
    press(page, "Edit")
    page.get_by_role("tab", name="Requests").focus()
    page.keyboard.press("ArrowRight")
    expect(page.get_by_role("tab", name="Log")).to_be_focused()
    expect(page.get_by_role("tabpanel", name="Log")).to_be_visible()
    page.keyboard.press("End")
    expect(page.get_by_role("tabpanel", name="Proofs")).to_be_visible()


def test_a_wrong_header_is_told_beside_its_field(lab: Open) -> None:
    page = lab()
    press(page, "Edit")
    page.get_by_label("Headers").fill("nonsense")
    press(page, "Send")
    expect(page.locator(".km-lab-mistake")).to_contain_text("is no header")
    expect(page.get_by_label("Headers")).to_be_focused()


def test_closing_gives_the_page_back(lab: Open) -> None:
    page = lab()
    press(page, "Run")
    expect(page.locator(".km-lab-answer")).to_be_visible()
    press(page, "Close")
    expect(page.locator(".highlight[data-run]").first).to_be_visible()
    expect(page.locator(".km-lab-below")).to_be_hidden()
    press(page, "Edit")
    expect(page.locator(".km-lab-answer")).to_be_visible()


@pytest.mark.parametrize("viewport", [DESKTOP, PHONE], ids=["desktop", "phone"])
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_axe_finds_nothing_in_the_open_lab(
    lab: Open, axe: str, viewport: dict[str, int], scheme: str
) -> None:
    page = lab(scheme=scheme, viewport=viewport, bypass_csp=True)
    show_everything(page)
    for tab in ("Requests", "Log", "Proofs"):
        page.get_by_role("tab", name=tab).click()
        assert violations(page, axe) == []


def show_everything(page: Page) -> None:
    """Bring everything on the page that the lab can show at once: an answer, a link, an error."""
    press(page, "Run")
    expect(page.locator(".km-lab-answer")).to_be_visible()
    type_first(page, "raise\n")
    press(page, "Share")
    press(page, "Run")
    expect(page.locator(".km-lab-problem")).to_be_visible()


def test_nothing_sticks_out_on_a_phone(lab: Open) -> None:
    page = lab(viewport={"width": 360, "height": 740}, has_touch=True, is_mobile=True)
    press(page, "Run")
    expect(page.locator(".km-lab-answer")).to_be_visible()
    for tab in ("Log", "Proofs", "Requests"):
        page.get_by_role("tab", name=tab).click()
        assert page.evaluate("document.documentElement.scrollWidth") <= 360


def test_without_javascript_there_is_no_button(visitor: Visitor) -> None:
    page = visitor.open(TOPIC, java_script_enabled=False)
    assert page.locator(".km-lab-slot").is_hidden()


def test_an_opted_out_topic_says_why(visitor: Visitor) -> None:
    page = visitor.open("topics/alembic/")
    expect(page.locator(".km-lab-out")).to_contain_text("Does not run in the browser: needs")
    assert page.locator(".km-lab-run").count() == 0
