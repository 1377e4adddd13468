import asyncio
import io
import re
from contextlib import asynccontextmanager
from contextvars import ContextVar
from functools import partial

import pytest
import real
from fastapi import (
    APIRouter,
    BackgroundTasks,
    FastAPI,
    HTTPException,
    Request,
    WebSocket,
)
from fastapi.middleware.cors import CORSMiddleware
from fastapi.middleware.gzip import GZipMiddleware
from fastapi.middleware.httpsredirect import HTTPSRedirectMiddleware
from fastapi.middleware.trustedhost import TrustedHostMiddleware
from fastapi.responses import JSONResponse, StreamingResponse
from fastapi.testclient import TestClient
from main import RequestId, measure
from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.middleware.base import BaseHTTPMiddleware

HEX_ID = re.compile("[0-9a-f]{32}")


class Pure:
    """Pure ASGI middleware that passes everything on."""

    def __init__(self, app):
        self.app = app

    async def __call__(self, scope, receive, send):
        await self.app(scope, receive, send)


class Note(Pure):
    """Writes down when a request comes in and when the call is over."""

    def __init__(self, app, name, steps):
        super().__init__(app)
        self.name, self.steps = name, steps

    async def __call__(self, scope, receive, send):
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        self.steps.append(f"{self.name}: request")
        await self.app(scope, receive, send)
        self.steps.append(f"{self.name}: response")


class Base(BaseHTTPMiddleware):
    async def dispatch(self, request, call_next):
        return await call_next(request)


# How the app behaves


async def test_every_answer_has_an_id_and_a_time(client):
    for path, status in (("/hello", 200), ("/nowhere", 404)):
        answer = await client.get(path)
        assert answer.status_code == status
        assert HEX_ID.fullmatch(answer.headers["x-request-id"])
        assert re.fullmatch(r"app;dur=\d+\.\d\d", answer.headers["server-timing"])


async def test_the_route_sees_the_id_that_the_client_gets(client):
    first, second = await client.get("/hello"), await client.get("/hello")
    for answer in (first, second):
        request_id = answer.headers["x-request-id"]
        assert answer.json() == {"hello": "world", "request_id": request_id}
    assert first.json() != second.json()


def test_a_file_shows_the_order_from_the_inside_out():
    from main import app

    assert [each.cls for each in app.user_middleware] == [
        RequestId,
        BaseHTTPMiddleware,
    ]
    assert app.user_middleware[1].kwargs == {"dispatch": measure}


# How the layers lie


async def test_a_request_passes_the_layers_twice(client_for, shown):
    steps = []
    app = FastAPI()
    app.add_middleware(Note, name="added first", steps=steps)
    app.add_middleware(Note, name="added last", steps=steps)

    @app.get("/")
    async def route() -> None:
        steps.append("route")

    async with client_for(app) as client:
        await client.get("/")
    shown("order", "\n".join(steps))
    assert steps[:3] == ["added last: request", "added first: request", "route"]


def test_the_built_stack_has_its_own_layers_around_yours():
    app = FastAPI(middleware=[Middleware(Pure), Middleware(Base)])
    layer, names = app.build_middleware_stack(), []
    while hasattr(layer, "app"):
        names.append(type(layer).__name__)
        layer = layer.app
    assert names[:7] == [
        "ServerErrorMiddleware",
        "ExceptionTelemetryMiddleware",
        "AppBodyLimitMiddleware",
        "Pure",
        "Base",
        "ExceptionMiddleware",
        "AsyncExitStackMiddleware",
    ]


async def test_the_list_of_the_constructor_reads_from_the_outside_in(client_for):
    steps = []
    layers = [
        Middleware(Note, name=name, steps=steps) for name in ("outer", "inner")
    ]
    async with client_for(FastAPI(middleware=layers)) as client:
        await client.get("/")
    assert steps[:2] == ["outer: request", "inner: request"]


