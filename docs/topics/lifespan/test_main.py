import asyncio
import re
import threading
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from typing import Annotated, Any

import parts
import pytest
import real
import uvicorn
from asgi_lifespan import LifespanManager
from fastapi import APIRouter, BackgroundTasks, Depends, FastAPI, Request, WebSocket
from fastapi.exceptions import FastAPIError
from fastapi.testclient import TestClient
from httpx2 import ASGITransport, AsyncClient
from main import app
from starlette.applications import Starlette

events = parts.events


@pytest.fixture(autouse=True)
def nothing_happened_yet():
    events.clear()


def opening(name, state=None, fails=False):
    @asynccontextmanager
    async def lifespan(app):
        if fails:
            raise ConnectionError(f"{name} is unreachable")
        events.append(f"{name} opens")
        try:
            yield state
        finally:
            events.append(f"{name} closes")

    return lifespan


def note(event):
    return lambda: events.append(event)


def with_events(target, name):
    """Register both handlers, as old code does."""
    for kind in ("startup", "shutdown"):
        with pytest.warns(DeprecationWarning, match="use lifespan event handlers"):
            target.on_event(kind)(note(f"{name} {kind}"))
    return target


@pytest.fixture
def run(client_for):
    """Start and stop an app; give what happened, with a bar in the middle."""

    async def run(app):
        events.clear()
        async with client_for(app):
            events.append("|")
        return list(events)

    return run


class Talk:
    """Speaks the lifespan protocol with an app, by hand."""

    def __init__(self, app):
        self.asked: asyncio.Queue[dict[str, Any]] = asyncio.Queue()
        self.answers: list[dict[str, Any]] = []
        self.state: dict[str, Any] = {}
        scope = {
            "type": "lifespan",
            "asgi": {"version": "3.0"},
            "state": self.state,
        }
        self.task = asyncio.ensure_future(app(scope, self.asked.get, self.hear))

    async def hear(self, message):
        self.answers.append(message)

    async def say(self, what, turns=50):
        self.asked.put_nowait({"type": f"lifespan.{what}"})
        for _ in range(turns):
            await asyncio.sleep(0)
        return [answer["type"] for answer in self.answers]

    async def hang_up(self):
        self.task.cancel()
        await asyncio.wait({self.task})
        return self.task.cancelled() or self.task.exception()


# --- main.py


async def test_all_requests_meet_the_filter_that_startup_loaded(client):
    first = await client.get("/check", params={"text": "You are a winner"})
    assert (first.status_code, first.json()) == (
        200,
        {"suspicious": True, "checked": 1},
    )
    second = await client.get("/check", params={"text": "Lunch at noon"})
    assert second.json() == {"suspicious": False, "checked": 2}


async def test_what_the_server_logs_from_start_to_stop(server, shown):
    async with server("main:app") as url, url.client() as http:
        assert (await http.get("/check", params={"text": "Hi"})).status_code == 200
        url.process.terminate()
        await asyncio.to_thread(url.process.wait)
        log = url.log()
    log = re.sub(r"process \[\d+\]", "process [7]", log)
    log = re.sub(r"127\.0\.0\.1:\d+ -", "127.0.0.1:50000 -", log)
    log = re.sub(r"http://127\.0\.0\.1:\d+", "http://127.0.0.1:8000", log)
    shown("server", log.strip())
    lines = log.splitlines()
    assert lines.index("filter: loaded") < lines.index(
        "INFO:     Application startup complete."
    )
    assert lines[-2:] == [
        "INFO:     Application shutdown complete.",
        "INFO:     Finished server process [7]",
    ]


async def test_the_server_asks_twice_and_the_app_answers_twice(capsys):
    talk = Talk(app)
    assert await talk.say("startup") == ["lifespan.startup.complete"]
    assert list(talk.state) == ["spam"]
    assert (await talk.say("shutdown"))[1:] == ["lifespan.shutdown.complete"]
    assert talk.task.done()
    assert capsys.readouterr().out.splitlines() == [
        "filter: loaded",
        "filter: closed, 0 checked",
    ]


