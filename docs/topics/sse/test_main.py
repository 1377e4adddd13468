import asyncio
import gc
import json
import runpy
import textwrap
import threading
from collections.abc import AsyncIterable, Iterable
from contextlib import asynccontextmanager
from typing import Annotated

import anyio
import fastapi.routing
import main
import pytest
import real
import sse_starlette
from fastapi import Depends, FastAPI, Header, HTTPException
from fastapi.middleware.gzip import GZipMiddleware
from fastapi.responses import StreamingResponse
from fastapi.security import APIKeyCookie, HTTPBearer
from fastapi.sse import EventSourceResponse, ServerSentEvent
from fastapi.testclient import TestClient
from pydantic import BaseModel

# How the proofs watch a stream. The fixture `client` waits for a response to end.
# Here an app is called as by a server: chunk by chunk, for a client that may leave.


class Watched:
    """One request, seen as its client sees it."""

    def __init__(self, reads=None):
        self.status, self.headers, self.error = None, {}, None
        self._unread, self._left = asyncio.Queue(), asyncio.Event()
        self._reads = reads

    async def next(self):
        """Return the next chunk that arrives, or None at the end."""
        return await asyncio.wait_for(self._unread.get(), 10)

    async def rest(self):
        """Return all chunks up to the end."""
        chunks = []
        while (chunk := await self.next()) is not None:
            chunks.append(chunk)
        return chunks

    def arrived(self):
        """Return how many chunks lie there unread."""
        return self._unread.qsize()

    async def hang_up(self):
        self._left.set()
        await self._running

    async def _run(self, app, scope):
        asked = False

        async def receive():
            nonlocal asked
            if asked:
                await self._left.wait()
                return {"type": "http.disconnect"}
            asked = True
            return {"type": "http.request", "body": b"", "more_body": False}

        async def send(message):
            if message["type"] == "http.response.start":
                self.status = message["status"]
                pairs = message["headers"]
                self.headers = {k.decode(): v.decode() for k, v in pairs}
            elif self._reads == 0:
                await self._left.wait()
            elif message["body"]:
                self._unread.put_nowait(message["body"].decode())
                self._reads = None if self._reads is None else self._reads - 1

        try:
            await app(scope, receive, send)
        except Exception as error:
            self.error = error
        self._unread.put_nowait(None)


@asynccontextmanager
async def watching(app, path="/", headers=None, reads=None):
    """Open a stream; after `reads` chunks the client takes no more."""
    path, _, query = path.partition("?")
    scope = {
        "type": "http",
        "asgi": {"version": "3.0", "spec_version": "2.3"},
        "http_version": "1.1",
        "method": "GET",
        "scheme": "http",
        "path": path,
        "query_string": query.encode(),
        "root_path": "",
        "headers": [(k.encode(), v.encode()) for k, v in (headers or {}).items()],
        "client": ("127.0.0.1", 50000),
        "server": ("test", 80),
    }
    watched = Watched(reads)
    watched._running = asyncio.create_task(watched._run(app, scope))
    try:
        yield watched
    finally:
        await watched.hang_up()


def stream_of(endpoint, **route):
    """Return an app with this generator at /."""
    app = FastAPI()
    app.get("/", response_class=EventSourceResponse, **route)(endpoint)
    return app


async def all_of(app, path="/", headers=None):
    async with watching(app, path, headers) as stream:
        return await stream.rest()


def field(chunk, name):
    lines = chunk.splitlines()
    found = [
        line.partition(": ")[2] for line in lines if line.startswith(f"{name}:")
    ]
    return "\n".join(found) if found else None


async def browser(app, connections, path="/"):
    """Return what an EventSource gets: it reconnects, until a status is not 200."""
    data, last_id = [], None
    for _ in range(connections):
        headers = {} if last_id is None else {"last-event-id": last_id}
        async with watching(app, path, headers) as stream:
            for chunk in await stream.rest():
                data.append(field(chunk, "data"))
                last_id = field(chunk, "id") or last_id
            if stream.status != 200:
                break
    return data


