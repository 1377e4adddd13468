import asyncio
import cProfile
import importlib
import json
import logging
import pstats
import threading
import time
from collections import Counter
from contextlib import asynccontextmanager, suppress

import load
import main
import pytest
from fastapi import FastAPI
from fastapi.exceptions import FastAPIDeprecationWarning
from fastapi.responses import JSONResponse, ORJSONResponse
from load import Server, histogram, percentile, percentile_of, pings_beside
from pydantic import BaseModel
from sqlalchemy import event

PAGES = ["/orders", "/orders/one-change", "/orders/two-changes"]


@pytest.fixture(autouse=True)
def empty_log():
    main.sent.clear()


@asynccontextmanager
async def watched(report, limit=0.1):
    from watch import LoopWatch

    watch = LoopWatch(report, limit)
    running = asyncio.create_task(watch.run())
    await asyncio.sleep(0)
    try:
        yield watch
    finally:
        running.cancel()
        await asyncio.wait([running])


@asynccontextmanager
async def far_database(end: threading.Event):
    """The first statement takes until `end`; nobody looks at a clock."""

    def wait(*_):
        if not end.is_set():
            assert end.wait(20)

    event.listen(main.engine, "before_cursor_execute", wait)
    try:
        yield
    finally:
        event.remove(main.engine, "before_cursor_execute", wait)


# The app


@pytest.mark.parametrize("page", PAGES)
async def test_all_three_pages_answer_the_same(client, page):
    response = await client.get(page)
    assert response.status_code == 200
    assert len(response.json()) == 20
    assert response.json()[0] == {"id": 1, "customer": {"name": "Customer 1"}}


async def test_health_answers(client):
    response = await client.get("/health")
    assert (response.status_code, response.json()) == (200, "ok")


async def test_the_page_as_found_sends_a_statement_for_each_order(client):
    await client.get("/orders")
    lines = (await client.get("/sql")).json()
    assert [line[0] for line in lines] == [20, 1]
    assert "FROM customers" in lines[0][1]
    assert "FROM orders" in lines[1][1]
    assert (await client.get("/sql")).json() == []


async def test_loading_at_once_leaves_two_statements(client):
    await client.get("/orders/one-change")
    lines = (await client.get("/sql")).json()
    assert [line[0] for line in lines] == [1, 1]


# The case, with one probe for every step


async def examine(client_for, page):
    """Send the page and three pings; the first statement ends when one can tell."""
    from watch import own_lines

    told, held, answered = threading.Event(), [], []

    def report(stack):
        lines = [line for line in own_lines(stack) if line.startswith("main.py")]
        if lines and not told.is_set():
            held.extend(lines)
            told.set()

    async def ping(http):
        await http.get("/health")
        answered.append("during" if not told.is_set() else "after")
        if len(answered) == 3:
            told.set()

    main.load()
    main.sent.clear()
    async with client_for(main.app) as http, watched(report), far_database(told):
        await asyncio.gather(http.get(page), *(ping(http) for _ in range(3)))
    on_loop = sum(
        n for (_, where), n in main.sent.items() if where.endswith("loop")
    )
    during = answered.count("during")
    return main.sent.total(), on_loop, during, held


async def test_the_case_from_symptom_to_cause(client_for, shown):
    seen = {page: await examine(client_for, page) for page in PAGES}
    assert [row[:3] for row in seen.values()] == [(21, 21, 0), (2, 2, 0), (2, 0, 3)]
    head = f"{'':<20} statements  on the loop  pings meanwhile  /health p50  p99"
    lines = [head]
    for page, (total, on_loop, during, _) in seen.items():
        pings = pings_beside(held=on_loop * 5)
        p50, p99 = percentile(50, pings), percentile(99, pings)
        figures = (
            f"{total:>11}{on_loop:>13}{during:>12} of 3{p50:>10} ms{p99:>4} ms"
        )
        lines.append(f"{page:<20}{figures}")
    shown("case", "\n".join(lines))
    assert seen["/orders"][3][0] == "main.py, as_found: return load()"
    assert seen["/orders/two-changes"][3] == []


async def test_the_log_names_line_and_statement(client_for, shown):
    import real

    told, lines = threading.Event(), []

    class Listen(logging.Handler):
        def emit(self, record):
            text = record.getMessage()
            late = "held by" in text
            if not late or ("main.py" in text and not told.is_set()):
                lines.append(text.split(" > test_main.py")[0])
                told.set()

    listen = Listen()
    logging.getLogger("slow").addHandler(listen)
    try:
        async with client_for(real.app) as http, far_database(told):
            await http.get("/orders")
        first = lines.copy()
        async with client_for(real.app) as http:
            await http.get("/orders/two-changes")
    finally:
        logging.getLogger("slow").removeHandler(listen)
    assert lines == first
    held, sql = lines
    assert held.startswith("event loop held by main.py, as_found: return load() > ")
    assert sql.startswith("/orders sent 20 times SELECT customers.id")
    shown("log", "\n".join(lines))