async def test_a_failed_start_is_reported_to_the_server_with_its_traceback():
    talk = Talk(FastAPI(lifespan=opening("database", fails=True)))
    assert await talk.say("startup") == ["lifespan.startup.failed"]
    assert "ConnectionError: database is unreachable" in talk.answers[0]["message"]
    assert isinstance(await talk.hang_up(), ConnectionError)


async def test_shutdown_waits_for_open_requests_and_their_tasks():
    busy, asked, go = (
        FastAPI(lifespan=opening("app")),
        asyncio.Event(),
        asyncio.Event(),
    )

    @busy.get("/")
    async def route(tasks: BackgroundTasks) -> None:
        tasks.add_task(note("background task runs"))
        asked.set()
        await go.wait()
        events.append("route answers")

    config = uvicorn.Config(busy, port=0, log_config=None)
    server = uvicorn.Server(config)
    serving = asyncio.create_task(server.serve())
    while not server.started:
        await asyncio.sleep(0.01)
    port = server.servers[0].sockets[0].getsockname()[1]
    address = f"http://127.0.0.1:{port}"
    async with AsyncClient(base_url=address, trust_env=False) as http:
        request = asyncio.create_task(http.get("/"))
        await asked.wait()
        server.should_exit = True
        while server.servers[0].is_serving():
            await asyncio.sleep(0.01)
        events.append("server accepts no more")
        go.set()
        assert (await request).status_code == 200
        await serving
    assert events == [
        "app opens",
        "server accepts no more",
        "route answers",
        "background task runs",
        "app closes",
    ]


async def test_a_forgotten_decorator_is_forgiven_by_the_app_only(run):
    async def lifespan(app: FastAPI) -> AsyncIterator[None]:
        events.append("opens")
        yield
        events.append("closes")

    assert await run(FastAPI(lifespan=lifespan)) == ["opens", "|", "closes"]
    async with AsyncExitStack() as stack:
        with pytest.raises(TypeError, match="asynchronous context manager"):
            await stack.enter_async_context(lifespan(app))


# --- state


async def test_rebinding_state_stays_in_the_request_and_mutating_does_not(
    client_for,
):
    counting = FastAPI(lifespan=opening("app", {"number": 0, "names": []}))
    counting.state.number = 0

    @counting.get("/")
    async def count(request: Request) -> list[int]:
        request.state.number += 1
        request.state.names.append("x")
        request.app.state.number += 1
        return [
            request.state.number,
            len(request.state["names"]),
            request.app.state.number,
        ]

    async with client_for(counting) as http:
        assert (await http.get("/")).json() == [1, 1, 1]
        assert (await http.get("/")).json() == [1, 2, 2]


def test_a_websocket_has_the_same_state():
    talking = FastAPI(lifespan=opening("app", {"greeting": "hello"}))

    @talking.websocket("/")
    async def greet(socket: WebSocket) -> None:
        await socket.accept()
        await socket.send_text(socket.state.greeting)
        await socket.close()

    with TestClient(talking) as http, http.websocket_connect("/") as socket:
        assert socket.receive_text() == "hello"


def test_fastapi_does_not_take_starlettes_typed_request():
    with pytest.raises(FastAPIError, match="Invalid args for response field"):

        @FastAPI().get("/")
        async def read(request: Request[dict[str, str]]) -> str: ...


# --- real.py


async def test_the_desk_answers_with_the_rates_it_loaded_at_startup(client_for):
    async with client_for(real.app) as http:
        known = await http.get("/rates/USD")
        assert (known.status_code, known.json()) == (200, 1.17)
        unknown = await http.get("/rates/XXX")
        assert unknown.status_code == 404
        assert unknown.json() == {"detail": "no rate for this currency"}
        assert (await http.get("/ready")).json() == {"ready": True}