# How the small app behaves


async def test_a_parcel_is_followed_event_by_event(client):
    answer = await client.get("/parcel")
    assert answer.status_code == 200
    assert answer.headers["content-type"] == "text/event-stream; charset=utf-8"
    assert answer.headers["cache-control"] == "no-cache"
    assert answer.headers["x-accel-buffering"] == "no"
    assert answer.text == "".join(
        f"data: {stop.model_dump_json()}\nid: {number}\nretry: 1000\n\n"
        for number, stop in enumerate(main.STOPS, start=1)
    )


async def test_who_comes_back_gets_only_what_is_new_and_in_the_end_nothing(client):
    async def probe(last_event_id):
        headers = {"Last-Event-ID": last_event_id}
        answer = await client.get("/parcel", headers=headers)
        return answer.status_code, answer.text.count("data:")

    assert await probe("1") == (200, 2)
    assert await probe("2") == (200, 1)
    assert await probe("3") == (204, 0)
    assert await probe("two") == (422, 0)


async def test_over_a_real_server_each_event_arrives_on_its_own(server):
    async with (
        server("main:app") as url,
        url.client() as http,
        http.stream("GET", "/parcel") as answer,
    ):
        chunks = [chunk async for chunk in answer.aiter_raw()]
    assert [chunk.count(b"data:") for chunk in chunks] == [1, 1, 1]


async def test_openapi_describes_the_events(client):
    openapi = (await client.get("/openapi.json")).json()
    content = openapi["paths"]["/parcel"]["get"]["responses"]["200"]["content"]
    assert content["text/event-stream"]["itemSchema"]["properties"].keys() == {
        "data",
        "event",
        "id",
        "retry",
    }


async def test_what_each_yield_becomes_on_the_wire(shown):
    class Temperature(BaseModel):
        celsius: float

    event = ServerSentEvent
    yields = {
        "Temperature(celsius=21.5)": Temperature(celsius=21.5),
        '"21.5 °C"': "21.5 °C",
        'ServerSentEvent(data="21.5 °C")': event(data="21.5 °C"),
        'ServerSentEvent(raw_data="21.5 °C")': event(raw_data="21.5 °C"),
        'ServerSentEvent(raw_data="two\\nlines")': event(raw_data="two\nlines"),
        'ServerSentEvent(data=[21.5], event="hot", id="7", retry=3000)': event(
            data=[21.5], event="hot", id="7", retry=3000
        ),
        'ServerSentEvent(comment="not for scripts")': event(
            comment="not for scripts"
        ),
    }

    async def every_kind():
        for item in yields.values():
            yield item

    chunks = await all_of(stream_of(every_kind))
    assert field(chunks[4], "data") == "two\nlines"
    pairs = zip(yields, chunks, strict=True)
    shown(
        "fields",
        "\n".join(
            f"yield {code}\n{textwrap.indent(chunk.strip(), '    ')}\n"
            for code, chunk in pairs
        ),
    )


async def test_a_plain_generator_and_a_post_route_stream_too(client_for):
    both = FastAPI()

    @both.get("/", response_class=EventSourceResponse)
    def in_a_thread() -> Iterable[int]:
        yield from (1, 2)

    @both.post("/", response_class=EventSourceResponse)
    async def answer_to(question: dict[str, str]) -> AsyncIterable[str]:
        yield question["q"]

    async with client_for(both) as http:
        assert (await http.get("/")).text == "data: 1\n\ndata: 2\n\n"
        assert (await http.post("/", json={"q": "why"})).text == 'data: "why"\n\n'
        assert (await http.head("/")).status_code == 405


