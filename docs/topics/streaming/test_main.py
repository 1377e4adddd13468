import asyncio
import contextlib
import gc
import json
import shutil
import subprocess
import sys
import threading
from collections.abc import AsyncIterable, Iterable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Annotated

import anyio
import httpx2
import main
import pytest
import real
from fastapi import BackgroundTasks, Depends, FastAPI, HTTPException, Response
from fastapi.middleware.gzip import GZipMiddleware
from fastapi.responses import FileResponse, StreamingResponse
from fastapi.testclient import TestClient
from pydantic import BaseModel
from starlette.requests import ClientDisconnect

# How the proofs watch a stream. The fixture `client` waits for a response to end.
# Here an app is called as by a server: chunk by chunk, for a client that may leave.


class Watched:
    """One request, seen as its client sees it."""

    def __init__(self, reads=None):
        self.status, self.headers, self.error = None, {}, None
        self.finished = False
        self.stuck, self._left = asyncio.Event(), asyncio.Event()
        self._unread, self._reads = asyncio.Queue(), reads

    async def next(self):
        """Return the next chunk that arrives, or None at the end."""
        return await asyncio.wait_for(self._unread.get(), 10)

    async def rest(self):
        """Return all chunks up to the end."""
        chunks = []
        while (chunk := await self.next()) is not None:
            chunks.append(chunk)
        return chunks

    async def hang_up(self):
        self._left.set()
        await self.running

    async def run(self, app, scope):
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
                return
            if self._reads == 0:
                self.stuck.set()
                await self._left.wait()
            elif self._left.is_set():
                raise OSError("the client has left")
            elif message["body"]:
                self._unread.put_nowait(bytes(message["body"]))
                self._reads = None if self._reads is None else self._reads - 1
            self.finished = not message.get("more_body", False)

        try:
            await app(scope, receive, send)
        except Exception as error:
            self.error = error
        self._unread.put_nowait(None)


@asynccontextmanager
async def watching(app, path="/", headers=None, reads=None, asgi="2.3"):
    """Open a stream; after `reads` chunks the client takes no more."""
    scope = {
        "type": "http",
        "asgi": {"version": "3.0", "spec_version": asgi},
        "http_version": "1.1",
        "method": "GET",
        "scheme": "http",
        "path": path,
        "query_string": b"",
        "root_path": "",
        "headers": [(k.encode(), v.encode()) for k, v in (headers or {}).items()],
        "client": ("127.0.0.1", 50000),
        "server": ("test", 80),
    }
    watched = Watched(reads)
    watched.running = asyncio.create_task(watched.run(app, scope))
    try:
        yield watched
    finally:
        await watched.hang_up()


def app_of(endpoint, **route):
    """Return an app with this endpoint at /."""
    app = FastAPI()
    app.get("/", **route)(endpoint)
    return app


def chunks_of(pieces):
    return [piece.decode() for piece in pieces]


# How the small app behaves


async def test_each_reading_is_a_line_of_json_and_arrives_on_its_own():
    async with watching(main.app, "/stations/harbor/readings") as stream:
        chunks = await stream.rest()
    assert stream.status == 200
    assert stream.headers["content-type"] == "application/jsonl"
    assert "content-length" not in stream.headers
    assert chunks_of(chunks) == [
        '{"hour":0,"celsius":11.5}\n',
        '{"hour":1,"celsius":11.2}\n',
        '{"hour":2,"celsius":12.9}\n',
    ]


async def test_the_table_is_text_with_the_media_type_of_its_class(client):
    answer = await client.get("/stations/harbor/readings.csv")
    assert answer.headers["content-type"] == "text/csv; charset=utf-8"
    assert answer.text == "hour,celsius\r\n0,11.5\r\n1,11.2\r\n2,12.9\r\n"


async def test_a_dependency_still_answers_404(client):
    for path in ("readings", "readings.csv"):
        answer = await client.get(f"/stations/airport/{path}")
        assert answer.status_code == 404
        assert answer.json() == {"detail": "Unknown station"}


async def test_openapi_describes_one_item_of_the_stream(client):
    openapi = (await client.get("/openapi.json")).json()
    paths = openapi["paths"]

    def content(path):
        return paths[path]["get"]["responses"]["200"]["content"]

    assert openapi["openapi"] == "3.1.0"
    assert content("/stations/{station}/readings") == {
        "application/jsonl": {
            "itemSchema": {"$ref": "#/components/schemas/Reading"}
        }
    }
    assert content("/stations/{station}/readings.csv") == {
        "text/csv": {"schema": {"type": "string"}}
    }


