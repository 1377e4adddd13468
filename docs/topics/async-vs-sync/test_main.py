import asyncio
import logging
import multiprocessing
import sys
import threading
import time
from concurrent.futures import ProcessPoolExecutor, ThreadPoolExecutor
from contextvars import ContextVar
from functools import wraps
from types import SimpleNamespace
from typing import Annotated

import main
import pytest
import real
from anyio import fail_after, from_thread, to_thread
from fastapi import BackgroundTasks, Depends, FastAPI
from fastapi.concurrency import run_in_threadpool
from fastapi.responses import PlainTextResponse
from pydantic import AfterValidator
from sqlalchemy import QueuePool, create_engine

LONGEST = 0.3
USER = ContextVar("user", default="nobody")


@pytest.fixture(autouse=True)
async def threads():
    """The limiter of the pool; every test gets it with its 40 tokens."""
    limiter = to_thread.current_default_thread_limiter()
    yield limiter
    limiter.total_tokens = 40


def app_with(**endpoints):
    api = FastAPI()
    for name, endpoint in endpoints.items():
        api.add_api_route(f"/{name}", endpoint)
    return api


class Nap:
    """A call that takes long: until three pings are answered, or `LONGEST`."""

    def __init__(self):
        self.loop = asyncio.get_running_loop()
        self.begun = asyncio.Event()
        self.pinged = threading.Event()
        self.diary = []

    def blocking(self, *_):
        self.diary.append("the nap begins")
        self.loop.call_soon_threadsafe(self.begun.set)
        self.pinged.wait(LONGEST)
        self.diary.append("the nap ends")

    async def awaited(self, *_):
        self.diary.append("the nap begins")
        self.begun.set()
        while not self.pinged.is_set():
            await asyncio.sleep(0)
        self.diary.append("the nap ends")

    async def ping(self, http):
        await self.begun.wait()
        for number in (1, 2, 3):
            assert (await http.get("/ping")).status_code == 200
            self.diary.append(f"ping {number} is answered")
        self.pinged.set()

    def answered_meanwhile(self):
        end = self.diary.index("the nap ends")
        return sum(line.startswith("ping") for line in self.diary[:end])


@pytest.fixture
def pings_answered(client_for):
    """How many of three pings are answered while another request naps."""

    async def pings_answered(build):
        nap = Nap()
        app = build(nap)
        app.add_api_route("/ping", main.ping)
        async with client_for(app) as http, asyncio.TaskGroup() as both:
            both.create_task(http.get("/nap"))
            both.create_task(nap.ping(http))
        return nap.answered_meanwhile()

    return pings_answered


# How the small app behaves


async def test_each_route_says_where_it_runs(client):
    said = {}
    for path in ("/blocking/0", "/awaiting/0", "/threaded/0", "/mixed/0", "/ping"):
        answer = await client.get(path)
        assert answer.status_code == 200
        said[path] = answer.json()
    assert said == {
        "/blocking/0": "slept on the event loop",
        "/awaiting/0": "waited on the event loop",
        "/threaded/0": "slept in a worker thread",
        "/mixed/0": "handed the sleep to a thread, waited on the event loop",
        "/ping": "pong on the event loop",
    }


async def test_nobody_can_ask_for_an_hour(client):
    assert (await client.get("/blocking/3600")).status_code == 422


async def test_only_the_blocking_route_keeps_the_pings_waiting(
    client, monkeypatch, shown
):
    columns = {}
    for name in ("blocking", "awaiting", "threaded", "mixed"):
        nap = Nap()
        monkeypatch.setattr(main, "time", SimpleNamespace(sleep=nap.blocking))
        stand_in = SimpleNamespace(
            sleep=nap.awaited, get_running_loop=asyncio.get_running_loop
        )
        monkeypatch.setattr(main, "asyncio", stand_in)
        async with asyncio.TaskGroup() as both:
            both.create_task(client.get(f"/{name}/1"))
            both.create_task(nap.ping(client))
        columns[f"/{name}"] = nap.diary
    polite = columns["/awaiting"]
    assert polite == columns["/threaded"] == columns["/mixed"]
    assert polite[-1] == columns["/blocking"][1] == "the nap ends"
    lines = [f"{'/blocking':24}/awaiting, /threaded, /mixed"]
    lines += [
        f"{a:24}{b}" for a, b in zip(columns["/blocking"], polite, strict=True)
    ]
    shown("order", "\n".join(lines))


# Where what runs