async def test_a_middleware_object_is_made_once_for_all_requests(client_for):
    made = []

    class Counted(Pure):
        def __init__(self, app):
            super().__init__(app)
            made.append(self)

    app = FastAPI(middleware=[Middleware(Counted)])
    assert made == []
    async with client_for(app) as client:
        for _ in range(3):
            await client.get("/")
    assert len(made) == 1


def test_the_ready_made_classes_are_pure_asgi():
    for each in (
        CORSMiddleware,
        GZipMiddleware,
        HTTPSRedirectMiddleware,
        TrustedHostMiddleware,
    ):
        assert not issubclass(each, BaseHTTPMiddleware)


async def test_an_exception_with_its_own_handler_is_answered_inside(
    client_for,
):
    async def handler(request, error):
        return JSONResponse({"detail": "sold out"}, 409)

    app = FastAPI(
        middleware=[Middleware(RequestId)], exception_handlers={KeyError: handler}
    )

    @app.get("/")
    async def route() -> None:
        raise KeyError

    async with client_for(app) as client:
        answer = await client.get("/")
    assert (answer.status_code, "x-request-id" in answer.headers) == (409, True)


async def test_a_500_made_inside_of_cors_has_its_headers(client_for, lines):
    async def probe(*inside):
        cors = Middleware(CORSMiddleware, allow_origins=["https://a.example"])
        app = FastAPI(middleware=[cors, *inside])

        @app.get("/")
        async def crash() -> None:
            raise ValueError

        async with client_for(app) as client:
            answer = await client.get("/", headers={"Origin": "https://a.example"})
        assert answer.status_code == 500
        return "access-control-allow-origin" in answer.headers

    assert await probe() is False
    assert await probe(Middleware(real.RequestId)) is True


async def test_the_413_of_the_body_limit_comes_from_outside_of_yours(client_for):
    app = FastAPI(max_body_size=3, middleware=[Middleware(RequestId)])

    @app.post("/")
    async def route(request: Request) -> int:
        return len(await request.body())

    async with client_for(app) as client:
        small = await client.post("/", content="abc")
        large = await client.post("/", content="abcd")
    assert (small.status_code, "x-request-id" in small.headers) == (200, True)
    assert (large.status_code, "x-request-id" in large.headers) == (413, False)


async def test_middleware_on_a_mounted_app_wraps_that_app_only(client_for):
    outer, inner = FastAPI(), FastAPI(middleware=[Middleware(RequestId)])
    outer.mount("/inner", inner)
    async with client_for(outer) as client:
        inside, outside = await client.get("/inner/x"), await client.get("/x")
    assert "x-request-id" in inside.headers
    assert "x-request-id" not in outside.headers


# The two kinds of middleware, through the same probes


def after_route(seen):
    """Both kinds of one middleware that calls `seen()` after the rest has run."""

    class AsClass(Pure):
        async def __call__(self, scope, receive, send):
            await self.app(scope, receive, send)
            if scope["type"] == "http":
                seen()

    class AsFunction(BaseHTTPMiddleware):
        async def dispatch(self, request, call_next):
            response = await call_next(request)
            seen()
            return response

    return AsClass, AsFunction


KINDS = ("pure ASGI", "BaseHTTPMiddleware")


async def code_after_the_route(client_for, kind):
    steps = []
    layer = after_route(lambda: steps.append("middleware"))[kind]
    app = FastAPI(middleware=[Middleware(layer)])

    @app.get("/")
    async def route(tasks: BackgroundTasks) -> None:
        tasks.add_task(steps.append, "task")

    async with client_for(app) as client:
        await client.get("/")
    return steps[0] == "task"


async def tasks_of_a_request(client_for, kind, layers=1):
    app = FastAPI(middleware=[Middleware((Pure, Base)[kind])] * layers)

    @app.get("/")
    async def route() -> int:
        return len(asyncio.all_tasks())

    async with client_for(app) as client:
        inside = (await client.get("/")).json()
    bare = FastAPI()
    bare.get("/")(route)
    async with client_for(bare) as client:
        return inside - (await client.get("/")).json()