async def test_a_silent_stream_is_pinged_every_15_seconds(shown, monkeypatch):
    assert fastapi.routing._PING_INTERVAL == 15

    def silent_until(pinged):
        async def silent():
            yield "hello"
            await pinged.wait()
            yield "bye"

        return stream_of(silent)

    monkeypatch.setattr(fastapi.routing, "_PING_INTERVAL", 0.01)
    async with watching(silent_until(pinged := asyncio.Event())) as stream:
        chunks = [await stream.next(), await stream.next()]
        pinged.set()
        chunks += await stream.rest()
    assert chunks[1] == ": ping\n\n"
    shown("heartbeat", chunks[0] + chunks[1] + chunks[-1])


async def test_the_gzip_middleware_leaves_events_alone():
    started = asyncio.Event()

    async def long_event():
        await started.wait()
        yield "x" * 5000

    zipping = stream_of(long_event)
    zipping.add_middleware(GZipMiddleware)
    async with watching(zipping, headers={"accept-encoding": "gzip"}) as stream:
        while stream.status is None:
            await asyncio.sleep(0)
        assert stream.arrived() == 0
        started.set()
        assert await stream.next() == f'data: "{"x" * 5000}"\n\n'
    assert "content-encoding" not in stream.headers


async def test_a_client_that_stops_reading_stops_the_generator():
    produced = []

    async def eager():
        for number in range(1000):
            produced.append(number)
            yield number

    async with watching(stream_of(eager), reads=1) as stream:
        await stream.next()
        for _ in range(100):
            await asyncio.sleep(0)
        assert len(produced) < 10


async def test_a_waiting_def_generator_keeps_its_thread_when_the_client_leaves(
    client_for,
):
    news, order = threading.Event(), []

    def waits():
        yield "first"
        news.wait(10)
        order.append("news")

    waiting = stream_of(waits)
    waiting.get("/other")(lambda: order.append("other request"))
    threads = anyio.to_thread.current_default_thread_limiter()
    threads.total_tokens, normal = 1, threads.total_tokens
    try:
        async with client_for(waiting) as http, watching(waiting) as stream:
            await stream.next()
            left = asyncio.create_task(stream.hang_up())
            other = asyncio.create_task(http.get("/other"))
            for _ in range(100):
                await asyncio.sleep(0)
            news.set()
            await asyncio.gather(left, other)
    finally:
        threads.total_tokens = normal
    assert order == ["news", "other request"]


async def test_an_id_must_be_text_and_an_event_name_one_line():
    with pytest.raises(ValueError, match="valid string"):
        ServerSentEvent(data=1, id=1)
    with pytest.raises(ValueError, match="must be a single line"):
        ServerSentEvent(data=1, event="a\ndata: forged")
    with pytest.raises(ValueError, match="Cannot set both"):
        ServerSentEvent(data=1, raw_data="1")


async def test_leaving_ends_the_generator_but_the_log_keeps_the_query(server):
    async with server("endless:app") as url, url.client() as http:
        async with http.sse("/endless?token=s3cret") as source:
            events = aiter(source)
            assert (await anext(events)).json() == "hello"
            assert "generator ended" not in url.log()
        while "generator ended" not in url.log():
            await asyncio.sleep(0.01)
        assert '"GET /endless?token=s3cret HTTP/1.1" 200' in url.log()


async def test_a_wrapped_object_is_sent_unfiltered():
    class Public(BaseModel):
        name: str

    class Account(Public):
        password_hash: str

    ada = Account(name="ada", password_hash="$argon2id$")

    async def wrapped() -> AsyncIterable[Public]:
        yield ServerSentEvent(data=ada, id="1")

    async def bare() -> AsyncIterable[Public]:
        yield ada

    async def wrapped_after_filtering() -> AsyncIterable[ServerSentEvent]:
        yield ServerSentEvent(data=Public.model_validate(ada.model_dump()), id="1")

    async def probe(endpoint):
        (chunk,) = await all_of(stream_of(endpoint))
        return set(json.loads(field(chunk, "data")))

    assert await probe(wrapped) == {"name", "password_hash"}
    assert await probe(bare) == {"name"}
    assert await probe(wrapped_after_filtering) == {"name"}


