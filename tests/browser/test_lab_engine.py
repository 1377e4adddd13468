"""The lab's engine in a real browser: what it can do, what it must not, and that it always ends."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from playwright.sync_api import Browser, Page

from tests.browser.lab_apps import APP, HOSTILE, OPEN, SNAPSHOT


@pytest.fixture(scope="module")
def page(chromium: Browser, root: str) -> Iterator[Page]:
    context = chromium.new_context()
    page = context.new_page()
    page.goto(root)
    page.evaluate(OPEN, root + "assets/lab/")
    yield page
    context.close()


@pytest.fixture
def app(page: Page) -> Page:
    assert load(page, APP)["ok"]
    return page


def load(page: Page, code: str, **files: str) -> Any:
    script = """(files) => window.lab.load({ files })"""
    named = {f"{name}.py": text for name, text in files.items()}
    return page.evaluate(script, {"main.py": code, **named})


def ask(page: Page, path: str) -> Any:
    return page.evaluate("(path) => window.ask(path)", path)


def test_an_app_answers_and_prints(app: Page) -> None:
    app.evaluate("window.log.length = 0")
    answer = ask(app, "/")
    assert answer["status"] == 200
    assert answer["body"] == '{"hello":"world"}'
    assert ["content-type", "application/json"] in answer["headers"]
    app.wait_for_function("window.log.length > 0")
    assert app.evaluate("window.log[0].text") == "hello\n"


def test_the_next_run_begins_afresh(app: Page) -> None:
    changed = APP.replace('"world"', '"moon"')
    assert load(app, changed)["ok"]
    assert ask(app, "/")["body"] == '{"hello":"moon"}'


def test_an_exception_tells_its_place_in_the_readers_own_file(app: Page) -> None:
    answer = ask(app, "/boom")
    assert answer["status"] == 500
    error = answer["error"]
    line = APP.splitlines().index('    return {}["missing"]') + 1
    assert (error["kind"], error["file"], error["line"]) == ("KeyError", "main.py", line)
    assert f'File "main.py", line {line}, in boom' in error["traceback"]
    assert "/lib/" not in error["traceback"]


def test_pieces_of_a_stream_arrive_one_by_one(app: Page) -> None:
    times = app.evaluate("""async () => {
      const seen = [];
      const onChunk = (piece) => seen.push([window.text(piece), performance.now()]);
      await window.lab.request({ path: "/stream" }, { onChunk });
      return seen;
    }""")
    assert [text for text, _ in times] == ["0\n", "1\n", "2\n"]
    assert times[2][1] - times[0][1] > 300


def test_a_websocket_speaks_both_ways(app: Page) -> None:
    events = app.evaluate("""() => new Promise((done) => {
      const events = [];
      const socket = window.lab.websocket({ path: "/socket" }, {
        onOpen: () => { events.push("open"); socket.send("hi"); },
        onMessage: (data) => { events.push(data); socket.close(1000, "bye"); },
        onClose: ({ code }) => { events.push(code); done(events); },
      });
    })""")
    assert events == ["open", "heard hi", 1000]


def test_stop_ends_an_endless_loop_and_the_next_run_works(app: Page) -> None:
    ended = app.evaluate("""async () => {
      const pending = window.ask("/loop");
      await new Promise((later) => setTimeout(later, 300));
      await window.lab.stop();
      return { error: (await pending).error, state: window.lab.state };
    }""")
    assert ended["error"]["kind"] == "Stopped"
    assert ended["state"] == "stopped"
    assert load(app, APP)["ok"]
    assert ask(app, "/items/3")["body"] == '{"number":3}'


def test_a_silent_run_is_stopped_after_its_time(app: Page) -> None:
    try:
        error = app.evaluate("""async () => {
          window.lab.limits = { ...window.lab.limits, seconds: 1 };
          return (await window.ask("/loop")).error;
        }""")
    finally:
        app.evaluate("window.lab.limits = window.session.LIMITS")
    assert error["kind"] == "Stopped"
    assert "no sign of life for 1 s" in error["message"]


def test_endless_recursion_is_an_error_and_the_lab_goes_on(app: Page) -> None:
    error = ask(app, "/deep")["error"]
    assert error["kind"] == "RecursionError"
    assert len(error["traceback"].splitlines()) < 40
    assert ask(app, "/items/1")["status"] == 200


def test_a_hundred_megabytes_of_output_are_cut(app: Page) -> None:
    app.evaluate("window.log.length = 0")
    assert ask(app, "/print")["status"] == 200
    app.wait_for_function("window.log.some((line) => line.truncated)")
    kept = app.evaluate("window.log.reduce((sum, line) => sum + line.text.length, 0)")
    assert kept <= app.evaluate("window.lab.limits.outputBytes")


def test_memory_has_an_end_and_the_lab_goes_on(app: Page) -> None:
    assert ask(app, "/memory")["error"]["kind"] == "MemoryError"
    assert ask(app, "/items/1")["status"] == 200


@pytest.mark.parametrize(
    ("code", "kind", "message"),
    [
        ("def broken(:\n    pass\n", "SyntaxError", "invalid syntax"),
        ("application = 1\n", "LookupError", "main.py has no `app`"),
        ("import nothing_like_it\n", "ModuleNotFoundError", "there is no module 'nothing_like_it'"),
        ("raise ValueError('not today')\n", "ValueError", "not today"),
        (
            "from contextlib import asynccontextmanager\nfrom fastapi import FastAPI\n"
            "@asynccontextmanager\nasync def life(app):\n    raise OSError('no database')\n"
            "    yield\napp = FastAPI(lifespan=life)\n",
            "OSError",
            "no database",
        ),
    ],
)
def test_bad_code_gives_a_clear_message(page: Page, code: str, kind: str, message: str) -> None:
    result = load(page, code)
    assert result["ok"] is False
    assert result["error"]["kind"] == kind
    assert message in result["error"]["message"]
    assert result["error"]["file"] == "main.py"


def test_a_missing_module_is_answered_with_what_is_there(page: Page) -> None:
    error = load(page, "import models\n", other="x = 1")["error"]
    assert "Files here: main, other." in error["message"]
    assert "fastapi" in error["message"]


def test_hostile_code_reaches_nothing(page: Page, root: str) -> None:
    assert load(page, HOSTILE)["ok"]
    left: list[str] = []
    page.on("request", lambda request: left.append(request.url))
    names = [line.split('"')[1] for line in HOSTILE.splitlines() if line.startswith('    "')]
    assert len(names) == 16
    for name in names:
        query = f"name={name.replace(' ', '%20')}&address={root}"
        answer = page.evaluate("(path) => window.ask(path)", f"/attack?{query}")
        assert "refused" in answer["body"], (name, answer)
    assert left == []


def test_a_broadcast_of_hostile_code_is_not_heard(page: Page) -> None:
    assert load(page, HOSTILE)["ok"]
    heard = page.evaluate("""async () => {
      const heard = [];
      const channel = new BroadcastChannel("km-lab-test");
      channel.onmessage = ({ data }) => heard.push(data);
      await window.ask("/whisper");
      await new Promise((later) => setTimeout(later, 300));
      channel.close();
      return heard;
    }""")
    assert heard == []


def test_the_client_library_refuses_the_network_with_a_reason(page: Page) -> None:
    code = (
        "import httpx2\nfrom fastapi import FastAPI\napp = FastAPI()\n"
        "@app.get('/')\nasync def root():\n"
        "    async with httpx2.AsyncClient() as http:\n"
        "        await http.get('https://example.com/')\n"
    )
    assert load(page, code)["ok"]
    assert "The lab has no network" in ask(page, "/")["error"]["message"]


def test_a_fix_undone_makes_its_proof_fail(page: Page) -> None:
    outcomes = page.evaluate("""async () => {
      const topic = await window.session.topic(window.base, "path-parameters");
      const run = async (files) => {
        const seen = {};
        await window.lab.proofs({ ...topic, files }, { onResult: (r) => (seen[r.name] = r) });
        return seen;
      };
      const before = await run(topic.files);
      const broken = topic.files["main.py"].replace("ge=1", "ge=-9");
      const after = await run({ ...topic.files, "main.py": broken });
      const failed = (seen) => Object.values(seen).filter((one) => one.outcome === "failed");
      const count = Object.keys(before).length;
      return { before: failed(before).length, count, after: failed(after) };
    }""")
    assert outcomes["before"] == 0
    assert outcomes["count"] > 10
    assert outcomes["after"]
    assert outcomes["after"][0]["line"] > 0


def test_a_second_visit_starts_from_the_snapshot(chromium: Browser, root: str) -> None:
    context = chromium.new_context()
    first, second = context.new_page(), context.new_page()
    first.goto(root)
    cold = first.evaluate(OPEN, root + "assets/lab/")
    first.evaluate(SNAPSHOT)
    second.goto(root)
    fetched: list[str] = []
    second.on("request", lambda request: fetched.append(request.url))
    warm = second.evaluate(OPEN, root + "assets/lab/")
    assert cold["fresh"]
    assert not warm["fresh"]
    assert not [url for url in fetched if url.endswith(".bin")]
    assert load(second, APP)["ok"]
    assert ask(second, "/")["body"] == '{"hello":"world"}'
    assert second.evaluate("window.session.about(window.base).then(({ cached }) => cached)")
    context.close()


def test_a_broken_snapshot_is_made_anew(chromium: Browser, root: str) -> None:
    context = chromium.new_context()
    page = context.new_page()
    page.goto(root)
    page.evaluate(OPEN, root + "assets/lab/")
    page.evaluate(SNAPSHOT)
    page.evaluate("""async () => {
      const cache = await caches.open("km-lab");
      const kept = (await cache.keys()).find(({ url }) => url.includes("snapshot-"));
      await cache.put(kept.url, new Response(new Uint8Array(1000)));
    }""")
    page.reload()
    assert page.evaluate(OPEN, root + "assets/lab/")["fresh"]
    assert load(page, APP)["ok"]
    context.close()