async def sees_web_sockets(kind):
    seen = []

    class AsFunction(BaseHTTPMiddleware):
        async def dispatch(self, request, call_next):
            seen.append("websocket")
            return await call_next(request)

    class AsClass(Pure):
        async def __call__(self, scope, receive, send):
            seen.append(scope["type"])
            await self.app(scope, receive, send)

    app = FastAPI(middleware=[Middleware((AsClass, AsFunction)[kind])])

    @app.websocket("/ws")
    async def socket(websocket: WebSocket) -> None:
        await websocket.accept()
        await websocket.close()

    messages = iter([{"type": "websocket.connect"}])
    sent = []

    async def receive():
        return next(messages)

    async def send(message):
        sent.append(message["type"])

    scope = scope_of("/ws") | {"type": "websocket", "subprotocols": []}
    await app(scope, receive, send)
    assert sent == ["websocket.accept", "websocket.close"]
    return "websocket" in seen


def scope_of(path):
    return {
        "type": "http",
        "asgi": {"version": "3.0", "spec_version": "2.3"},
        "http_version": "1.1",
        "method": "GET",
        "scheme": "http",
        "server": ("test", 80),
        "client": ("127.0.0.1", 50000),
        "path": path,
        "raw_path": path.encode(),
        "root_path": "",
        "query_string": b"",
        "headers": [],
    }


async def disconnect_is_seen(layer):
    """Ask in a route whether the client is there; the server says it has left."""
    answers = []
    app = FastAPI(middleware=[Middleware(layer)])

    @app.get("/")
    async def route(request: Request) -> None:
        for _ in range(3):
            answers.append(await request.is_disconnected())

    async def receive():
        return {"type": "http.disconnect"}

    async def send(message):
        pass

    await app(scope_of("/"), receive, send)
    return answers[-1]


class TimeLimitFunction(BaseHTTPMiddleware):
    async def dispatch(self, request, call_next):
        try:
            return await asyncio.wait_for(call_next(request), 0.02)
        except TimeoutError:
            return JSONResponse({"detail": "too slow"}, 504)


class TimeLimitClass(Pure):
    async def __call__(self, scope, receive, send):
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        try:
            async with asyncio.timeout(0.02):
                await self.app(scope, receive, send)
        except TimeoutError:
            await JSONResponse({"detail": "too slow"}, 504)(scope, receive, send)


async def route_after_the_time_limit(client_for, layer):
    """Let the route go on only once the 504 is out; say what became of it."""
    answered, fate = asyncio.Event(), []

    class Outermost(Pure):
        async def __call__(self, scope, receive, send):
            async def watch(message):
                await send(message)
                if message["type"] == "http.response.start":
                    answered.set()

            await self.app(scope, receive, watch)

    app = FastAPI(middleware=[Middleware(Outermost), Middleware(layer)])

    @app.get("/")
    async def route() -> None:
        try:
            await answered.wait()
            fate.append("went on")
        except asyncio.CancelledError:
            fate.append("cancelled")
            raise

    async with client_for(app) as client:
        assert (await client.get("/")).status_code == 504
    return fate[0]


async def context_after_the_route(client_for, kind):
    user = ContextVar("user", default="nobody")
    seen = []
    layer = after_route(lambda: seen.append(user.get()))[kind]
    app = FastAPI(middleware=[Middleware(layer)])

    @app.get("/")
    async def route() -> None:
        user.set("ada")

    async with client_for(app) as client:
        await client.get("/")
    return seen == ["ada"]


async def stream_after_the_client_left(layer):
    """The client leaves during an endless stream; is the end missing outside?"""
    app = FastAPI(middleware=[Middleware(layer)])
    left, sent = asyncio.Event(), []

    @app.get("/")
    async def route() -> StreamingResponse:
        async def endless():
            while True:
                await asyncio.sleep(0)
                yield b"x"

        return StreamingResponse(endless())

    async def receive():
        await left.wait()
        return {"type": "http.disconnect"}

    async def send(message):
        sent.append(message)
        if len(sent) == 5:
            left.set()

    await app(scope_of("/"), receive, send)
    return sent[-1]["more_body"]


