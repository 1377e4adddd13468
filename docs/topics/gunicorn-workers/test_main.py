import asyncio
import logging
import multiprocessing
import os
import re
import runpy
import signal
import sys
import threading
import time
import warnings
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager, suppress
from pathlib import Path

import httpx2
import psycopg
import pytest
import uvicorn
from gunicorn.config import Config
from sqlalchemy.ext.asyncio import create_async_engine
from uvicorn.supervisors.multiprocess import Process
from websockets.asyncio.client import connect

GUNICORN = [sys.executable, "-m", "gunicorn", "{app}", "-b", "{host}:{port}"]
STARTED = r"Started server process \[(\d+)\]|\[(\d+)\] \[INFO\] ASGI server"
READY = "Application startup complete|ASGI server listening"


@pytest.fixture
def start(server, meanwhile):
    """Start a server as `server` does; end it at once, not in good order."""

    @asynccontextmanager
    async def start(app, *options, gunicorn=False, **settings):
        if gunicorn:
            settings["command"] = GUNICORN
        async with server(app, *options, **settings) as url:
            try:
                yield url
            finally:
                url.process.kill()

    return start


async def until(happened):
    """Ask again and again; return the first answer that is not false."""
    async with asyncio.timeout(60):
        while not (answer := happened()):
            await asyncio.sleep(0.01)
    return answer


async def workers(url, number):
    """Return the process ids of that many workers once they have started."""
    await until(lambda: len(re.findall(READY, url.log())) >= number)
    return [int(one or other) for one, other in re.findall(STARTED, url.log())]


async def get(url, path):
    """Return the answer to a request on a connection of its own."""
    async with url.client(timeout=60) as http:
        answer = await http.get(path)
    assert answer.status_code == 200, url.log()
    return answer.json()


@asynccontextmanager
async def one_connection_each(url, path, others=1):
    """Yield connections to the first worker and to the other; they stay there."""
    kept = httpx2.Limits(keepalive_expiry=60)
    clients = [url.client(limits=kept, timeout=60) for _ in range(1 + others)]
    try:
        first = (await clients[0].get(path)).json()["worker"]
        os.kill(first, signal.SIGSTOP)  # now only the other can accept
        try:
            for client in clients[1:]:
                assert (await client.get(path)).json()["worker"] != first
        finally:
            os.kill(first, signal.SIGCONT)
        yield clients
    finally:
        for client in clients:
            await client.aclose()


# What mostly waits: started early, asked for by the last tests

HEAVY = """
import ctypes

ctypes.PyDLL(None).usleep(1_500_000)  # lets no other Python thread run

async def app(scope, receive, send):
    raise NotImplementedError
"""
LATE = """
import asyncio, os

async def app(scope, receive, send):
    if scope["type"] == "lifespan":
        await receive()
        if "ALWAYS" in os.environ or os.path.exists(f"reload-{os.getppid()}"):
            await asyncio.sleep(float(os.environ["LATE"]))
        await send({"type": "lifespan.startup.complete"})
        await receive()
        return
    await send({"type": "http.response.start", "status": 200, "headers": []})
    await send({"type": "http.response.body", "body": b"%d" % os.getpid()})
"""
FAILS = """
from contextlib import asynccontextmanager
from starlette.applications import Starlette

@asynccontextmanager
async def lifespan(app):
    raise ConnectionError("no database")
    yield

app = Starlette(lifespan=lifespan)
"""


async def ends_of_requests(serve, bundle_dir):
    """Let one worker block, and requests wait in the other."""

    async def probe(http, path):
        try:
            return (await http.get(path)).status_code
        except httpx2.TransportError:
            return "connection lost"

    paths = ["/blocked/60", "/awaited/3.5", "/threaded/3.5"]
    settings = {"command": GUNICORN, "env": {"WEB_CONCURRENCY": "2"}}
    async with (
        serve("slow:app", "--timeout", "2", cwd=bundle_dir, **settings) as url,
        one_connection_each(url, "/awaited/0", others=2) as connections,
    ):
        before = len(url.log())
        ended = await asyncio.gather(*map(probe, connections, paths))
        await until(lambda: url.log()[before:].count("\n") >= 3)
        lines = url.log()[before:].splitlines()[:3]
        url.process.kill()
    log = "\n".join(line.split("] ", 2)[2] for line in lines)
    pids = dict.fromkeys(re.findall(r"pid: ?(\d+)", log))
    for pid, name in zip(pids, "AC", strict=True):
        log = log.replace(pid, name)
    return dict(zip(paths, ended, strict=True)), log