async def test_the_desk_closes_in_reverse_and_leaves_nothing(monkeypatch, tmp_path):
    monkeypatch.setenv("REPLICA_URL", f"sqlite:///{tmp_path}/replica.db")
    closed = []

    class Stack(AsyncExitStack):
        def callback(self, function, /, *args, **kwargs):
            closed_later = lambda: closed.append(str(function.__self__.url))  # noqa: E731
            super().callback(closed_later)
            return super().callback(function)

    monkeypatch.setattr(real, "AsyncExitStack", Stack)
    before = asyncio.all_tasks()
    async with real.lifespan(real.app) as state:
        job = (asyncio.all_tasks() - before).pop()
        assert state["reader"].url.database == f"{tmp_path}/replica.db"
        assert not job.done()
        assert not state["rates"].client.is_closed
    assert job.cancelled()
    assert state["rates"].client.is_closed
    assert closed == [f"sqlite:///{tmp_path}/replica.db", "sqlite://"]


async def test_the_desk_does_not_start_without_first_rates(monkeypatch, run):
    clients = []

    class Watched(AsyncClient):
        def __init__(self, **options):
            super().__init__(**options)
            clients.append(self)

    monkeypatch.setattr(real, "AsyncClient", Watched)
    monkeypatch.setattr(real, "bank", FastAPI())
    with pytest.raises(RuntimeError, match=r"startup failed: .*Status/404"):
        await run(real.app)
    assert [client.is_closed for client in clients] == [True]


async def test_a_crash_of_a_bare_task_is_silent_until_shutdown(client_for, caplog):
    async def crash():
        raise ValueError("job crashed")

    @asynccontextmanager
    async def lifespan(app):
        async with opening("pool")(app), real.running(crash()):
            yield

    async def serve():
        async with client_for(FastAPI(lifespan=lifespan)) as http:
            answers.append((await http.get("/")).status_code)
            answers.append(caplog.text)

    answers = []
    with pytest.raises(
        RuntimeError, match="shutdown failed: ValueError: job crashed"
    ):
        await serve()
    assert answers == [404, ""]
    assert events == ["pool opens", "pool closes"]


async def test_a_failed_refresh_keeps_the_old_rates(monkeypatch, caplog):
    async with AsyncClient(
        base_url="http://bank", transport=ASGITransport(app=FastAPI())
    ) as client:
        rates = real.Rates(client)
        rates.current = {"EUR": 1.0}
        async with real.running(rates.keep_fresh(seconds=0)):
            while "old rates stay" not in caplog.text:
                await asyncio.sleep(0)
    assert rates.current == {"EUR": 1.0}


async def test_an_exit_stack_closes_all_that_was_opened_in_reverse():
    async with AsyncExitStack() as stack:
        for name in ("database", "client"):
            await stack.enter_async_context(opening(name)(app))
        stack.callback(note("callback"))
    assert events == [
        "database opens",
        "client opens",
        "callback",
        "client closes",
        "database closes",
    ]
    events.clear()

    async def fails_halfway():
        async with AsyncExitStack() as stack:
            await stack.enter_async_context(opening("database")(app))
            await stack.enter_async_context(opening("client", fails=True)(app))

    with pytest.raises(ConnectionError):
        await fails_halfway()
    assert events == ["database opens", "database closes"]


async def test_one_failing_close_does_not_keep_the_rest_open():
    def fail():
        raise OSError("cannot close")

    async def close():
        async with AsyncExitStack() as stack:
            await stack.enter_async_context(opening("database")(app))
            stack.callback(fail)

    with pytest.raises(OSError, match="cannot close"):
        await close()
    assert events == ["database opens", "database closes"]


async def test_a_crash_in_a_task_group_closes_all_while_the_server_goes_on(
    client_for,
):
    crash = asyncio.Event()

    async def job():
        await crash.wait()
        raise ValueError("job crashed")

    @asynccontextmanager
    async def lifespan(app):
        async with opening("pool")(app), asyncio.TaskGroup() as group:
            group.create_task(job())
            yield

    trap = FastAPI(lifespan=lifespan)

    @trap.get("/")
    async def read() -> list[str]:
        return events

    talk = Talk(trap)
    assert await talk.say("startup") == ["lifespan.startup.complete"]
    crash.set()
    while not talk.task.done():
        await asyncio.sleep(0)
    assert talk.answers[-1]["type"] == "lifespan.shutdown.failed"
    assert "job crashed" in talk.answers[-1]["message"]
    talk.task.exception()
    async with AsyncClient(
        transport=ASGITransport(app=trap), base_url="http://test"
    ) as http:
        assert (await http.get("/")).json() == ["pool opens", "pool closes"]