async def test_a_session_of_the_check_is_held_unless_it_has_function_scope():
    in_use = set()

    def connection():
        in_use.add("connection")
        yield "connection"
        in_use.clear()

    def with_access(session, check="request"):
        def may_read(db: Annotated[str, Depends(connection, scope=session)]):
            assert db in in_use

        async def news():
            yield "first"
            await asyncio.Event().wait()

        return stream_of(news, dependencies=[Depends(may_read, scope=check)])

    async def in_use_while_streaming(app):
        async with watching(app) as stream:
            await stream.next()
            return len(in_use)

    assert await in_use_while_streaming(with_access("request")) == 1
    assert await in_use_while_streaming(with_access("request", "function")) == 1
    assert await in_use_while_streaming(with_access("function")) == 0


async def test_the_test_client_streams_and_asgi_transport_waits(client_for):
    def stream_that_asks_if_it_was_seen(patience):
        seen = threading.Event()

        async def asking():
            yield "first"
            yield await asyncio.to_thread(seen.wait, patience)

        return seen, stream_of(asking)

    async def with_async_client():
        seen, app = stream_that_asks_if_it_was_seen(patience=0.1)
        async with client_for(app) as http, http.sse("/") as source:
            events = aiter(source)
            await anext(events)
            seen.set()
            return (await anext(events)).json()

    def with_test_client():
        seen, app = stream_that_asks_if_it_was_seen(patience=10)
        with TestClient(app) as http, http.sse("/") as source:
            events = iter(source)
            next(events)
            seen.set()
            return next(events).json()

    assert await with_async_client() is False
    assert await asyncio.to_thread(with_test_client) is True


# How the app one would ship behaves


@pytest.fixture
def shipped(monkeypatch):
    """Give real.py a new hub, and Ada a session in each of two browsers."""
    monkeypatch.setattr(real, "hub", real.Hub(keep=10, backlog=3))
    sessions = {"phone": "ada", "laptop": "ada", "other": "bob"}
    monkeypatch.setattr(real, "sessions", sessions)
    monkeypatch.setattr(real, "orders", {})
    return real.hub


def order(number, status="paid"):
    return real.Order(number=number, status=status)


def shop(cursor, session="phone", **more):
    headers = {"cookie": f"session={session}", **more.pop("headers", {})}
    return watching(real.app, f"/events?after={cursor}", headers, **more)


async def until_open(hub, count=1):
    while len(hub.streams) < count:
        await asyncio.sleep(0)


async def test_news_reach_every_browser_of_their_user_and_nobody_else(shipped):
    start = shipped.cursor()
    async with (
        shop(start) as phone,
        shop(start, "laptop") as laptop,
        shop(start, "other") as other,
    ):
        await until_open(shipped, 3)
        real.save("ada", order(1))
        chunk = await phone.next()
        assert chunk == await laptop.next()
        assert field(chunk, "event") == "order"
        assert json.loads(field(chunk, "data")) == {"number": 1, "status": "paid"}
        assert other.arrived() == 0


async def test_the_snapshot_and_the_stream_meet_without_a_gap(shipped, client_for):
    real.save("ada", order(1))
    async with client_for(real.app, cookies={"session": "phone"}) as http:
        snapshot = (await http.get("/orders")).json()
    real.save("ada", order(2))
    async with shop(snapshot["cursor"]) as stream:
        assert [each["number"] for each in snapshot["orders"]] == [1]
        assert json.loads(field(await stream.next(), "data"))["number"] == 2


async def test_the_last_event_id_beats_the_cursor_in_the_address(shipped):
    start = shipped.cursor()
    real.save("ada", order(1))
    seen = shipped.cursor()
    real.save("ada", order(2))
    async with shop(start, headers={"last-event-id": seen}) as stream:
        assert json.loads(field(await stream.next(), "data"))["number"] == 2