# What yields, and what it becomes


async def test_every_way_to_write_a_stream(client_for, shown):
    class Item(BaseModel):
        name: str

    def typed() -> Iterable[Item]:
        yield Item(name="a")

    async def typed_async() -> AsyncIterable[Item]:
        yield Item(name="a")

    async def untyped():
        yield {"name": "a"}

    async def raw():
        yield b"a"
        yield "b"

    async def no_generator() -> Iterable[Item]:
        return [Item(name="a")]

    ways = {
        "def … -> Iterable[Item]: yield": app_of(typed),
        "async def … -> AsyncIterable[Item]: yield": app_of(typed_async),
        "async def, no annotation: yield": app_of(untyped),
        "response_class=StreamingResponse: yield": app_of(
            raw, response_class=StreamingResponse
        ),
        "async def … -> Iterable[Item]: return a list": app_of(no_generator),
    }
    seen = {}
    for way, app in ways.items():
        async with client_for(app) as http:
            answer = await http.get("/")
        kind = answer.headers.get("content-type", "no content type")
        seen[way] = f"{kind:19} {answer.text!r}"
    shown("ways", "\n".join(f"{way}\n    {what}" for way, what in seen.items()))
    assert seen["async def, no annotation: yield"].startswith("application/jsonl")


async def test_a_wrong_item_breaks_the_stream_in_the_middle():
    class Item(BaseModel):
        name: str

    async def wrong() -> AsyncIterable[Item]:
        yield Item(name="a")
        yield {"nom": "b"}

    async with watching(app_of(wrong)) as stream:
        assert chunks_of(await stream.rest()) == ['{"name":"a"}\n']
    assert stream.status == 200
    assert not stream.finished
    assert type(stream.error).__name__ == "ResponseValidationError"


async def test_a_model_in_a_byte_stream_is_no_json():
    class Item(BaseModel):
        name: str

    async def raw():
        yield Item(name="a")

    app = app_of(raw, response_class=StreamingResponse)
    async with watching(app) as stream:
        assert await stream.rest() == []
    assert isinstance(stream.error, AttributeError)


async def test_status_and_headers_are_set_in_a_dependency_or_not_at_all(client_for):
    async def lines(response: Response) -> AsyncIterable[int]:
        response.headers["x-extra"] = "1"
        response.status_code = 202
        yield 1

    async def by_dependency(response: Response):
        response.headers["x-extra"] = "1"
        response.status_code = 202

    async def plain() -> AsyncIterable[int]:
        yield 1

    async with client_for(app_of(plain, status_code=201)) as http:
        assert (await http.get("/")).status_code == 201
    inside = app_of(lines)
    outside = app_of(plain, dependencies=[Depends(by_dependency)])
    async with client_for(inside) as http:
        answer = await http.get("/")
    assert (answer.status_code, "x-extra" in answer.headers) == (200, False)
    async with client_for(outside) as http:
        answer = await http.get("/")
    assert (answer.status_code, "x-extra" in answer.headers) == (202, True)


async def test_background_tasks_and_request_cleanup_run_after_the_last_item():
    order = []

    def cleanup():
        yield
        order.append("cleanup")

    async def numbers(background: BackgroundTasks) -> AsyncIterable[int]:
        background.add_task(order.append, "background")
        yield 1
        order.append("last item")

    app = app_of(numbers, dependencies=[Depends(cleanup)])
    async with watching(app) as stream:
        await stream.rest()
    assert order == ["last item", "background", "cleanup"]


async def test_a_function_scope_is_over_before_the_first_item():
    def first_item(scope):
        resource = {"open": False}

        def opened():
            resource["open"] = True
            yield resource
            resource["open"] = False

        async def items(
            given: Annotated[dict, Depends(opened, scope=scope)],
        ) -> AsyncIterable[bool]:
            yield given["open"]

        return app_of(items)

    async def probe(scope):
        async with watching(first_item(scope)) as stream:
            return chunks_of(await stream.rest())

    assert await probe("function") == ["false\n"]
    assert await probe("request") == ["true\n"]


