"""The topic sse in a real browser: what an EventSource gets, sends, and when it gives up."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.request import urlopen

import pytest
from playwright.sync_api import Browser, Page

from tests.browser.line import Line, serving_app

BUNDLE = Path(__file__).resolve().parents[2] / "docs" / "topics" / "sse"
CONNECTING, OPEN, CLOSED = range(3)

# The app of real.py with what a test needs besides: a login, news, failures, endless streams.
SHOP = """
import asyncio

import real
from fastapi import Response
from fastapi.sse import EventSourceResponse
from real import app

real.BEAT = 0.1


@app.get("/login")
async def log_in(response: Response) -> None:
    real.sessions["1"] = "ada"
    response.set_cookie("session", "1", httponly=True, samesite="strict")


@app.get("/save/{number}")
async def save(number: int) -> None:
    real.save("ada", real.Order(number=number, status="paid"))


@app.get("/restart/{number}")
async def restart(number: int) -> None:
    old, real.hub = real.hub, real.Hub()
    real.save("ada", real.Order(number=number, status="paid"))
    old.end_streams_of("ada")


@app.get("/status/{code}")
async def status(code: int) -> Response:
    return Response(status_code=code, media_type="text/event-stream")


@app.get("/endless/{number}", response_class=EventSourceResponse)
async def endless(number: int):
    await asyncio.Event().wait()
    yield