async def test_the_word_async_decides_where_it_runs(client_for, shown):
    ran = {}

    def note(name):
        ran[name] = main.place()

    def plain():
        note("def dependency")

    async def awaitable():
        note("async def dependency")

    def managed():
        note("def dependency with yield")
        yield

    class Filters:
        def __init__(self):
            note("class as dependency")

    async def async_task():
        note("async def background task")

    def check(value: int) -> int:
        note("request validator")
        return value

    def check_answer(value: int) -> int:
        note("response validator of a def route")
        return value

    needs = [plain, awaitable, managed, Filters]
    app = FastAPI(dependencies=[Depends(each) for each in needs])

    @app.get("/plain")
    def plain_route(
        tasks: BackgroundTasks, n: Annotated[int, AfterValidator(check)] = 0
    ):
        note("def route")
        tasks.add_task(note, "def background task")
        tasks.add_task(async_task)

    @app.get("/async")
    async def async_route():
        note("async def route")
        raise KeyError

    @app.get("/lines")
    def lines():
        note("def route with yield")
        yield 1

    @app.middleware("http")
    async def middleware(request, call_next):
        note("middleware")
        return await call_next(request)

    @app.get("/typed")
    def typed() -> Annotated[int, AfterValidator(check_answer)]:
        return 1

    @app.exception_handler(KeyError)
    def handler(request, error):
        note("def exception handler")
        return PlainTextResponse("")

    async with client_for(app) as http:
        await http.get("/plain?n=1")
        await http.get("/async")
        await http.get("/lines")
        await http.get("/typed")
    assert len(ran) == 13
    threads = sorted(name for name, at in ran.items() if "thread" in at)
    loop = sorted(name for name, at in ran.items() if "loop" in at)
    rows = ["in a worker thread", *(f"  {name}" for name in threads), ""]
    rows += ["on the event loop", *(f"  {name}" for name in loop)]
    shown("places", "\n".join(rows))


async def test_eighty_blocking_calls_run_in_two_waves(client_for, threads):
    gate = threading.Event()

    def route():
        gate.wait(5)

    async with client_for(app_with(nap=route)) as http:
        calls = [asyncio.create_task(http.get("/nap")) for _ in range(80)]
        while threads.statistics().tasks_waiting < 40:
            await asyncio.sleep(0.001)
        seen = threads.statistics()
        assert (seen.borrowed_tokens, seen.total_tokens) == (40, 40)
        gate.set()
        await asyncio.gather(*calls)


async def test_time_sleep_lets_eight_requests_run_one_by_one(client_for):
    inside, most = set(), []

    async def work(pause):
        me = object()
        inside.add(me)
        await pause()
        most.append(len(inside))
        inside.remove(me)

    async def asleep():
        time.sleep(0)

    async def waiting():
        while len(inside) < 8 and not most:
            await asyncio.sleep(0)

    peaks = []
    for pause in (asleep, waiting):
        most.clear()

        async def route(pause=Depends(lambda pause=pause: pause)):
            await work(pause)

        async with client_for(app_with(nap=route)) as http:
            await asyncio.gather(*(http.get("/nap") for _ in range(8)))
        peaks.append(max(most))
    assert peaks == [1, 8]


async def test_dependencies_and_tasks_take_the_same_threads(client_for, threads):
    busy = {}

    def note(name):
        busy[name] = threads.statistics().borrowed_tokens

    class Filters:
        def __init__(self):
            note("class")

    def route(
        tasks: BackgroundTasks,
        one: Annotated[None, Depends(lambda: note("dependency"))],
        two: Annotated[Filters, Depends()],
    ):
        note("route")
        tasks.add_task(note, "task")

    async with client_for(app_with(all=route)) as http:
        await http.get("/all")
    assert busy == dict.fromkeys(("class", "dependency", "route", "task"), 1)


async def test_a_thread_has_no_loop_but_can_reach_it(client_for):
    async def on_the_loop():
        return main.place()

    def route():
        try:
            asyncio.get_running_loop()
        except RuntimeError as error:
            return str(error), from_thread.run(on_the_loop)

    async with client_for(app_with(it=route)) as http:
        said = (await http.get("/it")).json()
    assert said == ["no running event loop", "on the event loop"]


async def test_a_timeout_does_not_stop_a_thread(threads):
    loop = asyncio.get_running_loop()

    async def probe(timeout, longest):
        gate, diary = threading.Event(), []

        def call():
            loop.call_soon_threadsafe(timeout.expire)
            gate.wait(longest)
            diary.append("the thread ends")

        try:
            async with timeout:
                await run_in_threadpool(call)
        except TimeoutError:
            held = threads.statistics().borrowed_tokens
            diary.append(f"timeout, {held} threads held")
        gate.set()
        while "the thread ends" not in diary:
            await asyncio.sleep(0.001)
        return diary

    class AsyncioTimeout(asyncio.Timeout):
        def expire(self):
            self.reschedule(loop.time())

    class AnyioTimeout:
        async def __aenter__(self):
            self.manager = fail_after(None)
            self.scope = self.manager.__enter__()

        async def __aexit__(self, *error):
            return self.manager.__exit__(*error)

        def expire(self):
            self.scope.deadline = loop.time()

    noticed = ["timeout, 0 threads held", "the thread ends"]
    assert await probe(AsyncioTimeout(None), 30) == noticed
    assert await probe(AnyioTimeout(), LONGEST) == ["the thread ends"]