async def end_of_heavy_import(serve, folder, option):
    """Start workers whose import holds the interpreter for 1.5 seconds."""
    (folder / "heavy.py").write_text(HEAVY)
    async with serve("heavy:app", "--workers", "2", option, cwd=folder) as url:
        found = await until(lambda: re.search(f"died|{READY}", url.log()))
        url.process.kill()
    return found[0]


async def end_of_late_start(serve, folder, *options, **settings):
    """Start workers whose startup takes longer than the parent's timeout."""
    (folder / "late.py").write_text(LATE)
    settings |= {"cwd": folder, "env": {"ALWAYS": "yes", "LATE": "3"}}
    began = time.monotonic()
    async with serve("late:app", *options, **settings) as url:
        found = await until(lambda: re.search(f"TIMEOUT|{READY}", url.log()))
        url.process.kill()
    return found[0], time.monotonic() - began > 3


async def end_of_late_reload(serve, folder, late, *options, **settings):
    """Replace workers by some that start late; ask before they are ready."""
    (folder / "late.py").write_text(LATE)
    settings |= {"cwd": folder, "env": {"LATE": late}}
    async with serve("late:app", *options, **settings) as url:
        old = await workers(url, 2)
        before = len(url.log())
        (folder / f"reload-{url.process.pid}").touch()
        os.kill(url.process.pid, signal.SIGHUP)
        over = "not ready in time; keeping|Worker exiting(?s:.*)Worker exiting"
        await until(lambda: re.search(over, url.log()[before:]))
        newcomer_ready = re.search(READY, url.log()[before:])
        answer = await get(url, "/")
        url.process.kill()
    assert not newcomer_ready
    return "old" if answer in old else "new"


async def exit_status(folder, *command):
    """Start an app whose startup fails."""
    (folder / "fails.py").write_text(FAILS)
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", *command, cwd=folder, stderr=-1, stdout=-1
    )
    printed, errors = await process.communicate()
    assert b"no database" in printed + errors
    return process.returncode


@pytest.fixture(scope="module")
def meanwhile(tmp_path_factory):
    """Begin these probes; the other tests run meanwhile."""
    from macros.proofs.server import serve

    folder = tmp_path_factory.mktemp("meanwhile")
    alone = ["uvicorn", "fails:app", "--port", "0"]
    parent = [*alone, "--workers", "2", "--timeout-worker-healthcheck", "1"]
    gunicorn = ["gunicorn", "fails:app", "-b", "127.0.0.1:0", "-k", "asgi"]
    probes = {
        "requests": ends_of_requests(serve, Path(__file__).parent),
        "uvicorn": exit_status(folder, *alone),
        "uvicorn --workers 2": exit_status(folder, *parent),
        "gunicorn -k asgi": exit_status(folder, *gunicorn, "--no-control-socket"),
    }
    wait = ["--workers", "2", "--timeout-worker-healthcheck", "4"]
    asgi = {"command": [*GUNICORN, "-k", "asgi", "--no-control-socket"]}
    probes |= {
        "late start": end_of_late_start(serve, folder, "--timeout", "1", **asgi),
        "late uvicorn": end_of_late_reload(serve, folder, "60", *wait),
        "late gunicorn": end_of_late_reload(serve, folder, "3", "-w", "2", **asgi),
    }
    for seconds in (1, 30):
        option = f"--timeout-worker-healthcheck={seconds}"
        probes[option] = end_of_heavy_import(serve, folder, option)
    with ThreadPoolExecutor(len(probes)) as pool:
        yield {
            name: pool.submit(asyncio.run, probe) for name, probe in probes.items()
        }


# Starting, killing, coming back


async def test_one_process_counts_all_visits(client):
    for number in (1, 2):
        answer = await client.get("/visits")
        assert answer.status_code == 200
        assert answer.json() == {
            "worker": os.getpid(),
            "imported_in": os.getpid(),
            "visits": number,
        }


async def test_a_killed_worker_comes_back(start, shown):
    async def kill_one(*options, **settings):
        async with start("main:app", *options, **settings) as url:
            parent = url.process.pid
            one, other = await workers(url, 2)
            before = len(url.log())
            os.kill(one, signal.SIGKILL)
            answer = await get(url, "/visits")
            assert answer["worker"] != one
            new = (await workers(url, 3))[-1]
            assert new not in (one, other)
            log = url.log()[before:].replace(str(url.port), "8000")
        for pid, name in ((one, "A"), (new, "C"), (parent, "parent")):
            log = re.sub(rf"\b{pid}\b", name, log)
        log = re.sub(r"\[....-..-.. ..:..:.. \S+\] ", "", log)
        return answer["imported_in"] == parent, log.strip()

    (by_parent, uvicorn_log), (preloaded, gunicorn_log) = await asyncio.gather(
        kill_one("--workers", "2", "--no-access-log"),
        kill_one(gunicorn=True, env={"WEB_CONCURRENCY": "2"}),
    )
    assert (by_parent, preloaded) == (False, True)
    shown("uvicorn", uvicorn_log)
    shown("gunicorn", gunicorn_log)