async def test_each_item_of_a_def_generator_is_a_trip_to_a_thread(monkeypatch):
    trips = 0
    step = real.StreamingResponse.__init__.__globals__["iterate_in_threadpool"]

    async def counting(iterator):
        nonlocal trips
        async for item in step(iterator):
            trips += 1
            yield item

    monkeypatch.setitem(
        real.StreamingResponse.__init__.__globals__,
        "iterate_in_threadpool",
        counting,
    )

    def one_by_one() -> Iterable[real.Order]:
        yield from real.orders

    async def count(app, path):
        nonlocal trips
        trips = 0
        async with watching(app, path) as stream:
            body = b"".join(await stream.rest())
        return trips, body.count(b"\n")

    assert await count(app_of(one_by_one), "/") == (2000, 2000)
    assert await count(real.app, "/orders") == (5, 2001)


async def test_gzip_sends_every_chunk_at_once(client_for):
    go = asyncio.Event()

    async def lines() -> AsyncIterable[str]:
        yield "first"
        await go.wait()
        yield "second"

    app = app_of(lines)
    app.add_middleware(GZipMiddleware)
    async with watching(app, headers={"accept-encoding": "gzip"}) as stream:
        assert await stream.next()
        assert stream.headers["content-encoding"] == "gzip"
        assert stream.running.done() is False
        go.set()
        await stream.rest()


# Back-pressure and leaving


async def test_a_client_that_stops_reading_stops_the_generator():
    made = []

    async def eager() -> AsyncIterable[int]:
        for number in range(1000):
            made.append(number)
            yield number

    async with watching(app_of(eager), reads=3) as stream:
        await stream.stuck.wait()
        assert made == [0, 1, 2, 3]


async def test_what_generators_see_when_the_client_leaves(shown):
    log = []

    async def waits() -> AsyncIterable[int]:
        try:
            yield 1
            await asyncio.Event().wait()
        except BaseException as error:
            log.append(type(error).__name__)
            raise

    async def stands() -> AsyncIterable[int]:
        try:
            while True:
                yield 1
        except BaseException as error:
            log.append(type(error).__name__)
            raise

    step, entered = threading.Event(), threading.Event()

    def blocks() -> Iterable[int]:
        try:
            yield 1
            entered.set()
            step.wait(10)
            log.append("finished its step")
            yield 2
        except BaseException as error:
            log.append(type(error).__name__)
            raise

    async def leave(generator, reads=None, ready=None):
        log.clear()
        app = app_of(generator)
        gc.disable()
        try:
            async with watching(app, reads=reads) as stream:
                await stream.next()
                if ready:
                    await ready(stream)
                asyncio.get_running_loop().call_later(0.01, step.set)
            log.append("response is over")
            for _ in range(5):
                await asyncio.sleep(0)
        finally:
            gc.enable()
        gc.collect()
        for _ in range(5):
            await anyio.to_thread.run_sync(bool)
        return list(log)

    async def until_stuck(stream):
        await stream.stuck.wait()

    async def until_entered(stream):
        await asyncio.to_thread(entered.wait, 10)

    seen = {
        "async def, waiting in an await": await leave(waits),
        "async def, at a yield (slow client)": await leave(stands, 1, until_stuck),
        "def, working in its thread": await leave(blocks, None, until_entered),
    }
    shown("leaving", "\n".join(f"{k}\n    {', '.join(v)}" for k, v in seen.items()))


async def ran_to_its_end_after_leaving(http):
    async with http.stream("GET", "/waiting/tab") as answer:
        await anext(answer.aiter_lines())
    while "tab" in (state := (await http.get("/state")).json())["opened"]:
        await asyncio.sleep(0.01)
    return "tab" in state["finished"]


async def test_under_gunicorn_a_generator_runs_to_its_end_for_nobody(server):
    gunicorn = [sys.executable, "-m", "gunicorn", "{app}", "-k", "asgi"]
    gunicorn += ["-b", "{host}:{port}", "--graceful-timeout", "0"]
    async with server("live:app", command=gunicorn) as url, url.client() as http:
        assert await ran_to_its_end_after_leaving(http) is True


async def test_without_a_listener_only_the_next_send_notices_the_client_is_gone():
    go = asyncio.Event()

    async def waits() -> AsyncIterable[int]:
        yield 1
        await go.wait()
        yield 2

    async def probe(asgi):
        go.clear()
        async with watching(app_of(waits), asgi=asgi) as stream:
            await stream.next()
            stream._left.set()
            for _ in range(50):
                await asyncio.sleep(0)
            over = stream.running.done()
            go.set()
        return over, type(stream.error)

    assert await probe("2.3") == (True, type(None))
    assert await probe("2.4") == (False, ClientDisconnect)