async def time_limit_ends_it(client_for, kind):
    layer = (TimeLimitClass, TimeLimitFunction)[kind]
    return await route_after_the_time_limit(client_for, layer) == "cancelled"


async def test_what_the_two_kinds_do(client_for, shown):
    async def breaks_off(kind):
        return await stream_after_the_client_left((Pure, Base)[kind])

    async def disconnect(kind):
        return await disconnect_is_seen((Pure, Base)[kind])

    rows = [("", "pure", "function")]
    for name, probe in (
        (
            "sees what the route sets",
            partial(context_after_the_route, client_for),
        ),
        ("waits for background tasks", partial(code_after_the_route, client_for)),
        ("sees a stream break off", breaks_off),
        ("lets the route see it too", disconnect),
        ("time limit ends the route", partial(time_limit_ends_it, client_for)),
        ("is called for WebSockets", sees_web_sockets),
    ):
        assert [await probe(kind) for kind in (0, 1)] == [True, False]
        rows.append((name, "yes", "no"))
    tasks = [await tasks_of_a_request(client_for, kind) for kind in (0, 1)]
    assert tasks == [0, 1]
    rows.append(("tasks added to a request", *map(str, tasks)))
    shown("two-kinds", "\n".join(f"{a:28}{b:6}{c}".rstrip() for a, b, c in rows))


async def test_each_function_costs_one_more_task(client_for):
    assert [await tasks_of_a_request(client_for, 1, n) for n in (1, 3)] == [1, 3]
    assert [await tasks_of_a_request(client_for, 0, n) for n in (1, 3)] == [0, 0]


async def test_a_context_variable_goes_in_with_both_kinds(client_for):
    user = ContextVar("user", default="nobody")

    class SetPure(Pure):
        async def __call__(self, scope, receive, send):
            user.set("ada")
            await self.app(scope, receive, send)

    class SetBase(BaseHTTPMiddleware):
        async def dispatch(self, request, call_next):
            user.set("ada")
            return await call_next(request)

    def in_a_thread() -> str:
        return user.get()

    async def on_the_loop() -> str:
        return user.get()

    for layer in (SetPure, SetBase):
        app = FastAPI(middleware=[Middleware(layer)])
        app.get("/thread")(in_a_thread)
        app.get("/loop")(on_the_loop)
        async with client_for(app) as client:
            answers = [
                (await client.get(path)).json() for path in ("/thread", "/loop")
            ]
        assert answers == ["ada", "ada"]


async def test_a_pure_middleware_is_called_for_the_lifespan_too(client_for):
    seen = []

    class Types(Pure):
        async def __call__(self, scope, receive, send):
            seen.append((scope["type"], "headers" in scope))
            await self.app(scope, receive, send)

    async with client_for(FastAPI(middleware=[Middleware(Types)])) as client:
        await client.get("/")
    assert seen == [("lifespan", False), ("http", True)]


async def test_a_function_may_read_the_body_and_the_route_still_gets_it(client_for):
    app = FastAPI()

    @app.middleware("http")
    async def read(request, call_next):
        request.state.length = len(await request.body())
        return await call_next(request)

    @app.post("/")
    async def route(request: Request) -> list[int]:
        return [request.state.length, len(await request.body())]

    async with client_for(app) as client:
        assert (await client.post("/", content="four")).json() == [4, 4]


async def test_the_response_of_call_next_has_no_body_to_read(client_for):
    app, seen = FastAPI(), []

    @app.middleware("http")
    async def read(request, call_next):
        response = await call_next(request)
        seen.append(hasattr(response, "body"))
        return response

    async with client_for(app) as client:
        assert (await client.get("/")).status_code == 404
    assert seen == [False]


async def test_a_background_task_outlives_the_client_behind_a_function():
    done = []
    app = FastAPI(middleware=[Middleware(Base)])

    async def task():
        await asyncio.sleep(0)
        done.append("task")

    @app.get("/")
    async def route(tasks: BackgroundTasks) -> None:
        tasks.add_task(task)

    async def receive():
        return {"type": "http.disconnect"}

    async def send(message):
        pass

    await app(scope_of("/"), receive, send)
    assert done == ["task"]


