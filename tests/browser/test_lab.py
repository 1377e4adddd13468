"""The whole lab in a real browser: code runs, answers, fails, stops, is there tomorrow."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import suppress

import pytest
from playwright.sync_api import Browser, FilePayload, FrameLocator, Locator, Page, expect
from playwright.sync_api import TimeoutError as PlaywrightTimeout

from tests.browser.conftest import Visitor
from tests.browser.test_lab_interface import code, press, type_first

PATIENCE = 60_000  # milliseconds; a first start on a busy machine
UPLOAD = """\
from fastapi import FastAPI, Form, UploadFile

app = FastAPI()


@app.post("/files")
async def take(file: UploadFile, title: str = Form()) -> dict[str, str]:
    return {"name": file.filename or "", "title": title, "text": (await file.read()).decode()}
"""


Lab = Callable[[str], Page]


@pytest.fixture(scope="module")
def lab(chromium: Browser, root: str, top: str) -> Iterator[Lab]:
    """Opens a topic and runs its example; a topic that is open already is reset and run again."""
    visitor = Visitor(chromium, root, top)
    pages: dict[str, Page] = {}

    def open_topic(topic: str) -> Page:
        if page := pages.get(topic):
            page.get_by_role("tab", name="Requests").click()
            press(page, "Reset")
            run_again(page)
            return page
        page = pages[topic] = visitor.open(f"topics/{topic}/")
        page.locator(".km-lab-run").click()
        runs(page)
        return page

    yield open_topic
    visitor.close()
    assert visitor.complaints == []


def runs(page: Page) -> None:
    expect(page.locator(".km-lab-state")).to_contain_text("Running; started in", timeout=PATIENCE)


def rewrite(page: Page, text: str) -> None:
    """Put other code into the editor."""
    page.locator(".km-lab-editor .cm-content").focus()
    page.keyboard.press("Control+a")
    page.keyboard.insert_text(text)


def original(page: Page, topic: str) -> dict[str, str]:
    """Return the files of a topic as the lab gets them."""
    script = "(id) => fetch(`../../assets/lab/topics/${id}.json`).then((r) => r.json())"
    return dict(page.evaluate(script, topic)["files"])


def run_again(page: Page) -> None:
    """Run and wait until the new app runs."""
    page.evaluate("document.querySelector('.km-lab-state').textContent = ''")
    press(page, "Run")
    runs(page)


def answer(page: Page) -> Locator:
    return page.locator(".km-lab-answer")


def docs(page: Page) -> FrameLocator:
    page.get_by_role("tab", name="API docs").click()
    frame = page.frame_locator(".km-lab-frame")
    expect(frame.locator(".opblock").first).to_be_visible(timeout=20_000)
    return frame


def log_in(frame: FrameLocator) -> None:
    """Log in as a reader of the API docs does."""
    frame.locator(".auth-wrapper .authorize").first.click()
    dialog = frame.locator(".modal-ux")
    end = dialog.locator("button", has_text="Logout")
    expect(dialog).to_be_visible()
    if end.count():
        end.click()
    dialog.locator("#oauth_username").fill("ada")
    dialog.locator("#oauth_password").fill("correct horse")
    dialog.locator("button.authorize").click()
    expect(end).to_be_visible(timeout=20_000)
    dialog.locator("button.btn-done").click()


def call_me(frame: FrameLocator) -> Locator:
    """Call the protected route; return where its answer stands."""
    block = frame.locator(".opblock", has_text="/me")
    if not block.locator(".execute").count():
        block.locator(".opblock-summary-control").click()
    answer = block.locator(".live-responses-table .response").first
    for _ in range(2):  # once more, should the block have been drawn anew under the click
        block.locator(".execute").click()
        with suppress(PlaywrightTimeout):
            answer.wait_for(timeout=10_000)
            break
    return answer


def test_the_recorded_answers_come_out_the_same_in_the_browser(lab: Lab) -> None:
    page = lab("jwt-oauth2")
    press(page, "Send all")
    marks = page.locator(".km-lab-requests .km-lab-mark")
    for mark in marks.all():
        expect(mark).to_contain_text("same", timeout=20_000)
    assert marks.count() == 6


def test_log_in_through_the_api_docs_then_make_tokens_expire(lab: Lab) -> None:
    page = lab("jwt-oauth2")
    frame = docs(page)
    expect(call_me(frame)).to_contain_text("401")
    log_in(frame)
    expect(call_me(frame)).to_contain_text('"user": "ada"')
    files = original(page, "jwt-oauth2")
    rewrite(page, files["main.py"].replace("minutes=15", "minutes=-15"))
    run_again(page)
    log_in(frame)
    expect(call_me(frame)).to_contain_text("Invalid or expired token")
    page.get_by_role("tab", name="Requests").click()
    page.locator("[data-name=me]").click()
    press(page, "Send")
    expect(answer(page)).to_contain_text("401")
    expect(answer(page)).to_contain_text("status 401 instead of 200")


def test_events_arrive_one_by_one(lab: Lab) -> None:
    page = lab("sse")
    events = answer(page).locator(".km-lab-events > li")
    expect(answer(page)).to_contain_text("The same as recorded.", timeout=20_000)
    press(page, "Send")
    seen = []
    for count in (1, 2, 3):
        expect(events).to_have_count(count, timeout=10_000)
        seen.append(time.monotonic())
    assert seen[1] - seen[0] > 0.1
    assert seen[2] - seen[1] > 0.1


def test_an_endless_loop_is_stopped_and_the_page_stays_alive(lab: Lab) -> None:
    page = lab("sse")
    rewrite(page, "while True: pass\n")
    press(page, "Run")
    expect(page.locator(".km-lab-state")).to_contain_text("Starting the app")
    assert page.evaluate("1 + 1") == 2
    press(page, "Stop")
    expect(page.locator(".km-lab-state")).to_contain_text("Stopped")
    press(page, "Reset")
    run_again(page)
    expect(answer(page).locator(".km-status")).to_contain_text("200", timeout=20_000)


def test_an_edit_is_there_after_a_reload_and_runs(lab: Lab) -> None:
    page = lab("sse")
    type_first(page, "print('hello from my edit')\n")
    page.reload()
    page.locator(".km-lab-run").click()
    runs(page)
    assert code(page).startswith("print('hello from my edit')\n")
    page.get_by_role("tab", name="Log").click()
    expect(page.locator(".km-lab-log")).to_contain_text("hello from my edit")


def test_undoing_a_fix_makes_its_proof_fail(lab: Lab) -> None:
    page = lab("jwt-oauth2")
    page.get_by_role("tab", name="Proofs").click()
    row = page.locator(".km-lab-proof", has_text="test_unknown_user_answers_faster")
    row.get_by_role("button", name="Run").click()
    expect(row.locator(".km-lab-mark")).to_contain_text("passed", timeout=PATIENCE)
    fixed = "if not passwords.verify(form.password, USERS.get(form.username, NOBODY)):"
    trap = "if form.username not in USERS or not passwords.verify(form.password, NOBODY):"
    rewrite(page, original(page, "jwt-oauth2")["main.py"].replace(fixed, trap))
    row.get_by_role("button", name="Run").click()
    expect(row.locator(".km-lab-mark")).to_contain_text("failed", timeout=PATIENCE)
    expect(row).to_contain_text("AssertionError")
    press(page, "Reset")
    row.get_by_role("button", name="Run").click()
    expect(row.locator(".km-lab-mark")).to_contain_text("passed", timeout=PATIENCE)


def test_a_proof_that_cannot_run_here_says_why(lab: Lab) -> None:
    page = lab("jwt-oauth2")
    page.get_by_role("tab", name="Proofs").click()
    row = page.locator(".km-lab-proof", has_text="test_passlib_fails_on_every_password")
    row.get_by_role("button", name="Run").click()
    expect(row.locator(".km-lab-mark")).to_contain_text("not here", timeout=PATIENCE)
    expect(row).to_contain_text("needs passlib")


def test_a_websocket_talks_in_both_directions(lab: Lab) -> None:
    page = lab("websockets")
    slot = page.locator(".km-lab-slot")
    slot.get_by_label("Method").select_option("WebSocket")
    slot.get_by_label("Path").fill("/tables/4")
    press(page, "Connect")
    talk = slot.get_by_role("log", name="Messages")
    expect(talk).to_contain_text("connected")
    slot.get_by_role("textbox", name="Message").fill("tea")
    page.keyboard.press("Enter")
    expect(talk).to_contain_text('{"wish":"tea","total":3}')
    slot.get_by_role("textbox", name="Message").fill("pay")
    page.keyboard.press("Enter")
    expect(talk).to_contain_text("closed with 1000: Paid")


def test_a_file_can_be_sent(lab: Lab) -> None:
    page = lab("sse")
    slot = page.locator(".km-lab-slot")
    rewrite(page, UPLOAD)
    slot.get_by_label("Method").select_option("POST")
    slot.get_by_label("Path").fill("/files")
    slot.get_by_text("Query, headers, body").click()
    slot.get_by_label("Kind of body").select_option("file")
    note: FilePayload = {"name": "note.txt", "mimeType": "text/plain", "buffer": b"hello"}
    slot.locator("input[type=file]").set_input_files(note)
    slot.get_by_label("Other fields").fill("title=A note")
    press(page, "Send")
    expect(answer(page)).to_contain_text('"name": "note.txt"', timeout=20_000)
    expect(answer(page)).to_contain_text('"title": "A note"')


def test_nothing_is_loaded_before_the_reader_wants_it(visitor: Visitor) -> None:
    page = visitor.open("about/")
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url))
    page.goto(visitor.root + "topics/sse/")
    expect(page.locator(".km-lab-state")).to_contain_text("MB once")
    page.mouse.move(300, 300)
    page.wait_for_selector("html[data-km-ready]", state="attached")
    parts = [url for url in asked if "/assets/lab/" in url]
    assert [url.rsplit("/", 1)[1] for url in parts] == ["manifest.json"]
    page.locator(".km-lab-run").click()
    runs(page)
    page.reload()
    expect(page.locator(".km-lab-state")).to_contain_text("Already loaded")


def test_a_download_that_fails_is_told_and_can_be_tried_again(
    chromium: Browser, root: str, top: str
) -> None:
    visitor = Visitor(chromium, root, top)  # the browser itself complains about the lost parts
    page = visitor.open("about/")
    page.route("**/assets/lab/*.bin", lambda route: route.abort())
    page.goto(visitor.root + "topics/sse/")
    press(page, "Run")
    expect(page.locator(".km-lab-problems")).to_contain_text("did not load", timeout=PATIENCE)
    page.unroute("**/assets/lab/*.bin")
    press(page, "Run")
    runs(page)
    expect(page.locator(".km-lab-problems")).to_be_empty()
    visitor.close()


def test_who_ran_something_before_need_not_wait_for_the_click(visitor: Visitor) -> None:
    page = visitor.open("about/")
    page.evaluate("localStorage.setItem('km.lab.used', String(Date.now()))")
    page.goto(visitor.root + "topics/sse/")
    with page.expect_response("**/assets/lab/frame.htm"):
        page.locator(".km-lab-run").hover()
    expect(page.locator(".km-lab-code")).to_have_count(0)


def test_an_app_that_does_not_describe_itself_has_no_api_docs(lab: Lab) -> None:
    page = lab("uvicorn-asgi")
    page.get_by_role("tab", name="API docs").click()
    expect(page.locator(".km-lab-docs")).to_contain_text("does not describe itself", timeout=20_000)


def test_errors_point_at_the_readers_own_lines(lab: Lab) -> None:
    page = lab("sse")
    problem = page.locator(".km-lab-problems")
    for text, message in {
        "import x y\n": "invalid syntax",
        "x = 1\n": "has no `app`",
        "import requests\n": "no module 'requests'",
    }.items():
        rewrite(page, text)
        press(page, "Run")
        expect(problem).to_contain_text(message, timeout=20_000)
    rewrite(page, "def f():\n    return 1 / 0\n\n\nf()\n")
    press(page, "Run")
    expect(problem).to_contain_text("division by zero", timeout=20_000)
    expect(page.locator(".cm-problem")).to_have_text("    return 1 / 0")
    problem.get_by_role("button", name="main.py, line 5").click()
    page.keyboard.type("#")
    assert "#f()" in code(page)


def test_very_much_output_is_cut_and_said_to_be(lab: Lab) -> None:
    page = lab("first-app")
    rewrite(page, "for _ in range(200_000): print('x' * 500)\n\n\nasync def app(*_): ...\n")
    run_again(page)
    page.get_by_role("tab", name="Log").click()
    expect(page.locator(".km-lab-log")).to_contain_text("The output was cut here")