def test_fastapi_run_hands_the_workers_to_uvicorn(monkeypatch):
    from fastapi_cli import cli
    from typer.testing import CliRunner

    started = {}
    monkeypatch.setattr(
        cli.uvicorn, "run", lambda **options: started.update(options)
    )
    run = CliRunner().invoke(cli.app, ["run", "-e", "main:app", "--workers", "2"])
    logging.getLogger("fastapi_cli").handlers.clear()
    assert run.exit_code == 0
    assert started["workers"] == 2
    options = {*CliRunner().invoke(cli.app, ["run", "--help"]).output.split()}
    assert "--workers" in options
    assert not any(option.startswith("--timeout") for option in options)


def test_web_concurrency_is_the_number_where_nobody_says_another(monkeypatch):
    monkeypatch.setenv("WEB_CONCURRENCY", "3")
    config = uvicorn.Config("main:app", log_config=None)
    assert (config.workers, config.use_subprocess) == (3, True)
    alone = uvicorn.Config("main:app", workers=1, log_config=None)
    assert alone.use_subprocess is False


def test_no_default_timeout_ends_a_request():
    ours = uvicorn.Config("main:app", log_config=None)
    assert ours.timeout_worker_healthcheck == 5
    assert ours.timeout_keep_alive == 5
    assert ours.timeout_graceful_shutdown is None
    theirs = Config()
    assert (theirs.timeout, theirs.keepalive, theirs.graceful_timeout) == (
        30,
        2,
        30,
    )


# Worker classes

WHOLE = """
import asyncio
from contextlib import asynccontextmanager
from fastapi import FastAPI, Request, WebSocket

@asynccontextmanager
async def lifespan(app):
    yield {"started": True}

app = FastAPI(lifespan=lifespan)

@app.get("/")
async def read(request: Request):
    return [request.state.started, type(asyncio.get_running_loop()).__module__]

@app.websocket("/live")
async def live(websocket: WebSocket):
    await websocket.accept()
    await websocket.send_text("hello")
    await websocket.close()
"""


async def test_gunicorn_serves_fastapi_alone_if_it_is_told_to(start, tmp_path):
    (tmp_path / "whole.py").write_text(WHOLE)

    async def wsgi(name, *options):
        async with start("whole:app", *options, gunicorn=True, cwd=tmp_path) as url:
            async with url.client(timeout=60) as http:
                assert (await http.get("/")).status_code == 500
            assert f"Using worker: {name}" in url.log()
            assert "missing 1 required positional argument: 'send'" in url.log()

    async def asgi():
        options = ["-k", "asgi", "--no-control-socket"]
        async with start("whole:app", *options, gunicorn=True, cwd=tmp_path) as url:
            async with url.client(timeout=60) as http:
                answer = await http.get("/")
            assert answer.json() == [True, "uvloop"]
            assert answer.headers["server"] == "gunicorn/asgi"
            live = url.replace("http", "ws") + "/live"
            async with connect(live, proxy=None) as websocket:
                assert await websocket.recv() == "hello"

    await asyncio.gather(wsgi("sync"), wsgi("gthread", "-k", "gthread"), asgi())


def test_uvicorn_workers_is_deprecated_and_the_bridge_is_a_package():
    sys.modules.pop("uvicorn.workers", None)
    with pytest.warns(DeprecationWarning, match="use `uvicorn-worker` package"):
        from uvicorn.workers import UvicornWorker
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        import uvicorn_worker
    assert UvicornWorker.CONFIG_KWARGS == uvicorn_worker.UvicornWorker.CONFIG_KWARGS


# Gotchas


@pytest.fixture
def database(postgres):
    with psycopg.connect(postgres) as connection:
        connection.execute("CREATE TABLE visits AS SELECT 0 AS number")
    return postgres


async def test_each_worker_counts_alone(start, database):
    async def probe(app, server, *options):
        url = database.replace("postgresql:", "postgresql+psycopg:")
        env = {"WEB_CONCURRENCY": "2", "DATABASE_URL": url}
        async with (
            start(app, *options, gunicorn=True, env=env) as url,
            one_connection_each(url, "/visits") as (one, other),
        ):
            answers = [await http.get("/visits") for http in (one, other, one)]
        assert answers[0].headers["server"] == server
        return [answer.json()["visits"] for answer in answers]

    bridge = ["-k", "uvicorn_worker.UvicornWorker"]
    assert await asyncio.gather(
        probe("main:app", "uvicorn", *bridge),
        probe("real:app", "gunicorn/asgi"),
    ) == [[2, 2, 3], [3, 4, 5]]