async def test_lag_is_what_the_heartbeat_was_late():
    told = threading.Event()
    async with watched(lambda _stack: told.set(), limit=0.02) as watch:
        await asyncio.sleep(0.03)
        told.clear()
        told.wait(20)
        await asyncio.sleep(0.03)
    assert watch.worst_lag > 0.01
    assert watch.ended.is_set()


@pytest.mark.parametrize("library", ["asyncio", "uvloop"])
def test_an_idle_loop_is_no_report(library):
    from watch import LoopWatch

    reports = []
    watch = LoopWatch(reports.append, limit=0.01)
    watch.last -= 60

    class OneLook:
        turns = iter([False, True] * 100)

        def wait(self, seconds):
            time.sleep(seconds)
            return next(self.turns)

    def looks_until_one_is_silent(loop_thread):
        watch.ended = OneLook()
        for number in range(1, 101):
            watch.look(loop_thread)
            if len(reports) < number:
                return True
        return False

    async def overdue_and_idle():
        return await asyncio.to_thread(
            looks_until_one_is_silent, threading.get_ident()
        )

    run = importlib.import_module(library).run
    assert run(overdue_and_idle())


KEY = "k" * 32


async def test_only_the_key_gets_a_profile_and_the_answer_stays(
    client_for, tmp_path
):
    import real

    folder = tmp_path / "profiles"
    app = real.build(real.Settings(profile_key=KEY, profile_folder=folder))
    async with client_for(app) as http:
        plain = await http.get("/orders")
        wrong = await http.get("/orders", headers={"x-profile-key": "k" * 31})
        right = await http.get("/orders", headers={"x-profile-key": KEY})
    assert "x-profile" not in plain.headers
    assert "x-profile" not in wrong.headers
    assert right.json() == plain.json()
    assert [file.name for file in folder.iterdir()] == [right.headers["x-profile"]]
    assert "as_found" in (folder / right.headers["x-profile"]).read_text()


@pytest.mark.parametrize("key", ["", "short"])
async def test_without_a_long_key_the_profiler_is_not_installed(client_for, key):
    import real

    app = real.build(real.Settings(profile_key=key))
    assert [each.cls for each in app.user_middleware] == [real.SqlPerRequest]
    async with client_for(app) as http:
        response = await http.get("/orders", headers={"x-profile-key": key})
    assert response.status_code == 200
    assert "x-profile" not in response.headers


async def test_two_requests_at_once_give_one_profile(client_for, tmp_path):
    import real

    app = real.build(real.Settings(profile_key=KEY, profile_folder=tmp_path))
    headers = {"x-profile-key": KEY}
    async with client_for(app) as http:
        both = await asyncio.gather(
            http.get("/orders/two-changes", headers=headers),
            http.get("/orders/two-changes", headers=headers),
        )
    assert sorted("x-profile" in one.headers for one in both) == [False, True]


# Tools


def counted(profile):
    """Calls of each function by its name, as cProfile counted them."""
    stats = pstats.Stats(profile).stats
    calls = Counter()
    for (_, _, name), (_, times, *_) in stats.items():
        calls[name] += times
    return calls


async def test_cprofile_counts_every_resume_as_a_call():
    async def poll():
        for _ in range(5):
            await asyncio.sleep(0)

    with cProfile.Profile() as profile:
        await poll()
    assert counted(profile)["poll"] == 6


async def test_the_first_request_does_more_than_the_next(client_for):
    async with client_for(FastAPI()) as http:
        calls = []
        for _ in range(3):
            with cProfile.Profile() as profile:
                await http.get("/openapi.json")
            calls.append(counted(profile).total())
    assert calls[0] > 1.5 * calls[1]
    assert calls[2] < 1.2 * calls[1]


# Load, in simulated time

CLIENTS = {
    "closed: next after the answer": load.closed_load,
    "planned, timed from sending": load.late_stopwatch,
    "planned, timed from the plan": load.open_load,
}


def test_the_picture_is_drawn_from_the_numbers(bundle_dir):
    import draw

    assert (bundle_dir / "load.svg").read_text() == draw.picture()


def test_the_same_stall_in_three_reports(shown):
    lines = [f"{'':<31} requests  over 100 ms  p50   p99   max"]
    for name, client in CLIENTS.items():
        took = [ms for _, ms in client(Server())]
        slow = sum(ms > 100 for ms in took)
        p50, p99 = percentile(50, took), percentile(99, took)
        figures = f"{len(took):>9}{slow:>13}{p50:>5}{p99:>6}{max(took):>6}"
        lines.append(f"{name:<31}{figures}")
    shown("load", "\n".join(lines))


# One proof per gotcha


async def test_awaited_time_is_missing_from_cprofile(client_for):
    from pyinstrument import Profiler

    app = FastAPI()

    async def ask_the_bank() -> str:
        await asyncio.sleep(0.3)
        return "paid"

    @app.get("/")
    async def pay() -> str:
        return await ask_the_bank()

    async def share(measure):
        async with client_for(app) as http:
            return await measure(http)

    async def trap(http):
        with cProfile.Profile() as profile:
            await http.get("/")
        stats = pstats.Stats(profile)
        cumulative = {name: row[3] for (*_, name), row in stats.stats.items()}
        return cumulative["ask_the_bank"] / stats.total_tt

    async def fix(http):
        with Profiler(async_mode="enabled") as profiler:
            await http.get("/")
        return seen(profiler)["ask_the_bank"] / profiler.last_session.duration

    assert await share(trap) < 0.3
    assert await share(fix) > 0.5