def test_starlette_lost_the_decorator_and_fastapi_kept_it():
    assert not hasattr(Starlette(), "middleware")
    assert callable(FastAPI().middleware)


# How the app one would ship behaves


@pytest.fixture
def lines():
    stream = io.StringIO()
    before = real.handler.setStream(stream)
    yield lambda: stream.getvalue().splitlines()
    real.handler.setStream(before)


@pytest.fixture
def shop(client_for):
    return client_for(real.app)


async def test_each_line_of_the_log_has_the_id_of_its_request(shop, lines, shown):
    async with shop as client:
        for number, path in enumerate(
            ("/orders/4", "/orders/x", "/nowhere", "/export", "/orders/0"), start=1
        ):
            headers = {"X-Request-ID": f"request-{number}"}
            answer = await client.get(path, headers=headers)
            assert answer.headers["x-request-id"] == f"request-{number}"
    text = "\n".join(line for line in lines() if re.match("[A-Z]+ ", line))
    shown("log", re.sub(r"\d+\.\d ms", "… ms", text))


async def test_an_id_of_the_client_is_checked_before_it_is_taken(shop):
    async with shop as client:
        for sent in ("short", "x" * 65, 'a"quote-inside', ""):
            answer = await client.get("/orders/4", headers={"X-Request-ID": sent})
            assert HEX_ID.fullmatch(answer.headers["x-request-id"])


async def test_a_crash_is_a_500_that_names_the_id(shop, lines):
    async with shop as client:
        answer = await client.get(
            "/orders/0", headers={"X-Request-ID": "request-1"}
        )
    assert answer.status_code == 500
    assert answer.json() == {
        "detail": "Internal Server Error",
        "request_id": "request-1",
    }
    assert answer.headers["x-request-id"] == "request-1"
    assert real.request_id.get() == "-"
    assert "ERROR [request-1] unhandled" in lines()
    assert "ZeroDivisionError: division by zero" in lines()


async def test_the_crash_still_reaches_the_server(client_for, lines):
    async with client_for(real.app, raise_app_exceptions=True) as client:
        with pytest.raises(ZeroDivisionError):
            await client.get("/orders/0")


async def test_requests_at_the_same_time_keep_their_ids_apart(shop, lines):
    async with shop as client:
        await asyncio.gather(
            *(
                client.get(f"/orders/{n}", headers={"X-Request-ID": f"request-{n}"})
                for n in range(1, 9)
            )
        )
    for n in range(1, 9):
        assert f"INFO [request-{n}] looking up order {n}" in lines()
    assert real.request_id.get() == "-"


async def test_an_abandoned_download_is_logged_as_cut_short(lines):
    left, sent = asyncio.Event(), []

    async def receive():
        await left.wait()
        return {"type": "http.disconnect"}

    async def send(message):
        sent.append(message)
        if len(sent) == 3:
            left.set()
        await asyncio.sleep(0)

    await real.app(scope_of("/export"), receive, send)
    assert sent[-1]["more_body"] is True
    assert lines()[-1].endswith("cut short")


async def test_the_log_counts_the_body_and_no_background_task(
    client_for, lines, monkeypatch
):
    clock = [0]
    monkeypatch.setattr(real, "perf_counter", lambda: clock[0])

    def work(seconds):
        clock[0] += seconds

    async def chunks():
        yield b"first"
        work(10)
        yield b"second"

    app = FastAPI(middleware=[Middleware(real.AccessLog)])

    @app.get("/")
    async def route(tasks: BackgroundTasks) -> StreamingResponse:
        tasks.add_task(work, 100)
        work(1)
        return StreamingResponse(chunks(), background=tasks)

    async with client_for(app) as client:
        await client.get("/")
    assert lines()[-1].endswith("GET / 200 11000.0 ms")


