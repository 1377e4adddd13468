import asyncio
import base64
import sys
from contextlib import suppress
from typing import Annotated

import main
import pytest
import real
import refusals
from fastapi import (
    BackgroundTasks,
    Depends,
    FastAPI,
    Header,
    HTTPException,
    Request,
    WebSocket,
    WebSocketDisconnect,
    WebSocketException,
)
from fastapi.middleware.cors import CORSMiddleware
from fastapi.requests import HTTPConnection
from fastapi.security import (
    APIKeyCookie,
    APIKeyHeader,
    HTTPBasic,
    HTTPBearer,
    OAuth2PasswordBearer,
)
from fastapi.testclient import TestClient
from main import app
from starlette.websockets import WebSocketDisconnected

TEA = '{"wish":"tea","total":3}'


class Browser:
    """The other end of a WebSocket: what a server does for it, in process.

    `room` is how many messages fit on the way to a client that does not read.
    """

    def __init__(self, app, path, *, room=100, **headers):
        self.to_app, self.from_app = asyncio.Queue(), asyncio.Queue(room)
        self.gone = False
        path, _, query = path.partition("?")
        pairs = [(k.encode(), v.encode()) for k, v in headers.items()]
        self.scope = {
            "type": "websocket",
            "asgi": {"version": "3.0", "spec_version": "2.4"},
            "http_version": "1.1",
            "scheme": "ws",
            "path": path,
            "raw_path": path.encode(),
            "query_string": query.encode(),
            "headers": pairs,
            "subprotocols": [],
            "client": ("127.0.0.1", 50000),
            "server": ("test", 80),
            "state": {},
            "extensions": {"websocket.http.response": {}},
        }
        self.app = app

    async def __aenter__(self):
        self.to_app.put_nowait({"type": "websocket.connect"})
        self.task = asyncio.create_task(self.run())
        self.answer = await self.hear()
        return self

    async def __aexit__(self, *_):
        self.leave()
        self.task.cancel()
        await asyncio.wait({self.task})

    async def run(self):
        error = ""
        try:
            await self.app(self.scope, self.to_app.get, self.send)
        except Exception as raised:
            error = f" with {raised!r}"
        if not self.gone:
            await self.from_app.put({"type": "over", "text": f"over{error}"})

    async def send(self, message):
        if self.gone:
            raise OSError("the client is gone")
        await self.from_app.put(message)

    async def hear(self):
        async with asyncio.timeout(5):
            message = await self.from_app.get()
            match message["type"]:
                case "websocket.accept":
                    return "accept"
                case "websocket.close":
                    return f"close {message['code']} {message['reason']}".strip()
                case "websocket.http.response.start":
                    body = await self.from_app.get()
                    return f"HTTP {message['status']} {body['body'].decode()}"
                case _:
                    return message["text"]

    def say(self, data):
        kind = "bytes" if isinstance(data, bytes) else "text"
        self.to_app.put_nowait({"type": "websocket.receive", kind: data})

    async def ask(self, text):
        self.say(text)
        return await self.hear()

    def leave(self, code=1001):
        if not self.gone:
            self.gone = True
            while not self.from_app.empty():
                self.from_app.get_nowait()
            event = {"type": "websocket.disconnect", "code": code, "reason": ""}
            self.to_app.put_nowait(event)


async def settle():
    """Let every task go on until all of them wait."""
    for _ in range(50):
        await asyncio.sleep(0)


def app_with(endpoint, path="/", **options):
    api = FastAPI()
    api.websocket(path, **options)(endpoint)
    return api


@pytest.fixture
def house(monkeypatch):
    monkeypatch.setattr(main, "house", main.House(seated=[], unpaid={}))


@pytest.fixture
def auction(monkeypatch):
    """Two users with a session each, and lots without bids."""
    monkeypatch.setattr(real, "lots", {1: real.Lot(), 2: real.Lot()})
    monkeypatch.setattr(real, "sessions", {"a": "ada", "b": "bob"})

    def sit_down(
        session="a", path="/lots/1", origin="https://auction.example", **more
    ):
        headers = {"origin": origin, "cookie": f"session={session}"} | more
        return Browser(real.app, path, **headers)

    return sit_down


# How main behaves


