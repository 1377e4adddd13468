"""The topic cors in a real browser: what is let through, what is blocked, and what it says.

One server answers for every name. `localhost:8000` is main.py, `api.example.com` is real.py, the
other hosts below `example.com` are small apps with one setting each, and the rest serve pages.
"""

from __future__ import annotations

import json
import socket
import textwrap
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Protocol
from urllib.request import urlopen

import pytest
from playwright.sync_api import Browser, Page

from macros.tools import browser as found
from tests.browser.line import HOST, serving_app

BUNDLE = Path(__file__).resolve().parents[2] / "docs" / "topics" / "cors"
SCRIPT = (BUNDLE / "look.js").read_text(encoding="utf-8")

PAGE, API = "http://localhost:5173", "http://localhost:8000"
STRANGER = "http://127.0.0.1:5173"
APP, FORUM, EVIL = "http://app.example.com", "http://forum.example.com", "http://evil.test"
REAL = "http://api.example.com"
FORM = "application/x-www-form-urlencoded"
JSON = {"method": "PUT", "headers": {"Content-Type": "application/json"}, "body": '{"text":"x"}'}
COOKIES = {"credentials": "include"}

HOSTS = """
import json
import os

os.environ["WEB_ORIGINS"] = "http://app.example.com"

import main
import real
from fastapi import FastAPI, Response
from fastapi.middleware.cors import CORSMiddleware

METHODS = ["GET", "POST", "PUT", "DELETE"]
APP = ["http://app.example.com"]
seen = []


def door(**options):
    api = FastAPI()

    @api.api_route("/", methods=METHODS)
    def answer(response: Response) -> str:
        response.headers["X-Total-Count"] = "42"
        return "done"

    api.add_middleware(CORSMiddleware, **options)
    return api


def twice(app):
    async def add_another(scope, receive, send):
        async def sending(message):
            if message["type"] == "http.response.start":
                message["headers"].append((b"access-control-allow-origin", b"*"))
            await send(message)

        await app(scope, receive, sending)

    return add_another


APPS = {
    "localhost:8000": main.app,
    "api.example.com": real.app,
    "any.example.com": door(
        allow_origins=["*"], allow_methods=["*"], allow_headers=["*"]
    ),
    "trusting.example.com": door(allow_origins=["*"], allow_credentials=True),
    "listing.example.com": door(allow_origins=APP, allow_credentials=True),
    "slash.example.com": door(allow_origins=["http://app.example.com/"]),
    "exposing.example.com": door(allow_origins=APP, expose_headers=["X-Total-Count"]),
    "star.example.com": door(
        allow_origins=APP, expose_headers=["*"], allow_credentials=True
    ),
    "twice.example.com": twice(door(allow_origins=APP)),
}


async def app(scope, receive, send):
    if scope["type"] != "http":
        return await main.app(scope, receive, send)
    headers = {name.decode(): value.decode() for name, value in scope["headers"]}
    if headers["host"] in APPS:
        secret = "cookie" in headers or "authorization" in headers
        seen.append([scope["method"], headers["host"], secret])
        return await APPS[headers["host"]](scope, receive, send)
    page = Response("<title>A page</title>", media_type="text/html")
    if scope["path"] == "/sign-in":
        page.set_cookie("session", "demo-session", domain="example.com", samesite="lax")
    if scope["path"] == "/seen":
        page = Response(json.dumps(seen))
        seen.clear()
    await page(scope, receive, send)
"""

CALL = """async ([script, url, options]) => {
  const address = URL.createObjectURL(new Blob([script], { type: "text/javascript" }));
  const { look } = await import(address);
  return look(url, options);
}"""


class Visit:
    """A page of an origin, what its console says, and what arrives at the apps."""

    def __init__(self, page: Page, origin: str, port: int) -> None:
        self.said: list[str] = []
        self._page = page
        self._port = port
        page.goto(f"{origin}/sign-in")
        page.on("console", lambda message: self.said.append(message.text))
        self.arrived()

    def look(self, url: str, options: dict[str, Any] | None = None) -> Any:
        """Return what the script of the bundle learns."""
        return self._page.evaluate(CALL, [SCRIPT, url, options or {}])

    def arrived(self) -> list[list[Any]]:
        """Return, since the last call, each method, host, and whether a cookie or token came."""
        with urlopen(f"http://{HOST}:{self._port}/seen") as answer:
            return json.load(answer)  # type: ignore[no-any-return]

    def blocked(self, url: str, options: dict[str, Any] | None = None) -> str:
        """Return the complaint in the console about a request of which a script learns nothing."""
        assert self.look(url, options) == "TypeError: Failed to fetch"
        complaint, *rest = self.said
        self.said.clear()
        assert rest in ([], ["Failed to load resource: net::ERR_FAILED"])
        return complaint