async def test_uvicorn_shows_breaks_waits_for_slow_clients_and_notices_leavers(
    server, shown
):
    async with server("live:app") as url, url.client() as http:
        async with http.stream("GET", "/broken") as answer:
            with pytest.raises(httpx2.RemoteProtocolError) as broken:
                await answer.aread()
        assert answer.status_code == 200
        assert answer.headers["transfer-encoding"] == "chunked"
        shown("broken", f"{type(broken.value).__name__}: {broken.value}")

        assert await ran_to_its_end_after_leaving(http) is False

        async def made():
            return (await http.get("/state")).json()["made"]

        async with http.stream("GET", "/endless/slow"):
            before, now = -1, await made()
            while now != before:
                await asyncio.sleep(0.05)
                before, now = now, await made()
            assert now * 64 * 1024 < 64 * 1024 * 1024
        while (await http.get("/state")).json()["opened"]:
            await asyncio.sleep(0.01)


async def test_the_test_client_streams_and_the_async_client_waits(client_for):
    go, made = threading.Event(), []

    def numbers() -> Iterable[int]:
        for number in (1, 2):
            made.append(number)
            yield number
            go.wait(10)

    app = app_of(numbers)
    with TestClient(app) as http, http.stream("GET", "/") as answer:
        lines = answer.iter_lines()
        assert next(lines) == "1"
        assert made == [1]
        go.set()
        assert list(lines) == ["2"]
    made.clear()
    async with client_for(app) as http, http.stream("GET", "/"):
        assert made == [1, 2]


# How the app one would ship behaves


def ask(http, text="why"):
    return http.post("/answers", json={"text": text})


async def test_an_answer_is_tokens_and_a_last_record(
    client_for, shown, monkeypatch
):
    async with client_for(real.app) as http:
        answer = await ask(http, "why so fast")
        assert [json.loads(line)["kind"] for line in answer.text.splitlines()] == [
            *["token"] * 5,
            "done",
        ]
        assert (await ask(http, "")).status_code == 422
        whole = answer.text

        async def dies(prompt):
            yield "You "
            raise ConnectionError

        monkeypatch.setattr(real, "generate", dies)
        cut = await ask(http)
        assert cut.status_code == 200
    last = json.loads(cut.text.splitlines()[-1])
    assert last == {"kind": "failed", "reason": "The model stopped answering"}
    shown("answer", f"{whole}\n{cut.text}")


async def test_a_silent_model_is_given_up(client_for, monkeypatch):
    closed = []

    async def silent(prompt):
        try:
            yield "You "
            await asyncio.Event().wait()
        finally:
            closed.append(prompt)

    monkeypatch.setattr(real, "generate", silent)
    monkeypatch.setattr(real, "PATIENCE", 0.01)
    async with client_for(real.app) as http:
        answer = await ask(http)
    assert json.loads(answer.text.splitlines()[-1])["kind"] == "failed"
    assert closed == ["why"]


async def test_openapi_names_all_three_records(client_for):
    async with client_for(real.app) as http:
        openapi = (await http.get("/openapi.json")).json()
    content = openapi["paths"]["/answers"]["post"]["responses"]["200"]["content"]
    mapping = content["application/jsonl"]["itemSchema"]["discriminator"]["mapping"]
    assert mapping.keys() == {"token", "done", "failed"}


async def test_an_export_resumes_after_a_number_and_says_where_it_ends(client_for):
    async with client_for(real.app) as http:
        whole = await http.get("/orders")
        rest = await http.get("/orders", params={"after": 1999})
    assert whole.headers["content-type"] == "application/x-ndjson"
    assert len(whole.text.splitlines()) == 2001
    assert [json.loads(line) for line in rest.text.splitlines()] == [
        {"number": 2000, "cents": 10000},
        {"kind": "end"},
    ]