"""

# Notes what an EventSource does, until `enough` has happened.
LISTEN = """async ([url, names, enough]) => {
  const seen = [];
  const source = new EventSource(url);
  await new Promise((done) => {
    for (const name of ["open", "message", "error", ...names]) {
      source.addEventListener(name, (event) => {
        seen.push([event.type, event.lastEventId ?? null, source.readyState]);
        if (seen.length >= enough) done();
      });
    }
  });
  source.close();
  return seen;
}"""

WATCH = """async ([script, silence]) => {
  window.shown = [];
  window.signIn = 0;
  const address = URL.createObjectURL(new Blob([script], { type: "text/javascript" }));
  const { watch } = await import(address);
  const show = (orders) => shown.push(...orders.map((order) => order.number));
  watch(show, () => (window.signIn += 1), silence, 50);
}"""


@pytest.fixture(scope="module")
def parcel_port(tmp_path_factory: pytest.TempPathFactory) -> Iterator[int]:
    with serving_app("main:app", BUNDLE, tmp_path_factory.mktemp("parcel")) as port:
        yield port


@pytest.fixture(scope="module")
def shop_port(tmp_path_factory: pytest.TempPathFactory) -> Iterator[int]:
    folder = tmp_path_factory.mktemp("shop")
    (folder / "shop.py").write_text(SHOP, encoding="utf-8")
    with serving_app("shop:app", BUNDLE, folder) as port:
        yield port


@pytest.fixture
def parcel(parcel_port: int) -> Iterator[Line]:
    """A line to main.py."""
    line = Line(parcel_port)
    yield line
    line.close()


@pytest.fixture
def shop(shop_port: int) -> Iterator[Line]:
    """A line to real.py."""
    line = Line(shop_port)
    yield line
    line.close()


@pytest.fixture
def page(chromium: Browser, parcel: Line, shop: Line) -> Iterator[Page]:
    """A page that is closed before the lines are."""
    context = chromium.new_context()
    yield context.new_page()
    context.close()


def visit(page: Page, line: Line, path: str = "/openapi.json") -> None:
    page.goto(line.url + path)


def news(shop_port: int, number: int, *, by: str = "save") -> None:
    with urlopen(f"http://127.0.0.1:{shop_port}/{by}/{number}") as answer:
        assert answer.status == 200


def kinds(seen: Any) -> list[str]:
    return [kind for kind, *_ in seen]


def test_events_come_one_by_one_and_a_204_ends_it(page: Page, parcel: Line) -> None:
    visit(page, parcel)
    seen = page.evaluate(LISTEN, ["/parcel", [], 6])
    assert kinds(seen) == ["open", "message", "message", "message", "error", "error"]
    assert [last_id for _, last_id, _ in seen[1:4]] == ["1", "2", "3"]
    assert [state for *_, state in seen] == [OPEN, OPEN, OPEN, OPEN, CONNECTING, CLOSED]

    first, second = parcel.requested("/parcel")
    assert first["accept"] == "text/event-stream"
    assert not {"authorization", "last-event-id"} & first.keys()
    assert second["last-event-id"] == "3"


def test_after_a_cut_it_takes_up_where_it_was(page: Page, parcel: Line) -> None:
    visit(page, parcel)
    page.evaluate("""() => {
      window.places = [];
      new EventSource("/parcel").onmessage = (event) => places.push(JSON.parse(event.data).place);
    }""")
    page.wait_for_function("places.length === 1")
    parcel.cut()
    page.wait_for_function("places.length === 3")
    assert page.evaluate("places") == ["Lisbon", "Lyon", "Ghent"]
    assert parcel.requested("/parcel")[1]["last-event-id"] == "1"


@pytest.mark.parametrize("code", [204, 401, 429, 500, 502])
def test_another_status_ends_it_for_good(page: Page, shop: Line, code: int) -> None:
    visit(page, shop)
    assert page.evaluate(LISTEN, [f"/status/{code}", [], 1]) == [["error", None, CLOSED]]


def test_another_content_type_ends_it_for_good(page: Page, shop: Line) -> None:
    visit(page, shop)
    assert page.evaluate(LISTEN, ["/openapi.json", [], 1]) == [["error", None, CLOSED]]


def test_a_named_event_is_no_message_and_a_beat_keeps_the_last_id(
    page: Page, shop: Line, shop_port: int
) -> None:
    visit(page, shop, "/login")
    cursor = page.evaluate("fetch('/orders').then((answer) => answer.json())")["cursor"]
    news(shop_port, 1)
    seen = page.evaluate(LISTEN, [f"/events?after={cursor}", ["order", "beat"], 3])
    assert kinds(seen) == ["open", "order", "beat"]
    run, _, number = cursor.rpartition("-")
    assert [last_id for _, last_id, _ in seen[1:]] == [f"{run}-{int(number) + 1}"] * 2


def test_six_streams_leave_no_connection_for_a_request(page: Page, shop: Line) -> None:
    visit(page, shop)
    order = page.evaluate("""async () => {
      const order = [];
      const streams = Array.from({ length: 6 }, (_, n) => new EventSource(`/endless/${n}`));
      await Promise.all(streams.map((one) => new Promise((open) => (one.onopen = open))));
      const request = fetch("/openapi.json").then(() => order.push("answered"));
      await new Promise((later) => setTimeout(later, 300));
      order.push("one stream closed");
      streams[0].close();
      await request;
      return order;
    }""")
    assert order == ["one stream closed", "answered"]


def start_watching(page: Page, shop: Line, silence: int = 600_000) -> None:
    visit(page, shop, "/login")
    page.evaluate(WATCH, [(BUNDLE / "watch.js").read_text(encoding="utf-8"), silence])
    page.wait_for_function("performance.getEntriesByName(location.origin + '/orders').length")


def test_the_shipped_client_shows_news_and_signs_in_again_after_a_logout(
    page: Page, shop: Line, shop_port: int
) -> None:
    start_watching(page, shop)
    news(shop_port, 101)
    page.wait_for_function("shown.includes(101)")
    page.evaluate("fetch('/logout', { method: 'POST' })")
    page.wait_for_function("signIn === 1")


def test_the_shipped_client_gets_over_a_cut(page: Page, shop: Line, shop_port: int) -> None:
    start_watching(page, shop)
    shop.cut()
    news(shop_port, 102)
    page.wait_for_function("shown.includes(102)")


def test_the_shipped_client_notices_a_dead_line(page: Page, shop: Line, shop_port: int) -> None:
    start_watching(page, shop, silence=500)
    shop.go_dead()
    news(shop_port, 103)
    page.wait_for_function("shown.includes(103)")


def test_the_shipped_client_gets_over_an_outage(page: Page, shop: Line, shop_port: int) -> None:
    failing = json.dumps("no upstream")
    page.route("**/events*", lambda route: route.fulfill(status=502, body=failing), times=2)
    start_watching(page, shop)
    news(shop_port, 104)
    page.wait_for_function("shown.includes(104)")


def test_the_shipped_client_starts_over_after_a_restart(
    page: Page, shop: Line, shop_port: int
) -> None:
    start_watching(page, shop)
    news(shop_port, 105)
    page.wait_for_function("shown.includes(105)")
    news(shop_port, 106, by="restart")
    page.wait_for_function("shown.includes(106)")