async def test_a_connection_has_its_own_state_until_it_is_closed(house, shown):
    said = ["  browser              app"]

    async def exchange(table, text):
        answer = await table.ask(text)
        said.append(f"> {text:20} {answer}")
        return answer

    async with (
        Browser(app, "/tables/4") as four,
        Browser(app, "/tables/7") as seven,
    ):
        assert four.answer == "accept"
        said.append(f"> {'connect':20} {four.answer}")
        assert await exchange(four, "tea") == TEA
        assert await exchange(four, "cake") == '{"wish":"cake","total":8}'
        assert await seven.ask("tea") == TEA
        assert await exchange(four, "pay") == "close 1000 Paid"
        assert await four.hear() == "over"
    shown("dialogue", "\n".join(said))


async def test_a_guest_who_leaves_without_paying_is_noticed(house, client):
    async with Browser(app, "/tables/4") as four:
        await four.ask("tea")
        assert (await client.get("/tables")).json() == {"seated": [4], "unpaid": {}}
        four.leave()
        await settle()
        assert (await client.get("/tables")).json() == {
            "seated": [],
            "unpaid": {"4": 3},
        }


async def test_a_websocket_route_is_no_page(house, client):
    answer = await client.get("/tables/4")
    assert (answer.status_code, answer.json()) == (404, {"detail": "Not Found"})


async def test_a_bad_path_parameter_closes_before_the_accept(house):
    async with Browser(app, "/tables/four") as table:
        assert table.answer.startswith("close 1008")
    async with Browser(app, "/chairs/4") as table:
        assert table.answer.startswith("close 1000")


async def test_websocket_routes_are_not_in_openapi():
    assert list(app.openapi()["paths"]) == ["/tables"]


# What happens in the handshake and after it


@pytest.mark.parametrize(
    "scheme",
    [
        OAuth2PasswordBearer("token"),
        HTTPBearer(),
        HTTPBasic(),
        APIKeyHeader(name="x-key"),
        APIKeyCookie(name="session"),
    ],
    ids=lambda scheme: type(scheme).__name__,
)
async def test_security_classes_refuse_the_handshake_with_401(scheme):
    async def endpoint(
        websocket: WebSocket, who: Annotated[object, Depends(scheme)]
    ):
        await websocket.accept()
        await websocket.send_text("welcome")

    good = {
        "authorization": "Basic YTpi" if type(scheme) is HTTPBasic else "Bearer t",
        "x-key": "k",
        "cookie": "session=s",
    }
    async with Browser(app_with(endpoint), "/") as stranger:
        assert stranger.answer == 'HTTP 401 {"detail":"Not authenticated"}'
    async with Browser(app_with(endpoint), "/", **good) as friend:
        assert (friend.answer, await friend.hear()) == ("accept", "welcome")


async def test_a_dependency_that_wants_the_request_fails():
    async def with_request(request: Request) -> str:
        return request.url.path

    async def with_connection(connection: HTTPConnection) -> str:
        return connection.url.path

    async def probe(dependency):
        async def endpoint(
            websocket: WebSocket, path: Annotated[str, Depends(dependency)]
        ):
            await websocket.accept()

        async with Browser(app_with(endpoint), "/") as browser:
            return browser.answer

    trouble = await probe(with_request)
    assert "missing 1 required positional argument: 'request'" in trouble
    assert await probe(with_connection) == "accept"


async def test_dependencies_live_as_long_as_the_connection():
    log = []

    async def session():
        log.append("open")
        yield
        log.append("close")

    async def probe(scope):
        log.clear()
        need = Depends(session, scope=scope)

        async def endpoint(websocket: WebSocket, it: Annotated[None, need]):
            await websocket.accept()
            await websocket.receive_text()
            log.append("said")

        async with Browser(app_with(endpoint), "/") as browser:
            browser.say("x")
            await browser.hear()
        return log.copy()

    assert await probe("request") == ["open", "said", "close"]
    assert await probe("function") == ["open", "said", "close"]


async def test_background_tasks_of_a_websocket_never_run():
    ran = []

    async def endpoint(websocket: WebSocket, tasks: BackgroundTasks):
        tasks.add_task(ran.append, 1)
        await websocket.accept()
        await websocket.close()

    async with Browser(app_with(endpoint), "/") as browser:
        assert [await browser.hear(), await browser.hear()] == [
            "close 1000",
            "over",
        ]
    assert ran == []


async def test_sending_after_the_close_is_a_runtime_error():
    async def endpoint(websocket: WebSocket):
        await websocket.accept()
        await websocket.close()
        await websocket.send_text("one more thing")

    async with Browser(app_with(endpoint), "/") as browser:
        await browser.hear()
        assert 'Cannot call "send" once a close message' in await browser.hear()
    assert issubclass(WebSocketDisconnected, RuntimeError)
    assert not issubclass(WebSocketDisconnected, WebSocketDisconnect)