async def test_a_recording_is_sent_whole_or_in_ranges(
    client_for, tmp_path, monkeypatch, shown
):
    (tmp_path / "talk.mp4").write_bytes(b"0123456789")
    monkeypatch.setattr(real, "RECORDINGS", tmp_path)
    async with client_for(real.app) as http:

        async def get(wanted, name="talk", **headers):
            headers = {"range": wanted, **headers} if wanted else headers
            return await http.get(f"/recordings/{name}", headers=headers)

        whole = await get(None)
        assert whole.headers["accept-ranges"] == "bytes"
        assert whole.headers["content-length"] == "10"
        assert whole.headers["content-type"] == "video/mp4"
        etag = whole.headers["etag"]
        table = {
            "no Range": whole,
            "bytes=0-3": await get("bytes=0-3"),
            "bytes=7-": await get("bytes=7-"),
            "bytes=-2": await get("bytes=-2"),
            "bytes=50-": await get("bytes=50-"),
            "bytes=7-, If-Range: same ETag": await get(
                "bytes=7-", **{"if-range": etag}
            ),
            "bytes=7-, If-Range: old ETag": await get(
                "bytes=7-", **{"if-range": '"x"'}
            ),
        }
        assert (await get(None, "other")).status_code == 404
        assert (await get(None, "..%2Freal")).status_code in (404, 422)
        assert (await get(None, "Talk")).status_code == 422
    shown(
        "ranges",
        "\n".join(
            f"{asked:30} {got.status_code}  "
            f"{got.headers.get('content-range', '-'):12} {got.text}".rstrip()
            for asked, got in table.items()
        ),
    )


async def test_a_file_that_is_gone_is_a_500(client_for, tmp_path):
    async def gone() -> FileResponse:
        return FileResponse(tmp_path / "gone.mp4")

    async with client_for(app_of(gone)) as http:
        assert (await http.get("/")).status_code == 500


async def test_the_browser_code_shows_tokens_and_refuses_an_unfinished_answer(
    bundle_dir, tmp_path
):
    node = shutil.which("node") or str(Path(sys.executable).with_name("node"))
    if not Path(node).is_file():
        pytest.skip("needs Node.js")
    script = tmp_path / "run.mjs"
    script.write_text("""
        import { readFileSync } from "node:fs";
        const code = readFileSync(process.argv[2], "utf-8");
        const url = "data:text/javascript," + encodeURIComponent(code);
        const { ask } = await import(url);
        const bytes = (text) => new TextEncoder().encode(text);
        const tokens = bytes('{"kind":"token","text":"21 °C"}\\n');
        const cut = [tokens.slice(0, 28), tokens.slice(28)];
        const run = async (pieces, status = 200) => {
          const shown = [];
          const body = ReadableStream.from(pieces);
          globalThis.fetch = async () => new Response(body, { status });
          const show = (text) => shown.push(text);
          const error = await ask("q", show).catch((e) => e.message);
          return [shown.join(""), error ?? null];
        };
        console.log(JSON.stringify([
          await run([...cut, bytes('{"kind":"done","tokens":1}\\n')]),
          await run([tokens, bytes('{"kind":"failed","reason":"no"}\\n')]),
          await run(cut),
          await run([], 503),
        ]));
    """)
    command = [node, str(script), str(bundle_dir / "read.js")]
    process = await asyncio.create_subprocess_exec(*command, stdout=subprocess.PIPE)
    out, _ = await process.communicate()
    assert json.loads(out) == [
        ["21 °C", None],
        ["21 °C", "no"],
        ["21 °C", "The answer is incomplete"],
        ["", "HTTP 503"],
    ]


# One proof per gotcha


async def test_http_exception_in_a_generator():
    def find(name: str = "none"):
        raise HTTPException(404, "No such report")

    async def trap() -> AsyncIterable[int]:
        find()
        yield 1

    async def fix(report: Annotated[None, Depends(find)]) -> AsyncIterable[int]:
        yield 1

    async def probe(endpoint):
        async with watching(app_of(endpoint)) as stream:
            body = b"".join(await stream.rest()).decode()
        return stream.status, body, stream.error and str(stream.error)

    late = "Caught handled exception, but response already started."
    assert await probe(trap) == (200, "", late)
    assert await probe(fix) == (404, '{"detail":"No such report"}', None)


async def test_response_model_does_not_filter_a_stream(client_for):
    class Public(BaseModel):
        name: str

    account = {"name": "ada", "password_hash": "$argon2id$"}

    async def unannotated():
        yield account

    async def annotated() -> AsyncIterable[Public]:
        yield account

    async def probe(endpoint, **route):
        async with client_for(app_of(endpoint, **route)) as http:
            return sorted((await http.get("/")).json())

    trap = app_of(unannotated, response_model=Public).openapi()
    content = trap["paths"]["/"]["get"]["responses"]["200"]["content"]
    assert content["application/jsonl"]["itemSchema"] == {}
    everything = ["name", "password_hash"]
    assert await probe(unannotated, response_model=Public) == everything
    assert await probe(unannotated, response_model=list[Public]) == everything
    assert await probe(annotated) == ["name"]