async def test_who_comes_back_gets_no_news_of_other_users(shipped):
    start = shipped.cursor()
    real.save("bob", order(1))
    real.save("ada", order(2))
    async with shop(start) as stream:
        assert json.loads(field(await stream.next(), "data"))["number"] == 2


async def test_a_plain_route_publishes_by_way_of_the_loop(shipped, client_for):
    plain = FastAPI()

    @plain.post("/pay")
    def pay():
        anyio.from_thread.run_sync(real.save, "ada", order(1))

    async with shop(shipped.cursor()) as stream, client_for(plain) as http:
        await until_open(shipped)
        await http.post("/pay")
        assert field(await stream.next(), "event") == "order"


async def test_who_was_away_too_long_is_told_to_start_over(shipped):
    start = shipped.cursor()
    for number in range(11):
        real.save("ada", order(number))

    async def first_event(cursor):
        async with shop(cursor) as stream:
            return field(await stream.next(), "event")

    assert await first_event(start) == "reset"
    assert await first_event(f"{shipped.run}-1") == "order"
    assert await first_event("another-1") == "reset"
    assert await first_event("nonsense") == "reset"
    assert await first_event(f"{shipped.run}-{'9' * 5000}") == "reset"


async def test_a_quiet_stream_beats_where_a_script_can_hear_it(
    shipped, monkeypatch
):
    monkeypatch.setattr(real, "BEAT", 0.01)
    async with shop(shipped.cursor()) as stream:
        assert await stream.next() == "event: beat\ndata: \n\n"


async def test_leaving_unsubscribes_also_a_client_that_had_stopped_reading(shipped):
    async with shop(shipped.cursor(), reads=0):
        await until_open(shipped)
        real.save("ada", order(1))
    assert not shipped.streams


async def test_two_processes_share_no_hub(bundle_dir):
    first, second = [runpy.run_path(str(bundle_dir / "real.py")) for _ in range(2)]
    with second["hub"].subscribe("ada", second["hub"].cursor()) as stream:
        first["save"]("ada", first["Order"](number=1, status="paid"))
        assert stream.queue.empty()
        second["save"]("ada", second["Order"](number=1, status="paid"))
        assert stream.queue.qsize() == 1


async def test_logging_out_ends_the_open_streams(shipped, client_for, monkeypatch):
    class ChecksAtTheDoorOnly(real.Hub):
        def end_streams_of(self, user):
            pass

    async def after_the_logout(hub):
        monkeypatch.setattr(real, "hub", hub)
        real.sessions["phone"] = "ada"
        async with shop(hub.cursor()) as stream, client_for(real.app) as http:
            await until_open(hub)
            await http.post("/logout", headers={"cookie": "session=phone"})
            real.save("ada", order(1))
            chunk = await stream.next()
            return chunk and field(chunk, "event")

    assert await after_the_logout(ChecksAtTheDoorOnly()) == "order"
    assert await after_the_logout(real.Hub()) is None


# One proof per gotcha


async def test_proxy_buffers_events():
    news = asyncio.Event()

    async def ticker():
        yield "first"
        await news.wait()
        yield "second"

    trap, fix = FastAPI(), stream_of(ticker)

    @trap.get("/")
    async def by_hand():
        lines = (f"data: {item}\n\n" async for item in ticker())
        return StreamingResponse(lines, media_type="text/event-stream")

    def behind_nginx(app, reached):
        """Hold a response until it ends, unless it says X-Accel-Buffering: no."""

        async def proxy(scope, receive, send):
            held, hold = [], True

            async def pass_on(message):
                nonlocal hold
                if message["type"] == "http.response.start":
                    hold = (b"x-accel-buffering", b"no") not in message["headers"]
                held.append(message)
                if not hold or message.get("more_body") is False:
                    while held:
                        await send(held.pop(0))
                if message.get("body"):
                    reached.set()

            await app(scope, receive, pass_on)

        return proxy

    async def seen_before_and_after_the_second(app):
        news.clear()
        reached = asyncio.Event()
        async with watching(behind_nginx(app, reached)) as stream:
            await reached.wait()
            before = stream.arrived()
            news.set()
            return before, before + len((await stream.rest())[before:])

    assert await seen_before_and_after_the_second(trap) == (0, 2)
    assert await seen_before_and_after_the_second(fix) == (1, 2)