async def test_the_first_send_to_a_lost_client_says_1006_the_second_is_an_error():
    seen = []

    async def endpoint(websocket: WebSocket):
        await websocket.accept()
        with suppress(WebSocketDisconnect):
            await websocket.receive_text()
        for _ in range(2):
            try:
                await websocket.send_text("hello")
            except Exception as error:
                seen.append((type(error), getattr(error, "code", None)))

    async with Browser(app_with(endpoint), "/") as browser:
        browser.leave()
        await settle()
    assert seen == [(WebSocketDisconnect, 1006), (WebSocketDisconnected, None)]


# How real behaves


async def test_everybody_sees_a_bid_and_only_the_bidder_a_refusal(auction):
    async with auction("a") as ada, auction("b") as bob:
        assert [ada.answer, bob.answer] == ["accept", "accept"]
        start = '{"price":0,"leader":null}'
        assert [await ada.hear(), await bob.hear()] == [start, start]
        news = '{"price":50,"leader":"ada"}'
        assert await ada.ask('{"bid": 50}') == news
        assert await bob.hear() == news
        assert await bob.ask('{"bid": 50}') == '{"error":"Bid more than 50"}'
        assert await bob.ask('{"bid": 51}') == '{"price":51,"leader":"bob"}'
        assert await ada.hear() == '{"price":51,"leader":"bob"}'


async def test_a_late_guest_is_told_the_price_and_a_neighbor_nothing(auction):
    async with auction("a") as ada, auction("b", "/lots/2") as neighbor:
        await ada.hear(), await neighbor.hear()
        await ada.ask('{"bid": 9}')
        async with auction("b") as late:
            assert await late.hear() == '{"price":9,"leader":"ada"}'
        assert neighbor.from_app.empty()


async def test_refusals_come_before_the_accept(auction, client_for):
    refusals = {
        ("a", "/lots/1", "https://evil.example"): "403 Unknown origin",
        ("?", "/lots/1", "https://auction.example"): "401 Log in first",
        ("a", "/lots/9", "https://auction.example"): "404 No such lot",
    }
    for asked, answer in refusals.items():
        status, detail = answer.split(" ", 1)
        async with auction(*asked) as browser:
            assert browser.answer == f'HTTP {status} {{"detail":"{detail}"}}'
    headers = {"cookie": "session=?"}
    async with client_for(real.app, headers=headers) as http:
        assert (await http.get("/lots/1")).status_code == 401


async def test_a_logout_ends_the_connections_of_that_user(auction, client_for):
    async with auction("a") as ada, auction("b") as bob:
        await ada.hear(), await bob.hear()
        headers = {"cookie": "session=a"}
        async with client_for(real.app, headers=headers) as http:
            assert (await http.post("/logout")).status_code == 204
            assert (await http.get("/lots/1")).status_code == 401
        assert await ada.hear() == "close 4401 Logged out"
        assert await bob.ask('{"bid": 1}') == '{"price":1,"leader":"bob"}'
        assert len(real.lots[1].members) == 1


async def test_a_member_who_leaves_is_forgotten(auction):
    async with auction("a") as ada:
        await ada.hear()
        assert len(real.lots[1].members) == 1
        ada.leave()
        await settle()
        assert real.lots[1].members == set()
        assert ada.task.done()


async def test_messages_wait_for_a_slow_member_up_to_a_limit(auction):
    async with (
        auction("a") as ada,
        Browser(
            real.app,
            "/lots/1",
            room=1,
            origin="https://auction.example",
            cookie="session=b",
        ) as slow,
    ):
        await ada.hear()
        for bid in range(1, 50):
            await ada.ask(f'{{"bid": {bid}}}')
        assert [m.user for m in real.lots[1].members if not m.outbox.full()] == [
            "ada"
        ]
        heard = [await slow.hear() for _ in range(2)]
        assert heard == ['{"price":0,"leader":null}', "close 1013 Too slow"]


# One proof per gotcha


async def handshake(url, path):
    """Connect to a real server by hand; return status, reader and writer."""
    reader, writer = await asyncio.open_connection("127.0.0.1", url.port)
    key = base64.b64encode(b"0123456789abcdef").decode()
    lines = [
        f"GET {path} HTTP/1.1",
        "Host: test",
        "Connection: Upgrade",
        "Upgrade: websocket",
        "Sec-WebSocket-Version: 13",
        f"Sec-WebSocket-Key: {key}",
    ]
    writer.write("\r\n".join([*lines, "", ""]).encode())
    head = await reader.readuntil(b"\r\n\r\n")
    return int(head.split()[1]), reader, writer