async def test_a_crash_in_the_body_sends_no_second_answer(lines):
    app, sent = FastAPI(middleware=[Middleware(real.RequestId)]), []

    @app.get("/")
    async def route() -> StreamingResponse:
        async def broken():
            yield b"first"
            raise ValueError("broken")

        return StreamingResponse(broken())

    async def receive():
        await asyncio.Event().wait()

    async def send(message):
        sent.append(message["type"])

    with pytest.raises(ValueError, match="broken"):
        await app(scope_of("/"), receive, send)
    assert sent == ["http.response.start", "http.response.body"]


async def test_the_route_in_the_scope_keeps_only_the_prefix_of_its_router(
    client_for, lines
):
    async def probe(own, added):
        app = FastAPI(middleware=[Middleware(real.AccessLog)])
        router = APIRouter(prefix=own)

        @router.get("/items/{number}")
        async def route(number: int, request: Request) -> str:
            return request.scope["route"].path

        app.include_router(router, prefix=added)
        async with client_for(app) as client:
            answer = await client.get("/shop/items/1")
        assert f"GET {answer.json()} 200" in lines()[-1]
        return answer.json()

    assert await probe("/shop", "") == "/shop/items/{number}"
    assert await probe("", "/shop") == "/items/{number}"


async def test_compression_is_the_innermost_layer_and_works(shop):
    async with shop as client:
        answer = await client.get("/export", headers={"Accept-Encoding": "gzip"})
    assert answer.headers["content-encoding"] == "gzip"
    assert answer.text.splitlines()[-1] == "order 999"


# One proof per gotcha


async def test_last_added_runs_first(client_for):
    lines = []

    class Log(Pure):
        async def __call__(self, scope, receive, send):
            if scope["type"] == "http":
                lines.append("request_id" in scope.get("state", {}))
            await self.app(scope, receive, send)

    async def probe(*added):
        app = FastAPI()
        for layer in added:
            app.add_middleware(layer)
        lines.clear()
        async with client_for(app) as client:
            await client.get("/")
        return lines

    assert await probe(RequestId, Log) == [False]
    assert await probe(Log, RequestId) == [True]


async def test_http_exception_becomes_500(client_for):
    async def trap(request, call_next):
        if "authorization" not in request.headers:
            raise HTTPException(401, "Who are you?")
        return await call_next(request)

    async def fix(request, call_next):
        if "authorization" not in request.headers:
            return JSONResponse({"detail": "Who are you?"}, 401)
        return await call_next(request)

    async def probe(function):
        app = FastAPI()
        app.middleware("http")(function)
        async with client_for(app) as client:
            answer = await client.get("/")
        return answer.status_code, answer.text

    assert await probe(trap) == (500, "Internal Server Error")
    assert await probe(fix) == (401, '{"detail":"Who are you?"}')


async def test_a_500_skips_your_middleware(client_for):
    async def handler(request, error):
        return JSONResponse({"detail": "sorry"}, 500)

    handlers = {Exception: handler}
    plain = FastAPI(middleware=[Middleware(RequestId)])
    trap = FastAPI(middleware=[Middleware(RequestId)], exception_handlers=handlers)
    fix = FastAPI(middleware=[Middleware(real.RequestId)])

    async def probe(app):
        @app.get("/")
        async def crash() -> None:
            raise ValueError

        async with client_for(app) as client:
            answer = await client.get("/")
        assert answer.status_code == 500
        return "x-request-id" in answer.headers

    assert await probe(plain) is False
    assert await probe(trap) is False
    assert await probe(fix) is True


def test_a_handler_for_exception_answers_and_the_error_is_raised_all_the_same():
    async def handler(request, error):
        return JSONResponse({"detail": "sorry"}, 500)

    app = FastAPI(exception_handlers={Exception: handler})

    @app.get("/")
    async def crash() -> None:
        raise ValueError("broken")

    with pytest.raises(ValueError, match="broken"):
        TestClient(app).get("/")
    answer = TestClient(app, raise_server_exceptions=False).get("/")
    assert (answer.status_code, answer.json()) == (500, {"detail": "sorry"})