# --- routers and mounted apps


async def test_parts_open_from_the_outside_in_and_close_in_reverse(run, shown):
    seen = await run(parts.app)
    assert seen == [
        "app opens",
        "mounted opens",
        "router opens",
        "|",
        "router closes",
        "mounted closes",
        "app closes",
    ]
    seen[seen.index("|")] = "requests are served"
    shown("parts", "\n".join(seen))


async def test_every_part_sees_what_all_of_them_yielded(client_for):
    async with client_for(parts.app) as http:
        for path in ("/orders/", "/admin/"):
            answer = await http.get(path)
            assert answer.status_code == 200
            assert answer.json() == ["app", "mounted", "router"]


async def test_a_mounted_app_has_an_app_state_of_its_own(client_for):
    inner, whole = FastAPI(), FastAPI(lifespan=opening("app", {"db": "open"}))
    whole.state.db = "open"
    whole.mount("/inner", inner)

    @inner.get("/")
    async def read(request: Request) -> list[bool]:
        return [hasattr(request.state, "db"), hasattr(request.app.state, "db")]

    async with client_for(whole) as http:
        assert (await http.get("/inner/")).json() == [True, False]


async def test_the_apps_value_wins_over_the_routers(client_for):
    whole = FastAPI(lifespan=opening("app", {"who": "app"}))
    whole.include_router(APIRouter(lifespan=opening("router", {"who": "router"})))

    @whole.get("/")
    async def who(request: Request) -> str:
        return request.state.who

    async with client_for(whole) as http:
        assert (await http.get("/")).json() == "app"


async def test_a_router_that_is_included_twice_opens_twice(run):
    whole, router = FastAPI(), APIRouter(lifespan=opening("router"))
    whole.include_router(router, prefix="/v1")
    whole.include_router(router, prefix="/v2")
    assert (await run(whole))[:3] == ["router opens", "router opens", "|"]


async def test_a_router_added_to_an_included_router_serves_and_never_opens(
    client_for,
):
    whole, outer = FastAPI(), APIRouter()
    inner = APIRouter(lifespan=opening("inner"))

    @inner.get("/inner")
    async def read() -> str:
        return "served"

    whole.include_router(outer)
    outer.include_router(inner)
    async with client_for(whole) as http:
        assert (await http.get("/inner")).json() == "served"
    assert events == []


# --- tests


async def test_what_each_way_of_testing_runs(shown):
    @asynccontextmanager
    async def lifespan(app):
        events.append("startup")
        app.state.number = 0
        yield {"number": 0}
        del app.state.number

    counting = FastAPI(lifespan=lifespan)

    @counting.get("/")
    async def count(request: Request) -> list[int | None]:
        on_app = getattr(request.app.state, "number", None)
        if not hasattr(request.state, "number"):
            return [None, on_app]
        request.state.number += 1
        return [request.state.number, on_app]

    def row(first, second):
        state = {None: "missing", 1: "a copy", 2: "shared"}[second[0]]
        on_app = "missing" if first[1] is None else "there"
        return ["runs" if events else "does not run", state, on_app]

    def sync(client):
        return row(client.get("/").json(), client.get("/").json())

    async def in_loop(target):
        async with AsyncClient(
            transport=ASGITransport(app=target), base_url="http://test"
        ) as http:
            return row((await http.get("/")).json(), (await http.get("/")).json())

    table = {"": ["startup", "request.state", "app.state"]}
    table["TestClient(app)"] = sync(TestClient(counting))
    events.clear()
    with TestClient(counting) as client:
        table["with TestClient(app)"] = sync(client)
    events.clear()
    table["AsyncClient"] = await in_loop(counting)
    events.clear()
    async with counting.router.lifespan_context(counting):
        table["AsyncClient in lifespan_context"] = await in_loop(counting)
    events.clear()
    async with LifespanManager(counting) as manager:
        table["AsyncClient on LifespanManager.app"] = await in_loop(manager.app)
    assert table["with TestClient(app)"] == ["runs", "a copy", "there"]
    assert table["AsyncClient in lifespan_context"] == ["runs", "missing", "there"]
    assert table["AsyncClient on LifespanManager.app"][1] == "shared"
    lines = [
        f"{name:36}" + "".join(f"{cell:15}" for cell in row).rstrip()
        for name, row in table.items()
    ]
    shown("tests", "\n".join(lines))