async def test_two_def_routes_can_lose_an_update(client_for):
    store = {"visits": 0}
    together = threading.Barrier(2, timeout=5)

    def unguarded():
        seen = store["visits"]
        together.wait()
        store["visits"] = seen + 1

    async def on_the_loop():
        seen = store["visits"]
        store["visits"] = seen + 1

    async def visits_after_two(route):
        store["visits"] = 0
        async with client_for(app_with(visit=route)) as http:
            await asyncio.gather(http.get("/visit"), http.get("/visit"))
        return store["visits"]

    assert await visits_after_two(unguarded) == 1
    assert await visits_after_two(on_the_loop) == 2


async def test_debug_mode_names_the_blocking_task(client, caplog):
    loop = asyncio.get_running_loop()
    loop.set_debug(True)
    loop.slow_callback_duration = 0.05
    try:
        with caplog.at_level(logging.WARNING, "asyncio"):
            await asyncio.create_task(client.get("/blocking/0.06"), name="GET")
    finally:
        loop.set_debug(False)
    (line,) = (each for each in caplog.messages if "/0.06" in each or "GET" in each)
    assert line.startswith("Executing <Task ")
    assert " took 0." in line


async def test_uvicorn_switches_off_the_debug_variable_on_python_3_11(
    server, workdir
):
    (workdir / "asked.py").write_text(
        "import asyncio\n"
        "from fastapi import FastAPI\n\n"
        "app = FastAPI()\n\n\n"
        "@app.get('/')\n"
        "async def debug() -> bool:\n"
        "    return asyncio.get_running_loop().get_debug()\n"
    )
    asked = {"PYTHONASYNCIODEBUG": "1"}
    async with (
        server("asked:app", cwd=workdir, env=asked) as url,
        url.client() as http,
    ):
        debug = (await http.get("/")).json()
    assert debug is (sys.version_info >= (3, 12))


# What one ships


async def test_the_courier_never_has_more_than_five_threads(
    client_for, monkeypatch
):
    gate, inside = threading.Event(), []

    def nap(_):
        inside.append(threading.current_thread())
        gate.wait(5)

    monkeypatch.setattr(real, "time", SimpleNamespace(sleep=nap))
    async with client_for(real.app) as http, asyncio.TaskGroup() as group:
        calls = [
            group.create_task(http.get(f"/orders/{n}/label")) for n in range(8)
        ]
        while len(inside) < 5:
            await asyncio.sleep(0.001)
        health = await http.get("/health")
        assert len(inside) == 5
        gate.set()
    assert health.json() == {"threads": 60, "busy": 0, "waiting": 0}
    assert [call.result().json() for call in calls] == [
        f"label {n}" for n in range(8)
    ]


async def test_the_request_id_reaches_the_thread(client_for, caplog):
    with caplog.at_level(logging.INFO, "shop"):
        async with client_for(real.app) as http:
            headers = {"X-Request-ID": "r-17"}
            await http.get("/orders/4/label", headers=headers)
    assert caplog.messages == ["label for order 4, request r-17"]


async def test_primes_are_counted_in_another_process(client_for):
    async with client_for(real.app) as http:
        answer = await http.get("/primes?below=100")
        assert (answer.status_code, answer.json()) == (200, 25)
        assert (await http.get("/primes?below=1e9")).status_code == 422


# One proof per gotcha


async def test_sleep_stalls_every_request(pings_answered):
    def trap(nap):
        async def route():
            nap.blocking()

        return app_with(nap=route)

    def fix_with_await(nap):
        async def route():
            await nap.awaited()

        return app_with(nap=route)

    def fix_with_def(nap):
        def route():
            nap.blocking()

        return app_with(nap=route)

    assert await pings_answered(trap) == 0
    assert await pings_answered(fix_with_await) == 3
    assert await pings_answered(fix_with_def) == 3


async def test_decorator_moves_the_route_to_the_loop(pings_answered):
    def audited_async(function):
        @wraps(function)
        async def wrapper(*args, **kwargs):
            return function(*args, **kwargs)

        return wrapper

    def audited(function):
        @wraps(function)
        def wrapper(*args, **kwargs):
            return function(*args, **kwargs)

        return wrapper

    def built_with(decorator):
        def build(nap):
            @decorator
            def route():
                nap.blocking()

            return app_with(nap=route)

        return build

    assert await pings_answered(built_with(audited_async)) == 0
    assert await pings_answered(built_with(audited)) == 3