async def test_strings_arrive_in_quotes():
    async def probe(event):
        async def tokens():
            yield event

        return field((await all_of(stream_of(tokens)))[0], "data")

    assert await probe("[DONE]") == '"[DONE]"'
    assert await probe(ServerSentEvent(data="[DONE]")) == '"[DONE]"'
    assert await probe(ServerSentEvent(raw_data="[DONE]")) == "[DONE]"


async def test_dict_of_sse_starlette_becomes_the_data(shown):
    async def old_habit():
        yield {"event": "price", "id": "7", "data": "9.50"}

    async def new_habit():
        yield ServerSentEvent(event="price", id="7", raw_data="9.50")

    with_the_library = FastAPI()

    @with_the_library.get("/")
    async def prices():
        return sse_starlette.EventSourceResponse(old_habit())

    async def probe(app):
        (chunk,) = await all_of(app)
        return chunk, field(chunk, "event"), field(chunk, "data")

    library, trap, fix = [
        await probe(each)
        for each in (with_the_library, stream_of(old_habit), stream_of(new_habit))
    ]
    assert library[1:] == ("price", "9.50")
    assert trap[1:] == (None, '{"event": "price", "id": "7", "data": "9.50"}')
    assert fix[1:] == ("price", "9.50")
    shown(
        "two-dialects",
        f"sse-starlette, yield a dict\n{library[0]!r}\n\n"
        f"fastapi.sse, yield the same dict\n{trap[0]!r}\n\n"
        f"fastapi.sse, yield ServerSentEvent\n{fix[0]!r}\n",
    )


async def test_error_comes_after_the_200():
    async def checks_inside():
        raise HTTPException(404)
        yield

    def checked():
        raise HTTPException(404)

    async def never_runs():
        yield

    async def breaks_off():
        yield ServerSentEvent(raw_data="first")
        yield ServerSentEvent(raw_data="second")
        raise ValueError("no more")

    async def says_so():
        try:
            async for event in breaks_off():
                yield event
        except ValueError as error:
            yield ServerSentEvent(event="problem", raw_data=str(error))

    async def probe(app):
        async with watching(app) as stream:
            chunks = await stream.rest()
            return stream.status, [field(chunk, "data") for chunk in chunks]

    assert await probe(stream_of(checks_inside)) == (200, [])
    checks_before = stream_of(never_runs, dependencies=[Depends(checked)])
    assert (await probe(checks_before))[0] == 404

    assert await probe(stream_of(breaks_off)) == (200, ["first"])
    assert await probe(stream_of(says_so)) == (200, ["first", "second", "no more"])


async def test_cleanup_is_late_or_cut_short():
    async def give_back(taken):
        await asyncio.sleep(0)
        taken.clear()

    def in_the_generator(taken, news):
        async def stream():
            taken.append("connection")
            try:
                while True:
                    yield "news"
                    await news.wait()
            finally:
                await give_back(taken)

        return stream_of(stream)

    def in_a_dependency(taken, news):
        async def connection():
            taken.append("connection")
            try:
                yield
            finally:
                await give_back(taken)

        async def stream():
            while True:
                yield "news"
                await news.wait()

        return stream_of(stream, dependencies=[Depends(connection)])

    async def still_taken(build, *, reads):
        taken, news = [], asyncio.Event()
        if reads == 0:
            news.set()
        async with watching(build(taken, news), reads=reads) as stream:
            if reads is None:
                await stream.next()
            else:
                for _ in range(100):
                    await asyncio.sleep(0)
            await stream.hang_up()
            return len(taken)

    gc.disable()
    try:
        assert await still_taken(in_the_generator, reads=None) == 1
        assert await still_taken(in_the_generator, reads=0) == 1
        assert await still_taken(in_a_dependency, reads=None) == 0
        assert await still_taken(in_a_dependency, reads=0) == 0
    finally:
        gc.enable()
        gc.collect()