# --- what on_event is today


async def test_handlers_run_in_order_on_the_loop_also_at_shutdown(run):
    old = with_events(with_events(FastAPI(), "first"), "second")
    where = []
    with pytest.warns(DeprecationWarning, match="on_event is deprecated"):
        old.on_event("startup")(lambda: where.append(threading.get_ident()))
    assert await run(old) == [
        "first startup",
        "second startup",
        "|",
        "first shutdown",
        "second shutdown",
    ]
    assert where == [threading.get_ident()]


async def test_after_a_failed_handler_no_shutdown_handler_runs(run):
    old = with_events(FastAPI(), "pool")
    with pytest.warns(DeprecationWarning, match="on_event is deprecated"):

        @old.on_event("startup")
        async def fail() -> None:
            raise ConnectionError

    with pytest.raises(RuntimeError, match="startup failed"):
        await run(old)
    assert events == ["pool startup"]


async def test_handlers_of_a_router_run_twice_or_once(run):
    def router():
        return with_events(APIRouter(), "router")

    old = FastAPI()
    old.include_router(router())
    assert await run(old) == [
        "router startup",
        "router startup",
        "|",
        "router shutdown",
        "router shutdown",
    ]
    new = FastAPI(lifespan=opening("app"))
    new.include_router(router())
    assert (await run(new)).count("router startup") == 1


async def test_on_startup_lists_run_without_a_warning(run):
    old = FastAPI(on_startup=[note("startup")], on_shutdown=[note("shutdown")])
    assert await run(old) == ["startup", "|", "shutdown"]
    both = FastAPI(on_startup=[note("startup")], lifespan=opening("app"))
    assert await run(both) == ["app opens", "|", "app closes"]


def test_starlette_has_none_of_it_any_more():
    gone = "on_event add_event_handler route websocket_route exception_handler"
    for name in [*gone.split(), "middleware"]:
        assert not hasattr(Starlette, name), name
    for name in ("on_event", "exception_handler", "middleware", "websocket_route"):
        assert hasattr(FastAPI, name), name
    for name in ("add_event_handler", "route"):
        assert not hasattr(FastAPI, name), name
    with pytest.raises(TypeError, match="unexpected keyword argument 'on_startup'"):
        Starlette(on_startup=[])


# --- gotchas


async def test_on_event_is_never_called(run):
    trap = with_events(FastAPI(lifespan=opening("app")), "cache")

    @asynccontextmanager
    async def both(app):
        async with opening("app")(app), opening("cache")(app):
            yield

    fix = FastAPI(lifespan=both)

    async def probe(app):
        return any(event.startswith("cache") for event in await run(app))

    assert await probe(trap) is False
    assert await probe(fix) is True


async def test_add_event_handler_is_gone(run):
    def trap(app):
        app.add_event_handler("startup", note("plugin starts"))

    def fix(app):
        inner = app.router.lifespan_context

        @asynccontextmanager
        async def lifespan(app):
            async with inner(app) as state:
                events.append("plugin starts")
                yield state

        app.router.lifespan_context = lifespan

    async def probe(install):
        app = FastAPI(lifespan=opening("app"))
        try:
            install(app)
        except AttributeError as error:
            return str(error)
        return await run(app)

    lost = "'FastAPI' object has no attribute 'add_event_handler'"
    assert await probe(trap) == lost
    assert await probe(fix) == ["app opens", "plugin starts", "|", "app closes"]
    kept = FastAPI()
    kept.router.add_event_handler("startup", note("plugin starts"))
    assert await run(kept) == ["plugin starts", "|"]