async def test_forty_slow_calls_starve_the_health_check(client_for, threads):
    def plain():
        return "ok"

    async def on_the_loop():
        return "ok"

    async def probe(health):
        gate = threading.Event()
        app = app_with(slow=lambda: gate.wait(5), health=health)
        async with client_for(app) as http, asyncio.TaskGroup() as group:
            for _ in range(40):
                group.create_task(http.get("/slow"))
            while threads.statistics().borrowed_tokens < 40:
                await asyncio.sleep(0.001)
            check = group.create_task(http.get("/health"))
            while not check.done() and not threads.statistics().tasks_waiting:
                await asyncio.sleep(0.001)
            answered = check.done()
            gate.set()
        return "answered" if answered else "waits for a thread"

    assert await probe(plain) == "waits for a thread"
    assert await probe(on_the_loop) == "answered"


async def test_waiting_for_a_connection_takes_every_thread(client_for, threads):
    async def probe(**limit):
        engine = create_engine(
            "sqlite://",
            poolclass=QueuePool,
            pool_size=1,
            max_overflow=0,
            pool_timeout=LONGEST,
            connect_args={"check_same_thread": False},
        )

        def connection():
            with engine.connect() as opened:
                yield opened

        def route(opened=Depends(connection, **limit)):
            return "done"

        threads.total_tokens = 2
        async with client_for(app_with(query=route)) as http:
            answers = await asyncio.gather(*(http.get("/query") for _ in range(3)))
        engine.dispose()
        return all(each.status_code == 200 for each in answers)

    assert await probe() is False
    assert await probe(max_concurrency=1) is True


async def test_default_executor_is_another_pool(client_for, threads):
    async def probe():
        running, peak, gate = [], [], threading.Event()

        def route():
            running.append(None)
            peak.append(len(running))
            gate.wait(5)
            running.pop()

        async with client_for(app_with(slow=route)) as http:
            calls = [asyncio.create_task(http.get("/slow")) for _ in range(3)]
            while len(running) + threads.statistics().tasks_waiting < 3:
                await asyncio.sleep(0.001)
            gate.set()
            await asyncio.gather(*calls)
        return max(peak)

    loop = asyncio.get_running_loop()
    with ThreadPoolExecutor(2) as two, ThreadPoolExecutor() as usual:
        loop.set_default_executor(two)
        assert await probe() == 3
        loop.set_default_executor(usual)
        threads.total_tokens = 2
        assert await probe() == 2


async def test_sync_dependency_loses_the_variable(client_for):
    def set_in_a_thread():
        USER.set("ada")

    async def set_on_the_loop():
        USER.set("ada")

    async def probe(dependency):
        def plain():
            return USER.get()

        async def awaited():
            return USER.get()

        app = FastAPI(dependencies=[Depends(dependency)])
        app.add_api_route("/plain", plain)
        app.add_api_route("/awaited", awaited)
        async with client_for(app) as http:
            return [
                (await http.get(path)).json() for path in ("/plain", "/awaited")
            ]

    assert await probe(set_in_a_thread) == ["nobody", "nobody"]
    assert await probe(set_on_the_loop) == ["ada", "ada"]


TURNS = None


def share(turns):
    global TURNS
    TURNS = turns


def loop_had_a_turn():
    """Compute, without a pause, until the loop's counter moves; or give up."""
    before = TURNS.value
    return any(TURNS.value != before for _ in range(300_000))


@pytest.mark.filterwarnings("ignore:.*fork:DeprecationWarning")
async def test_threads_take_turns_in_one_interpreter(client_for):
    share(multiprocessing.RawValue("q", 0))

    async def probe(compute):
        async def route():
            return await compute()

        async with client_for(app_with(compute=route)) as http:
            call = asyncio.create_task(http.get("/compute"))
            while not call.done():
                TURNS.value += 1
                await asyncio.sleep(0)
            return call.result().json()

    async def in_a_thread():
        return await run_in_threadpool(loop_had_a_turn)

    async def in_a_process():
        loop = asyncio.get_running_loop()
        return await loop.run_in_executor(processes, loop_had_a_turn)

    interval = sys.getswitchinterval()
    sys.setswitchinterval(60)
    try:
        assert await probe(in_a_thread) is False
        fork = multiprocessing.get_context("fork")
        with ProcessPoolExecutor(1, fork, share, (TURNS,)) as processes:
            assert await probe(in_a_process) is True
    finally:
        sys.setswitchinterval(interval)