async def test_a_slow_client_that_leaves_ends_its_generator_only_by_collection():
    ended = []

    async def eager():
        try:
            while True:
                yield "news"
        finally:
            ended.append("generator")

    gc.disable()
    try:
        async with watching(stream_of(eager), reads=0) as stream:
            for _ in range(100):
                await asyncio.sleep(0)
            await stream.hang_up()
            assert stream.error.subgroup(anyio.BrokenResourceError)
        del stream
        assert not ended
        gc.collect()
        for _ in range(100):
            await asyncio.sleep(0)
        assert ended == ["generator"]
    finally:
        gc.enable()


async def test_eventsource_sends_no_authorization(client_for):
    sent_by_chromium = {"accept": "text/event-stream", "cookie": "session=ada's"}
    bearer, cookie = HTTPBearer(), APIKeyCookie(name="session")

    async def news():
        yield "hello"

    async def probe(credentials):
        guarded = stream_of(news, dependencies=[Depends(credentials)])
        async with client_for(guarded) as http:
            return (await http.get("/", headers=sent_by_chromium)).status_code

    assert await probe(bearer) == 401
    assert await probe(cookie) == 200


async def test_reconnect_without_ids_loses_events():
    news = ["a", "b", "c", "d", "e", "f"]

    def cut_after_two(with_ids):
        happened = iter([0, 4])  # c and d happen while the browser is away

        async def live(last_event_id: Annotated[int | None, Header()] = None):
            now = next(happened)
            start = now if last_event_id is None else last_event_id + 1
            for number in range(start, now + 2):
                own_id = str(number) if with_ids else None
                yield ServerSentEvent(raw_data=news[number], id=own_id)

        return stream_of(live)

    async def seen_by_a_browser(app):
        return "".join(await browser(app, connections=2))

    assert await seen_by_a_browser(cut_after_two(with_ids=False)) == "abef"
    assert await seen_by_a_browser(cut_after_two(with_ids=True)) == "abcdef"


async def test_finished_stream_starts_over():
    def unless_finished(last_event_id: Annotated[str | None, Header()] = None):
        if last_event_id == "end":
            raise HTTPException(204)

    async def report():
        yield ServerSentEvent(raw_data="50 %")
        yield ServerSentEvent(raw_data="done", id="end")

    async def probe(**route):
        return await browser(stream_of(report, **route), connections=3)

    assert await probe() == ["50 %", "done"] * 3
    assert await probe(dependencies=[Depends(unless_finished)]) == ["50 %", "done"]


async def test_slow_client_fills_the_memory():
    async def probe(hub):
        start = hub.cursor()
        with hub.subscribe("ada", start) as reads_nothing:
            for number in range(1000):
                hub.publish("ada", "order", order(number))
            return reads_nothing.queue.qsize(), len(hub.missed("ada", start))

    unlimited = 0
    assert await probe(real.Hub(backlog=unlimited)) == (1000, 1000)
    assert await probe(real.Hub(backlog=50)) == (1, 1000)


async def test_open_stream_blocks_the_shutdown(server):
    def running(url):
        return url.process.poll() is None

    async def ends_before_the_client_leaves(*options):
        async with server("endless:app", *options) as url, url.client() as http:
            async with http.sse("/endless") as source:
                events = aiter(source)
                await anext(events)
                url.process.terminate()
                while running(url) and "Waiting for connections" not in url.log():
                    await asyncio.sleep(0.02)
                ended = not running(url)
            while running(url):
                await asyncio.sleep(0.02)
            return ended

    assert not await ends_before_the_client_leaves()
    assert await ends_before_the_client_leaves("--timeout-graceful-shutdown", "0")