async def test_no_websocket_library(server):
    start = "from uvicorn.main import main; main()"
    hide = "import sys; sys.modules |= dict(websockets=None, wsproto=None); "

    async def probe(code):
        command = [sys.executable, "-c", code, "{app}", "--port", "{port}"]
        async with server("main:app", command=command) as url:
            status, _, writer = await handshake(url, "/tables/4")
            writer.close()
            log = url.log()
            warned = "No supported WebSocket library detected" in log
            assert warned == ("Unsupported upgrade request." in log)
            return status, warned

    without, with_library = await asyncio.gather(probe(hide + start), probe(start))
    assert without == (404, True)
    assert with_library == (101, False)


async def test_refusal_arrives_as_403(server, shown):
    def close_frame(data):
        code = int.from_bytes(data[2:4])
        return f"{code} {data[4:].decode()}" if data[:1] == b"\x88" else "1006"

    async def probe(path):
        status, reader, writer = await handshake(url, path)
        frame = await reader.read(200) if status == 101 else b""
        writer.close()
        return f"101, then {close_frame(frame)}" if status == 101 else str(status)

    paths = {
        "/close": "403",
        "/websocket-exception": "403",
        "/tables/four": "403",
        "/nowhere": "403",
        "/http-exception": "401",
        "/return-at-once": "500",
        "/accept-then-close": "101, then 4401 Log in",
        "/accept-then-return": "101, then 1006",
        "/accept-then-http-exception": "101, then 1006",
        "/accept-then-crash": "101, then 1006",
    }
    async with server("refusals:app") as url:
        seen = {path: await probe(path) for path in paths}
    assert seen == paths
    shown("refusals", "\n".join(f"{path:28} {seen[path]}" for path in seen))


def test_the_test_client_shows_a_code_that_no_browser_gets():
    with (
        pytest.raises(WebSocketDisconnect) as refused,
        TestClient(refusals.app).websocket_connect("/close"),
    ):
        pass
    assert (refused.value.code, refused.value.reason) == (4401, "Log in")


async def test_any_website_may_connect():
    def from_our_page(origin: Annotated[str | None, Header()] = None) -> None:
        if origin != "https://shop.example":
            raise HTTPException(403)

    async def endpoint(websocket: WebSocket):
        await websocket.accept()

    async def probe(*checks):
        api = app_with(endpoint, dependencies=checks)
        api.add_middleware(CORSMiddleware, allow_origins=["https://shop.example"])
        answers = []
        for origin in ("https://shop.example", "https://evil.example"):
            async with Browser(api, "/", origin=origin) as browser:
                answers.append(browser.answer[:8])
        return answers

    assert await probe() == ["accept", "accept"]
    assert await probe(Depends(from_our_page)) == ["accept", "HTTP 403"]


async def test_disconnect_goes_unnoticed():
    async def send_news(websocket):
        while True:
            await websocket.send_text(await asyncio.Queue().get())

    believed = []

    async def trap(websocket: WebSocket):
        await websocket.accept()
        believed.append(websocket)
        await send_news(websocket)

    async def fix(websocket: WebSocket):
        await websocket.accept()
        async with asyncio.TaskGroup() as tasks:
            sender = tasks.create_task(send_news(websocket))
            async for _ in websocket.iter_text():
                pass
            sender.cancel()

    async def probe(endpoint):
        async with Browser(app_with(endpoint), "/") as browser:
            browser.leave()
            await settle()
            return "ended" if browser.task.done() else "still waits"

    assert await probe(trap) == "still waits"
    assert believed[0].client_state.name == "CONNECTED"
    assert await probe(fix) == "ended"


def room_with(broadcast):
    """A chat whose way to broadcast is on trial, and the set of those in it."""
    inside = {}

    async def endpoint(websocket: WebSocket, name: str):
        await websocket.accept()
        inside[name] = websocket
        try:
            while True:
                await broadcast(inside, await websocket.receive_text())
        except WebSocketDisconnect:
            pass
        finally:
            inside.pop(name, None)

    return app_with(endpoint, "/{name}"), inside


async def test_one_dead_client_stops_the_broadcast():
    async def trap(inside, text):
        for websocket in inside.values():
            await websocket.send_text(text)

    async def fix(inside, text):
        for name, websocket in list(inside.items()):
            try:
                await websocket.send_text(text)
            except (WebSocketDisconnect, RuntimeError):
                inside.pop(name, None)

    async def probe(broadcast):
        api, _ = room_with(broadcast)
        async with (
            Browser(api, "/dead") as dead,
            Browser(api, "/ada") as ada,
            Browser(api, "/bob") as bob,
        ):
            dead.gone = True
            ada.say("hello")
            await settle()
            return bob.from_app.qsize(), ada.task.done()

    assert await probe(trap) == (0, True)
    assert await probe(fix) == (1, False)