async def test_caught_error_ends_like_success():
    async def rows():
        yield {"kind": "row"}
        raise ConnectionError

    async def trap() -> AsyncIterable[dict]:
        with contextlib.suppress(ConnectionError):
            async for row in rows():
                yield row

    async def fix() -> AsyncIterable[dict]:
        try:
            async for row in rows():
                yield row
        except ConnectionError:
            yield {"kind": "failed"}
        else:
            yield {"kind": "done"}

    async def probe(endpoint):
        async with watching(app_of(endpoint)) as stream:
            lines = await stream.rest()
        return stream.finished, json.loads(lines[-1])["kind"]

    assert await probe(trap) == (True, "row")
    assert await probe(fix) == (True, "failed")


async def test_chunk_is_not_a_line(client_for):
    async def hours() -> AsyncIterable[dict]:
        for hour in range(3):
            yield {"hour": hour}

    async def trap(answer):
        return [json.loads(chunk) async for chunk in answer.aiter_text()]

    async def fix(answer):
        return [json.loads(line) async for line in answer.aiter_lines()]

    async def probe(read):
        async with (
            client_for(app_of(hours)) as http,
            http.stream("GET", "/") as answer,
        ):
            try:
                return [reading["hour"] for reading in await read(answer)]
            except json.JSONDecodeError as error:
                return error.msg

    assert await probe(trap) == "Extra data"
    assert await probe(fix) == [0, 1, 2]


async def test_never_awaiting_generator_locks_the_server():
    turns, seen = 0, []

    async def rows():
        seen.append(turns)
        for _ in range(100):
            yield b"row\n"
        seen.append(turns)

    async def trap() -> StreamingResponse:
        return StreamingResponse(rows())

    async def fix() -> AsyncIterable[bytes]:
        async for row in rows():
            yield row

    async def others():
        nonlocal turns
        while True:
            turns += 1
            await asyncio.sleep(0)

    async def probe(endpoint):
        seen.clear()
        running = asyncio.create_task(others())
        app = app_of(endpoint, response_class=StreamingResponse)
        async with watching(app) as stream:
            await stream.rest()
        running.cancel()
        return seen[1] - seen[0]

    assert await probe(trap) == 0
    assert await probe(fix) >= 99


async def test_model_runs_on_after_the_client_left():
    made, tasks = 0, []

    async def model():
        nonlocal made
        while True:
            made += 1
            yield "word"
            await asyncio.sleep(0)

    async def trap() -> AsyncIterable[str]:
        queue = asyncio.Queue()

        async def produce():
            async for token in model():
                queue.put_nowait(token)

        tasks.append(asyncio.create_task(produce()))
        while True:
            yield await queue.get()

    async def opened():
        async with contextlib.aclosing(model()) as tokens:
            yield tokens

    async def fix(tokens: Annotated[object, Depends(opened)]) -> AsyncIterable[str]:
        async for token in tokens:
            yield token

    async def probe(endpoint, reads):
        async with watching(app_of(endpoint), reads=reads) as stream:
            await stream.next()
        at_the_end = made
        for _ in range(100):
            await asyncio.sleep(0)
        made_since = made - at_the_end
        for task in tasks:
            task.cancel()
        return made_since

    for reads in (None, 1):
        assert await probe(trap, reads) > 50
        assert await probe(fix, reads) == 0


async def test_stream_cannot_be_seeked(client_for, tmp_path):
    path = tmp_path / "talk.mp4"
    path.write_bytes(b"0123456789")

    def trap() -> Iterable[bytes]:
        yield path.read_bytes()

    def fix() -> FileResponse:
        return FileResponse(path)

    async def probe(endpoint, **route):
        async with client_for(app_of(endpoint, **route)) as http:
            answer = await http.get("/", headers={"range": "bytes=7-"})
        return answer.status_code, answer.text

    assert await probe(trap, response_class=StreamingResponse) == (
        200,
        "0123456789",
    )
    assert await probe(fix) == (206, "789")