async def test_mounted_app_never_starts(client_for):
    async def probe(app):
        events.clear()
        async with client_for(app) as http:
            answer = await http.get("/admin/")
        return "mounted opens" in events, "mounted" in answer.json()

    trap = FastAPI(lifespan=opening("app", {"app": "open"}))
    trap.mount("/admin", parts.admin)
    assert await probe(trap) == (False, False)
    assert await probe(parts.app) == (True, True)


JOBS = """
import fcntl
from contextlib import asynccontextmanager
from fastapi import FastAPI

FastAPI().on_event("startup")(print)

def schedule(name):
    with open(name, "a") as jobs:
        jobs.write("nightly job scheduled\\n")

@asynccontextmanager
async def lifespan(app):
    schedule("in every worker")
    with open("lock", "w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            pass
        else:
            schedule("where the lock is")
        open("done", "a").write("x")
        yield

app = FastAPI(lifespan=lifespan)
"""


async def test_runs_once_per_worker(server, tmp_path):
    (tmp_path / "jobs.py").write_text(JOBS)
    done = tmp_path / "done"

    def scheduled(how):
        return (tmp_path / how).read_text().count("scheduled")

    async with server("jobs:app", "--workers", "2", cwd=tmp_path) as url:
        async with asyncio.timeout(20):
            while not done.exists() or done.read_text() != "xx":
                await asyncio.sleep(0.01)
        assert "DeprecationWarning" not in url.log()  # Python hides on_event's
    assert scheduled("in every worker") == 2
    assert scheduled("where the lock is") == 1


async def test_failed_start_leaves_the_pool_open(run):
    @asynccontextmanager
    async def trap(app):
        events.append("pool opens")
        yield
        events.append("pool closes")

    @asynccontextmanager
    async def fix(app):
        events.append("pool opens")
        try:
            yield
        finally:
            events.append("pool closes")

    async def after_a_failed_start(lifespan):
        app = FastAPI(lifespan=lifespan)
        app.include_router(APIRouter(lifespan=opening("broker", fails=True)))
        with pytest.raises(RuntimeError, match="broker is unreachable"):
            await run(app)
        return list(events)

    async def after_a_second_ctrl_c(lifespan):
        events.clear()
        talk = Talk(FastAPI(lifespan=lifespan))
        await talk.say("startup")
        await talk.hang_up()
        return list(events)

    for probe in (after_a_failed_start, after_a_second_ctrl_c):
        assert await probe(trap) == ["pool opens"]
        assert await probe(fix) == ["pool opens", "pool closes"]


async def test_depends_is_not_resolved(run):
    async def get_database():
        async with opening("database")(app):
            yield "database"

    @asynccontextmanager
    async def trap(app, database=Depends(get_database)):
        events.append(f"a {type(database).__name__}")
        yield

    @asynccontextmanager
    async def worse(app, database: Annotated[str, Depends(get_database)]):
        yield

    @asynccontextmanager
    async def fix(app):
        async with asynccontextmanager(get_database)() as database:
            events.append(f"a {database}")
            yield

    async def probe(lifespan):
        return [
            event
            for event in await run(FastAPI(lifespan=lifespan))
            if event[0] == "a"
        ]

    assert await probe(trap) == ["a Depends"]
    with pytest.raises(AttributeError, match="'Depends' object has no attribute"):
        _ = Depends(get_database).execute
    assert await probe(fix) == ["a database"]
    with pytest.raises(
        RuntimeError, match="missing 1 required positional argument"
    ):
        await probe(worse)


async def test_endless_loop_before_yield():
    async def listen():
        await asyncio.Event().wait()

    @asynccontextmanager
    async def trap(app):
        await listen()
        yield

    @asynccontextmanager
    async def fix(app):
        async with real.running(listen()):
            yield

    async def probe(lifespan):
        talk = Talk(FastAPI(lifespan=lifespan))
        answers = await talk.say("startup")
        await talk.hang_up()
        return answers

    assert await probe(trap) == []
    assert await probe(fix) == ["lifespan.startup.complete"]