async def test_preload_shares_the_connection(start, postgres):
    env = {"WEB_CONCURRENCY": "2", "DATABASE_URL": postgres}
    async with (
        start("forked:app", gunicorn=True, env=env) as url,
        one_connection_each(url, "/sessions") as (one, other),
    ):
        answers = [(await http.get("/sessions")).json() for http in (one, other)]

    def probe(what):
        return len({answer[what] for answer in answers})

    assert probe("worker") == 2
    assert probe("from import") == 1
    assert probe("from startup") == 2
    assert not any(answer["thread runs"] for answer in answers)
    unused = create_async_engine(postgres.replace("sql:", "sql+psycopg:"))
    assert unused.pool.checkedin() + unused.pool.checkedout() == 0


VERSION = """
import json, os

async def app(scope, receive, send):
    if scope["type"] == "lifespan":
        raise NotImplementedError
    await send({"type": "http.response.start", "status": 200, "headers": []})
    body = json.dumps({"worker": os.getpid(), "version": 1}).encode()
    await send({"type": "http.response.body", "body": body})
"""


async def test_preload_keeps_the_old_code(start, tmp_path):
    async def probe(name, *options, number=1, gunicorn=True):
        file = tmp_path / f"{name}.py"
        file.write_text(VERSION)
        settings = {"gunicorn": gunicorn, "cwd": tmp_path}
        async with start(f"{name}:app", *options, **settings) as url:
            old = await workers(url, number)
            assert (await get(url, "/"))["version"] == 1
            file.write_text(VERSION.replace('"version": 1', '"version": 2'))
            os.kill(url.process.pid, signal.SIGHUP)
            async with asyncio.timeout(60):
                while (answer := await get(url, "/"))["worker"] in old:
                    await asyncio.sleep(0.02)
        return answer["version"]

    asgi = ["-k", "asgi", "--no-control-socket"]
    assert await asyncio.gather(
        probe("preloaded", *asgi, "--preload"),
        probe("loaded", *asgi),
        probe("spawned", "--workers", "2", number=2, gunicorn=False),
    ) == [1, 2, 2]


async def test_a_slow_request_is_no_timeout(meanwhile, shown):
    ended, log = meanwhile["requests"].result()
    assert ended == {
        "/blocked/60": "connection lost",
        "/awaited/3.5": 200,
        "/threaded/3.5": 200,
    }
    shown("timeout", log)


async def test_uvicorn_asks_a_thread_and_not_the_event_loop():
    worker = Process(uvicorn.Config("main:app", log_config=None), [])

    def answer():
        with suppress(EOFError, OSError):
            worker.always_pong()

    thread = threading.Thread(target=answer)
    thread.start()
    assert worker.ping(timeout=30)  # meanwhile this event loop is blocked
    worker.parent_conn.close()
    thread.join()


def test_a_heavy_import_looks_dead(meanwhile):
    trap = "--timeout-worker-healthcheck=1"
    fix = "--timeout-worker-healthcheck=30"
    assert meanwhile[trap].result() == "died"
    assert meanwhile[fix].result() == "Application startup complete"


def test_gunicorns_clock_starts_after_the_startup(meanwhile):
    assert meanwhile["late start"].result() == ("ASGI server listening", True)


def test_a_late_newcomer_ends_a_reload_of_uvicorn_and_not_of_gunicorn(meanwhile):
    assert meanwhile["late uvicorn"].result() == "old"
    assert meanwhile["late gunicorn"].result() == "new"


def test_a_failed_start_exits_with_zero(meanwhile):
    assert meanwhile["uvicorn --workers 2"].result() == 0
    assert meanwhile["uvicorn"].result() == 3
    assert meanwhile["gunicorn -k asgi"].result() == 3


def test_cpu_count_counts_the_host(bundle_dir, monkeypatch):
    monkeypatch.delenv("WEB_CONCURRENCY", raising=False)

    def trap():
        return multiprocessing.cpu_count() * 2 + 1

    def fix():
        return runpy.run_path(str(bundle_dir / "gunicorn.conf.py"))["workers"]

    def probe(number):
        allowed = os.sched_getaffinity(0)
        os.sched_setaffinity(0, {min(allowed)})
        try:
            return number()
        finally:
            os.sched_setaffinity(0, allowed)

    assert probe(trap) >= 3
    assert probe(fix) == 1