async def test_context_variable_does_not_come_back(client_for):
    pure, base = 0, 1
    assert await context_after_the_route(client_for, base) is False
    assert await context_after_the_route(client_for, pure) is True


async def test_a_function_further_out_does_not_spoil_it_but_one_in_between_does(
    client_for,
):
    async def probe(order):
        user, seen = ContextVar("user", default="nobody"), []
        reader = after_route(lambda: seen.append(user.get()))[0]
        layers = [
            Middleware(reader if each == "reader" else Base) for each in order
        ]
        app = FastAPI(middleware=layers)

        @app.get("/")
        async def route() -> None:
            user.set("ada")

        async with client_for(app) as client:
            await client.get("/")
        return seen

    assert await probe(["function", "reader"]) == ["ada"]
    assert await probe(["reader", "function"]) == ["nobody"]


async def test_request_state_comes_back_with_both_kinds(client_for):
    seen = []

    class AsFunction(BaseHTTPMiddleware):
        async def dispatch(self, request, call_next):
            response = await call_next(request)
            seen.append(request.state.user)
            return response

    app = FastAPI(middleware=[Middleware(AsFunction)])

    @app.get("/")
    async def route(request: Request) -> None:
        request.state.user = "ada"

    async with client_for(app) as client:
        await client.get("/")
    assert seen == ["ada"]


async def test_timer_stops_at_the_headers(client_for):
    clock, took = [0], []

    class Trap(BaseHTTPMiddleware):
        async def dispatch(self, request, call_next):
            start = clock[0]
            response = await call_next(request)
            took.append(clock[0] - start)
            return response

    class NoFix(Pure):
        async def __call__(self, scope, receive, send):
            start = clock[0]
            await self.app(scope, receive, send)
            if scope["type"] == "http":
                took.append(clock[0] - start)

    class Fix(Pure):
        async def __call__(self, scope, receive, send):
            start = clock[0]

            async def watch(message):
                await send(message)
                if message["type"] == "http.response.body" and not message.get(
                    "more_body"
                ):
                    took.append(clock[0] - start)

            await self.app(scope, receive, watch)

    async def probe(layer):
        def work(seconds):
            clock[0] += seconds

        async def chunks():
            yield b"first"
            work(10)
            yield b"second"

        app = FastAPI(middleware=[Middleware(layer)])

        @app.get("/")
        async def route(tasks: BackgroundTasks) -> StreamingResponse:
            tasks.add_task(work, 100)
            work(1)
            return StreamingResponse(chunks(), background=tasks)

        async with client_for(app) as client:
            assert (await client.get("/")).text == "firstsecond"
        return took.pop()

    assert await probe(Trap) == 1
    assert await probe(NoFix) == 111
    assert await probe(Fix) == 11


async def test_route_goes_on_without_the_client(client_for):
    async def probe(plain, time_limit):
        return (
            await disconnect_is_seen(plain),
            await route_after_the_time_limit(client_for, time_limit),
        )

    assert await probe(Base, TimeLimitFunction) == (False, "went on")
    assert await probe(Pure, TimeLimitClass) == (True, "cancelled")


async def test_added_after_the_start(client_for, caplog):
    @asynccontextmanager
    async def lifespan(app):
        app.add_middleware(RequestId)
        yield

    trap = FastAPI(lifespan=lifespan)
    fix = FastAPI()
    fix.add_middleware(RequestId)

    async def probe(app):
        messages = iter(
            [{"type": "lifespan.startup"}, {"type": "lifespan.shutdown"}]
        )
        sent = []

        async def receive():
            return next(messages)

        async def send(message):
            sent.append(message)

        try:
            await app({"type": "lifespan", "asgi": {}, "state": {}}, receive, send)
        except RuntimeError as error:
            return str(error)
        return [each["type"] for each in sent]

    assert (
        await probe(trap)
        == "Cannot add middleware after an application has started"
    )
    assert await probe(fix) == [
        "lifespan.startup.complete",
        "lifespan.shutdown.complete",
    ]