async def test_somebody_joins_during_a_broadcast():
    async def trap(inside, text):
        for websocket in inside.values():
            await websocket.send_text(text)

    api, _ = room_with(trap)
    async with Browser(api, "/slow", room=1) as slow, Browser(api, "/ada") as ada:
        ada.say("one")
        ada.say("two")
        await settle()
        async with Browser(api, "/new"):
            await slow.hear()
            await settle()
            answers = [await ada.hear(), await ada.hear()]
    assert answers[0] == "one"
    assert "dictionary changed size during iteration" in answers[1]


async def test_slow_client_stalls_everybody():
    async def trap(inside, text):
        for websocket in inside.values():
            await websocket.send_text(text)

    async def gathered(inside, text):
        await asyncio.gather(*(ws.send_text(text) for ws in inside.values()))

    async def probe(api, slow_path, fast_path, say, **headers):
        async with (
            Browser(api, slow_path, room=1, **headers),
            Browser(api, fast_path, **headers) as fast,
        ):
            await settle()
            before = fast.from_app.qsize()
            for number in range(1, 11):
                fast.say(say(number))
            await settle()
            return fast.from_app.qsize() - before

    for broadcast, arrived in ((trap, 1), (gathered, 2)):
        api, _ = room_with(broadcast)
        assert await probe(api, "/slow", "/fast", str) == arrived

    headers = {"origin": "https://auction.example", "cookie": "session=a"}
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(real, "lots", {1: real.Lot()})
        patch.setattr(real, "sessions", {"a": "ada"})
        bid = '{{"bid": {}}}'.format
        assert await probe(real.app, "/lots/1", "/lots/1", bid, **headers) == 10


async def test_bad_message_cuts_the_line(auction):
    async def trap(websocket: WebSocket):
        await websocket.accept()
        while True:
            bid = real.Bid.model_validate(await websocket.receive_json())
            await websocket.send_text(str(bid.bid))

    async def probe(connect):
        answers = []
        for data in ("{", '"text"', '{"bid": "much"}', b"\x00"):
            async with connect() as browser:
                await settle()
                while not browser.from_app.empty():
                    await browser.hear()
                answers.append(await browser.ask(data))
        return [answer[:9] for answer in answers]

    assert await probe(lambda: Browser(app_with(trap), "/")) == ["over with"] * 4
    assert await probe(auction) == ['{"error":'] * 4


async def test_a_websocket_exception_or_a_handler_may_choose_the_code():
    async def own_code(websocket: WebSocket, error: Exception) -> None:
        await websocket.close(4400, str(error))

    async def probe(raised, handlers):
        async def endpoint(websocket: WebSocket):
            await websocket.accept()
            raise raised

        api = app_with(endpoint)
        api.exception_handlers.update(handlers)
        async with Browser(api, "/") as browser:
            return await browser.hear()

    bad = ValueError("a mistake")
    assert await probe(bad, {}) == "over with ValueError('a mistake')"
    assert await probe(bad, {ValueError: own_code}) == "close 4400 a mistake"
    assert (await probe(bad, {Exception: own_code})).startswith("over")
    assert await probe(WebSocketException(4409, "taken"), {}) == "close 4409 taken"


# What a real server adds


async def test_uvicorn_presses_back_in_both_directions_and_ends_silent_lines(
    server,
):
    frame = b"\x82\xff" + (65_536).to_bytes(8) + bytes(4 + 65_536)

    async def push(writer):
        for count in range(2_000):
            try:
                async with asyncio.timeout(0.3):
                    writer.write(frame)
                    await writer.drain()
            except TimeoutError:
                return count
        return 2_000

    ping = ("--ws-ping-interval", "0.5", "--ws-ping-timeout", "0.5")
    async with server("pressure:app", *ping) as url, url.client() as http:
        _, _, deaf = await handshake(url, "/flood")
        _, silent, writer = await handshake(url, "/listen")
        _, _, pushing = await handshake(url, "/busy")
        pushed = await push(pushing)
        sent = (await http.get("/flood")).json()
        code = (await http.get("/endings")).json()
        last = await silent.read()
        await http.post("/done")
        for each in (deaf, writer, pushing):
            each.transport.abort()
    assert 0 < sent < 2_000
    assert pushed < 2_000
    assert code == 1005
    assert b"keepalive ping timeout" in last
