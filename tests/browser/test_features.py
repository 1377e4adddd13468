"""What a reader does on the site, done in a real browser."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest
from playwright.sync_api import Page, Route, expect

from tests.browser.conftest import MISSING, PHONE, Visitor
from tests.browser.pages import KINDS, PATH, SAMPLE, WRITTEN

TOPIC = SAMPLE[0]


def background(page: Page) -> str:
    return str(page.evaluate("getComputedStyle(document.body).backgroundColor"))


def search(page: Page, words: str) -> None:
    page.keyboard.press("/")
    expect(page.locator(".md-search__input")).to_be_focused()
    page.keyboard.type(words)
    page.wait_for_selector(".md-search-result__item")


@pytest.mark.by_file
def test_a_reader_walks_from_home_through_a_level_to_a_topic(visitor: Visitor) -> None:
    page = visitor.open()
    page.locator(".km-level-card a").first.click()
    expect(page.locator("h1")).to_be_visible()
    page.go_back()
    page.locator(".km-path-card a").first.click()
    expect(page.locator(".km-steps")).to_be_visible()


@pytest.mark.by_file
@pytest.mark.parametrize("topic", SAMPLE)
def test_previous_and_next_lead_to_topics_and_back(visitor: Visitor, topic: str) -> None:
    page = visitor.open(f"topics/{topic}/")
    number = page.locator(".km-header .km-number").inner_text()
    for there, back in (("next", "prev"), ("prev", "next")):
        link = page.locator(f".km-neighbours a[rel={there}]")
        if link.count():
            link.click()
            expect(page.locator(f".km-neighbours a[rel={back}]")).to_contain_text(number)
            page.go_back()


@pytest.mark.by_file
def test_search_finds_a_topic_by_name_and_marks_the_words(visitor: Visitor) -> None:
    page = visitor.open()
    search(page, "path parameters")
    first = page.locator(".md-search-result__link").first
    expect(first).to_have_attribute("href", re.compile("topics/path-parameters/"))
    first.click()
    page.wait_for_url("**/topics/path-parameters/**")
    expect(page.locator("mark").first).to_be_attached()


# What stands in a log or a console, with the topic that explains it.
PASTED = {
    "Can't locate revision identified by": "alembic",
    "Target database is not up to date.": "alembic",
    "greenlet_spawn has not been called; can't call await_only() here": "sqlalchemy-async",
    "No 'Access-Control-Allow-Origin' header is present": "cors",
    "QueuePool limit of size 5 overflow 10 reached": "connection-pooling",
    'Form data requires "python-multipart" to be installed.': "forms-files",
    "Task was destroyed but it is pending!": "asyncio-patterns",
    "Event loop is closed": "testing",
}


@pytest.mark.by_file
@pytest.mark.parametrize("pasted", PASTED)
def test_search_finds_what_people_paste(visitor: Visitor, pasted: str) -> None:
    page = visitor.open("about/")
    search(page, pasted)
    first = page.locator(".md-search-result__item").first.locator("a").first
    expect(first).to_have_attribute("href", re.compile(f"topics/{PASTED[pasted]}/"))


def test_search_still_finds_something_where_no_page_has_all_words(visitor: Visitor) -> None:
    page = visitor.open("about/")
    search(page, "token qwertyuiop")
    assert page.locator(".md-search-result__item").count() > 1


@pytest.mark.by_file
def test_search_completes_a_word_and_can_be_shared(visitor: Visitor) -> None:
    page = visitor.open()
    search(page, "alemb")
    expect(page.locator(".md-search__suggest")).to_contain_text("alembic")
    shared = page.locator("[data-md-component=search-share]").get_attribute("href")
    assert shared is not None
    again = visitor.open(shared.removeprefix(visitor.root))
    again.wait_for_selector(".md-search-result__item")


def test_search_completes_a_word_that_was_typed_before_the_bundle_came(visitor: Visitor) -> None:
    page = visitor.open()
    held: list[Route] = []
    page.route("**/bundle.*.js", lambda route: held.append(route))
    with page.expect_request("**/bundle.*.js"):
        page.keyboard.press("/")
    expect(page.locator(".md-search__input")).to_be_focused()
    page.keyboard.type("alemb")
    held[0].continue_()
    expect(page.locator(".md-search__suggest")).to_contain_text("alembic")


def test_the_index_is_not_fetched_until_somebody_searches(visitor: Visitor) -> None:
    page = visitor.open()
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url))
    page.mouse.move(300, 300)
    page.wait_for_selector("html[data-km-ready]", state="attached")
    assert not [url for url in asked if "search_index" in url]
    search(page, "token")
    assert [url for url in asked if "search_index" in url]


@pytest.mark.by_file
def test_the_filter_narrows_the_list_says_the_count_and_gives_it_back(visitor: Visitor) -> None:
    page = visitor.open("topics/")
    rows = page.locator("#topics-by-number .km-row")
    everything = rows.count()
    page.locator(".km-filter input").fill("jwt bearer")
    shown = page.locator("#topics-by-number .km-row:visible")
    assert 0 < shown.count() < everything
    expect(page.locator(".km-filter output")).to_contain_text("of")
    page.locator(".km-filter input").fill("nothing is called this")
    assert shown.count() == 0
    page.locator(".km-filter input").press("Escape")
    assert shown.count() == everything


@pytest.mark.by_file
def test_the_scheme_button_changes_the_page_and_is_remembered(visitor: Visitor) -> None:
    page = visitor.open()
    light = background(page)
    page.locator("[data-scheme-button]").click()
    dark = background(page)
    assert dark != light
    page.reload()
    assert background(page) == dark


@pytest.mark.parametrize("kind", KINDS)
def test_nothing_sticks_out_on_a_phone(visitor: Visitor, kind: str) -> None:
    page = visitor.open(KINDS[kind], viewport={"width": 360, "height": 740})
    wide = page.evaluate("document.documentElement.scrollWidth")
    assert wide <= 360


@pytest.mark.by_file
def test_the_menu_opens_and_closes_by_keyboard(visitor: Visitor) -> None:
    page = visitor.open("topics/", viewport=PHONE)
    page.locator("[data-menu-button]").focus()
    page.keyboard.press("Enter")
    expect(page.locator("#__nav a").first).to_be_visible()
    assert page.evaluate("document.activeElement.closest('#__nav') !== null")
    page.keyboard.press("Escape")
    expect(page.locator("[data-menu-button]")).to_be_focused()


def test_tab_reaches_content_first_through_the_skip_link(visitor: Visitor) -> None:
    page = visitor.open(f"topics/{TOPIC}/")
    page.keyboard.press("Tab")
    expect(page.locator(".md-skip")).to_be_focused()
    page.keyboard.press("Enter")
    assert page.evaluate("location.hash") != ""


def test_every_stop_of_the_tab_key_can_be_seen(visitor: Visitor) -> None:
    page = visitor.open(f"topics/{TOPIC}/")
    for _ in range(40):
        page.keyboard.press("Tab")
        seen = page.evaluate(
            """() => {
              const at = document.activeElement, box = at.getBoundingClientRect();
              const style = getComputedStyle(at);
              return { what: at.outerHTML.slice(0, 120), size: box.width * box.height,
                       ring: style.outlineStyle !== "none" || style.boxShadow !== "none" };
            }"""
        )
        assert seen["size"] > 0, seen["what"]
        assert seen["ring"], seen["what"]


@pytest.mark.by_file
def test_a_link_to_a_folded_proof_opens_it(visitor: Visitor) -> None:
    page = visitor.open(f"topics/{TOPIC}/")
    name = page.locator("details.km-proof").first.get_attribute("id")
    page = visitor.open(f"topics/{TOPIC}/#{name}")
    expect(page.locator(f"#{name} pre").first).to_be_visible()


@pytest.mark.by_file
def test_the_quiz_says_right_and_wrong_in_words(visitor: Visitor) -> None:
    page = visitor.open(f"topics/{TOPIC}/")
    quiz = page.locator(".km-quiz").first
    quiz.locator(".km-option:not([data-correct]) input").first.check()
    expect(quiz.locator(".km-feedback")).to_contain_text("Not this one")
    quiz.locator(".km-option[data-correct] input").check()
    expect(quiz.locator(".km-feedback")).to_contain_text("Right")


def test_the_quiz_works_by_keyboard(visitor: Visitor) -> None:
    page = visitor.open(f"topics/{TOPIC}/")
    quiz = page.locator(".km-quiz").first
    quiz.locator("input").first.focus()
    page.keyboard.press("Space")
    page.keyboard.press("Enter")
    expect(quiz.locator(".km-feedback")).not_to_be_empty()


@pytest.mark.by_file
def test_progress_shows_everywhere_and_survives_a_reload(visitor: Visitor) -> None:
    page = visitor.open(f"topics/{WRITTEN[0]}/")
    page.locator(".km-done-button").click()
    page.goto(visitor.at("topics/"))
    row = page.locator(f"#topics-by-number [data-topic={WRITTEN[0]}]")
    expect(row).to_contain_text("done")
    page.reload()
    expect(row).to_contain_text("done")
    page.goto(visitor.at(f"topics/{WRITTEN[0]}/"))
    page.locator(".km-done-button").click()
    expect(page.locator(".km-done-button")).to_have_text("Mark as done")


@pytest.mark.by_file
def test_progress_can_be_taken_along(visitor: Visitor, tmp_path: Path) -> None:
    page = visitor.open(f"topics/{WRITTEN[0]}/")
    page.locator(".km-done-button").click()
    page.goto(visitor.at("about/"))
    with page.expect_download() as download:
        page.get_by_role("button", name="Export progress").click()
    file = tmp_path / "progress.json"
    download.value.save_as(file)
    assert WRITTEN[0] in json.dumps(json.loads(file.read_text(encoding="utf-8")))
    other = visitor.open("about/")
    other.locator("input[type=file]").set_input_files(file)
    expect(other.locator(".km-tools-note")).to_contain_text("1 new")
    expect(other.locator(".km-tools-count")).to_contain_text("1 topic")


@pytest.mark.parametrize("text", ["", "{", "[]", '{"something": "else"}', "\x00\x01"])
def test_a_foreign_progress_file_is_refused_and_loses_nothing(
    visitor: Visitor, tmp_path: Path, text: str
) -> None:
    page = visitor.open(f"topics/{WRITTEN[0]}/")
    page.locator(".km-done-button").click()
    page.goto(visitor.at("about/"))
    file = tmp_path / "wrong.json"
    file.write_text(text, encoding="utf-8")
    page.locator("input[type=file]").set_input_files(file)
    expect(page.locator(".km-tools-note")).not_to_be_empty()
    expect(page.locator(".km-tools-count")).to_contain_text("1 topic")


@pytest.mark.by_file
def test_garbage_in_storage_breaks_nothing(visitor: Visitor) -> None:
    page = visitor.open()
    page.evaluate(
        """() => {
          for (const key of Object.keys(localStorage)) localStorage[key] = "{garbage";
          localStorage["km.progress"] = "{garbage";
          localStorage["km.scheme"] = "pink";
        }"""
    )
    page.goto(visitor.at(f"topics/{TOPIC}/"))
    page.locator(".km-done-button").click()
    expect(page.locator(".km-done-button")).to_have_text("Done")


def test_a_missing_page_offers_search_and_a_way_home(visitor: Visitor) -> None:
    page = visitor.open(MISSING)
    search(page, "token")
    page.keyboard.press("Escape")
    page.locator("a.km-brand").click()
    page.wait_for_url(re.compile(re.escape(visitor.top) + r"(index\.html)?$"))


@pytest.mark.by_file
def test_code_can_be_copied(visitor: Visitor) -> None:
    page = visitor.open(f"topics/{TOPIC}/")
    page.mouse.move(300, 300)
    page.wait_for_selector("html[data-km-ready]", state="attached")
    block = page.locator("article .highlight:has(.filename)").first
    block.hover()
    block.locator("button[data-md-type=copy], .md-clipboard").first.click()
    copied = page.evaluate("navigator.clipboard.readText()")
    assert "import" in copied
    assert "\n" in copied


@pytest.mark.by_file
def test_a_path_counts_its_steps(visitor: Visitor) -> None:
    page = visitor.open(f"paths/{PATH}/")
    assert page.locator(".km-steps > li").count() > 3


@pytest.mark.by_file
def test_print_unfolds_and_leaves_the_chrome_out(visitor: Visitor) -> None:
    page = visitor.open(f"topics/{TOPIC}/")
    page.emulate_media(media="print")
    for chrome in (".md-header", ".md-sidebar", ".md-footer", ".md-search"):
        assert page.locator(chrome).locator("visible=true").count() == 0, chrome
    hidden = page.locator("details").evaluate_all(
        """all => all
          .filter((d) => !d.open && d.offsetHeight <= d.firstElementChild.offsetHeight + 4)
          .map((d) => d.id)"""
    )
    assert hidden == []
    cut = page.locator("pre").evaluate_all(
        "all => all.filter((p) => p.scrollWidth > p.clientWidth + 1).length"
    )
    assert cut == 0