def seen(profiler):
    """Seconds of each function in a sampled session, by its name."""
    times, waiting = {}, [profiler.last_session.root_frame()]
    while waiting:
        frame = waiting.pop()
        times[frame.function] = max(frame.time, times.get(frame.function, 0))
        waiting += frame.children
    return times


async def test_def_route_is_missing_from_the_profile(client_for):
    from pyinstrument import Profiler

    def crunch() -> str:
        time.sleep(0.05)
        return "done"

    async def names(route, around):
        app = FastAPI()
        app.get("/")(route)
        async with client_for(app) as http:
            if around is None:
                await http.get("/")
                return seen(profiles.pop())
            with around as profiler:
                await http.get("/")
            return seen(profiler)

    profiles = []

    def trap() -> str:
        return crunch()

    def fix() -> str:
        with Profiler() as profiler:
            answer = crunch()
        profiles.append(profiler)
        return answer

    async def on_the_loop() -> str:
        return crunch()

    around = Profiler(async_mode="enabled")
    assert "crunch" not in await names(trap, around)
    assert "crunch" in await names(fix, None)
    assert "crunch" in await names(on_the_loop, Profiler(async_mode="enabled"))


async def test_warning_names_no_line(client_for, caplog):
    from watch import own_lines

    told, reports = threading.Event(), []
    app = FastAPI()

    def charge_card() -> None:
        assert told.wait(20)

    @app.get("/")
    async def pay() -> None:
        charge_card()

    def report(stack):
        if any(step.name == "charge_card" for step in stack):
            reports.extend(own_lines(stack))
            told.set()

    loop = asyncio.get_running_loop()
    loop.set_debug(True)
    loop.slow_callback_duration = 0.05
    try:
        async with client_for(app) as http, watched(report):
            await asyncio.create_task(http.get("/"))
            await asyncio.sleep(0)
    finally:
        loop.set_debug(False)
    trap = [text for text in caplog.messages if "Executing <Task" in text]
    assert trap
    assert not any("charge_card" in text or " pay" in text for text in trap)
    assert any("charge_card: assert told.wait" in line for line in reports)
    assert any("pay: charge_card()" in line for line in reports)


def test_closed_load_hides_the_stall():
    def probe(client):
        return percentile(99, [ms for _, ms in client(Server())])

    assert probe(load.closed_load) == 10
    assert probe(load.late_stopwatch) == 10
    assert probe(load.open_load) == 960
    calm = Server(stall=range(0))
    assert percentile(99, [ms for _, ms in load.open_load(calm)]) == 10


def test_percentiles_do_not_average(shown):
    busy = [10] * 980 + [20] * 20
    quiet = {"many": [10] * 80 + [900] * 20, "few": [900] * 5}

    def trap(workers):
        return sum(percentile(99, worker) for worker in workers) / len(workers)

    def fix(workers):
        return percentile_of(99, sum(map(histogram, workers), Counter()))

    lines = [f"{'second worker':<32}mean of p99s  p99 of all  from merged buckets"]
    found = {}
    for name, worker in quiet.items():
        workers = [busy, worker]
        real = percentile(99, busy + worker)
        found[name] = trap(workers), real, fix(workers)
        label = f"{len(worker)} requests, {worker.count(900)} of 900 ms"
        mean, _, top = found[name]
        lines.append(f"{label:<32}{mean:>12.0f}{real:>12}{'≤ ' + str(top):>21}")
    assert found == {"many": (460, 900, 1000), "few": (460, 20, 25)}
    shown("workers", "\n".join(lines))


class AnotherJSON(JSONResponse):
    """Stands for any other encoder; it gets what jsonable_encoder made."""

    def render(self, content) -> bytes:
        return json.dumps(content).encode()


class Item(BaseModel):
    name: str
    tags: list[str]


async def test_faster_json_class_is_a_guess(client_for):
    async def probe(annotation, **options):
        app = FastAPI()

        async def items():
            return [Item(name="pen", tags=["new"]) for _ in range(100)]

        items.__annotations__["return"] = annotation
        app.get("/", **options)(items)
        async with client_for(app) as http:
            await http.get("/")
            with cProfile.Profile() as profile:
                assert (await http.get("/")).status_code == 200
        calls = counted(profile)
        return calls["jsonable_encoder"]

    as_found = await probe(None)
    trap = await probe(None, response_class=AnotherJSON)
    fix = await probe(list[Item])
    assert as_found == trap
    assert as_found > 100
    assert fix == 0
    warned = pytest.warns(FastAPIDeprecationWarning, match="directly to JSON bytes")
    with warned, suppress(AssertionError):
        ORJSONResponse({})