class Visiting(Protocol):
    def __call__(self, origin: str) -> Visit: ...


@pytest.fixture(scope="module")
def hosts(
    chromium: Browser, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[tuple[Browser, int]]:
    """A browser for which all names lead to one server, and one name to nobody; and the port."""
    folder = tmp_path_factory.mktemp("hosts")
    (folder / "hosts.py").write_text(HOSTS, encoding="utf-8")
    with serving_app("hosts:app", BUNDLE, folder) as port, socket.socket() as silent:
        silent.bind((HOST, 0))
        nobody = f"MAP down.example.com {HOST}:{silent.getsockname()[1]}"
        rules = f"--host-resolver-rules={nobody}, MAP * {HOST}:{port}"
        browser = chromium.browser_type.launch(
            executable_path=found.find(), args=[*found.FLAGS, rules]
        )
        yield browser, port
        browser.close()


@pytest.fixture
def visit(hosts: tuple[Browser, int]) -> Iterator[Visiting]:
    """Opens pages; whoever visits a page below example.com is signed in to all of it."""
    browser, port = hosts
    contexts = []

    def visit(origin: str) -> Visit:
        contexts.append(browser.new_context())
        return Visit(contexts[-1].new_page(), origin, port)

    yield visit
    for context in contexts:
        context.close()


# What is let through, and what is asked before


def test_the_listed_page_reads_and_writes(visit: Visiting) -> None:
    page = visit(PAGE)
    assert page.look(f"{API}/notes/1") == {
        "type": "cors",
        "status": 200,
        "headers": ["content-length", "content-type"],
        "text": '{"text":"Buy milk"}',
    }
    assert page.look(f"{API}/notes/1", JSON)["status"] == 200
    assert [method for method, *_ in page.arrived()] == ["GET", "OPTIONS", "PUT"]
    assert page.said == []


@pytest.mark.parametrize(
    ("options", "asked"),
    [
        ({}, False),
        ({"method": "HEAD"}, False),
        ({"method": "POST"}, False),
        ({"method": "POST", "body": "text"}, False),
        ({"method": "POST", "headers": {"Content-Type": FORM}, "body": "a=1"}, False),
        ({"headers": {"Accept-Language": "de"}}, False),
        ({"credentials": "include"}, False),
        ({"method": "POST", "headers": JSON["headers"], "body": "{}"}, True),
        ({"headers": {"Authorization": "Bearer 1"}}, True),
        ({"headers": {"X-Request-ID": "1"}}, True),
        ({"method": "PUT"}, True),
        ({"method": "PATCH"}, True),
        ({"method": "DELETE"}, True),
    ],
    ids=str,
)
def test_only_what_a_form_cannot_send_is_asked_before(
    visit: Visiting, options: dict[str, Any], asked: bool
) -> None:
    page = visit(APP)
    page.look("http://any.example.com/", options)
    methods = [method for method, *_ in page.arrived()]
    assert methods == ["OPTIONS"] * asked + [options.get("method", "GET")]


def test_a_granted_preflight_is_remembered(visit: Visiting) -> None:
    page = visit(PAGE)
    for _ in range(3):
        page.look(f"{API}/notes/1", JSON)
    assert [method for method, *_ in page.arrived()] == ["OPTIONS", "PUT", "PUT", "PUT"]


def test_a_preflight_carries_no_token_and_no_cookie(visit: Visiting) -> None:
    page = visit(APP)
    page.look("http://any.example.com", {"headers": {"Authorization": "Bearer 1"}})
    assert page.arrived() == [
        ["OPTIONS", "any.example.com", False],
        ["GET", "any.example.com", True],
    ]
    assert page.look(f"{REAL}/notes/0", {**JSON, **COOKIES})["status"] == 200
    host = REAL.removeprefix("http://")
    assert page.arrived() == [["OPTIONS", host, False], ["PUT", host, True]]


# What is blocked, and what the console says


def test_the_console_says(visit: Visiting, request: pytest.FixtureRequest) -> None:
    page, stranger, app = visit(PAGE), visit(STRANGER), visit(APP)
    complaints = {
        "The page is not on the list": stranger.blocked(f"{API}/notes/1"),
        "A bug: status 500": page.blocked(f"{API}/notes/7"),
        "The page is not on the list, and sends a PUT": stranger.blocked(f"{API}/notes/1", JSON),
        "The page is on the list, the method is not": page.blocked(
            f"{API}/notes/1", {"method": "DELETE"}
        ),
        "The page is on the list, the header is not": page.blocked(
            f"{API}/notes/1", {"headers": {"Authorization": "Bearer 1"}}
        ),
        "With cookies, without allow_credentials": page.blocked(f"{API}/notes/1", COOKIES),
        'With cookies, and allow_origins=["*"] alone': app.blocked(
            "http://any.example.com", COOKIES
        ),
        "A proxy adds the header again": app.blocked("http://twice.example.com"),
        "No server listens": app.blocked("http://down.example.com"),
    }
    parts = [
        f"# {what}\n" + "\n".join(textwrap.wrap(text, 84, break_on_hyphens=False))
        for what, text in complaints.items()
    ]
    text = "\n\n".join(parts) + "\n"
    recorded = BUNDLE / "console.txt"
    if request.config.option.fix_outputs:
        recorded.write_text(text, encoding="utf-8")
    assert recorded.read_text(encoding="utf-8") == text


def test_a_bug_reads_like_a_missing_permission(visit: Visiting) -> None:
    bug = visit(PAGE).blocked(f"{API}/notes/7")
    missing = visit(STRANGER).blocked(f"{API}/notes/1")
    assert bug.replace("/7", "/1").replace(PAGE, STRANGER) == missing


def test_the_shipped_app_shows_its_errors(visit: Visiting) -> None:
    page = visit(APP)

    def status(path: str, text: str, **options: str) -> int:
        sent = {**JSON, "body": json.dumps({"text": text}), **options}
        return page.look(REAL + path, sent)["status"]  # type: ignore[no-any-return]

    assert status("/notes/0", "x") == 401
    assert status("/notes/9", "x", **COOKIES) == 500
    assert status("/notes/0", "x" * 10_000, **COOKIES) == 413


def test_a_slash_in_the_list_blocks_the_page(visit: Visiting) -> None:
    assert "No 'Access-Control-Allow-Origin'" in visit(APP).blocked("http://slash.example.com")


def test_no_cors_silences_the_console_and_shows_nothing(visit: Visiting) -> None:
    page = visit(STRANGER)
    seen = page.look(f"{API}/notes/1", {"mode": "no-cors"})
    assert seen == {"type": "opaque", "status": 0, "headers": [], "text": ""}
    assert page.said == []


# What is blocked has happened all the same


def test_a_blocked_answer_has_been_written(visit: Visiting) -> None:
    page = visit(STRANGER)
    page.blocked("http://listing.example.com", {"method": "POST"})
    assert page.arrived() == [["POST", "listing.example.com", False]]


def test_a_refused_preflight_keeps_the_request_back(visit: Visiting) -> None:
    page = visit(STRANGER)
    page.blocked(f"{API}/notes/1", JSON)
    assert [method for method, *_ in page.arrived()] == ["OPTIONS"]


# Cookies, and who may read with them


def test_star_with_credentials_lets_a_neighbor_read_as_the_user(visit: Visiting) -> None:
    page = visit(FORUM)
    assert page.look("http://trusting.example.com", COOKIES)["status"] == 200
    assert page.arrived() == [["GET", "trusting.example.com", True]]
    page.blocked("http://listing.example.com", COOKIES)


def test_a_lax_cookie_does_not_travel_from_another_site(visit: Visiting) -> None:
    page = visit(EVIL)
    assert page.look("http://trusting.example.com", COOKIES)["status"] == 200
    assert page.arrived() == [["GET", "trusting.example.com", False]]


def test_without_credentials_no_cookie_is_sent(visit: Visiting) -> None:
    page = visit(APP)
    assert page.look(f"{REAL}/notes")["status"] == 401
    assert page.look(f"{REAL}/notes", COOKIES)["status"] == 200
    assert [cookie for *_, cookie in page.arrived()] == [False, True]


# Headers that a script sees


@pytest.mark.parametrize(
    ("host", "options", "seen"),
    [
        ("listing", {}, False),
        ("exposing", {}, True),
        ("star", {}, True),
        ("star", COOKIES, False),
    ],
)
def test_a_header_is_seen_if_it_is_exposed(
    visit: Visiting, host: str, options: dict[str, Any], seen: bool
) -> None:
    answer = visit(APP).look(f"http://{host}.example.com", options)
    assert ("x-total-count" in answer["headers"]) is seen
