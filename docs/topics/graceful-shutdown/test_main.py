import asyncio
import functools
import json
import os
import re
import signal
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from signal import SIGHUP, SIGINT, SIGQUIT, SIGTERM
from tempfile import TemporaryDirectory

import pytest
import real
import uvicorn
import yaml
from gunicorn.config import Config
from macros.proofs.server import free_port
from websockets.asyncio.client import connect
from websockets.exceptions import ConnectionClosedError

GUNICORN = ("-k", "asgi", "--no-control-socket")


async def until(happened):
    """Ask again and again; return the first answer that is not false."""
    async with asyncio.timeout(30):
        while not (answer := happened()):
            await asyncio.sleep(0.01)
    return answer


class Running:
    """A server process, with raw connections to it and what it has printed."""

    def __init__(self, command, port):
        self.command, self.port = command, port

    def send(self, number):
        os.kill(self.command.pid, number)

    async def end(self):
        """Return how the process ended, and what it printed."""
        code = await asyncio.wait_for(asyncio.to_thread(self.command.wait), 30)
        return code, "".join(self.command.communicate())

    async def open(self, target):
        """Send a request on a connection of its own; return reader and writer."""
        reader, writer = await asyncio.open_connection("127.0.0.1", self.port)
        writer.write(f"{target} HTTP/1.1\r\nHost: here\r\n\r\n".encode())
        return reader, writer

    async def open_surely(self, target):
        """As open; return when the server has certainly begun with it."""
        connection = await self.open(target)
        reader, writer = await self.open("GET /openapi.json")
        await reader.readuntil(b"\r\n\r\n")  # accepted later, answered already
        writer.close()
        return connection

    async def refuses(self):
        try:
            _, writer = await asyncio.open_connection("127.0.0.1", self.port)
        except ConnectionRefusedError:
            return True
        writer.close()
        return False

    async def closed(self):
        async with asyncio.timeout(30):
            while not await self.refuses():
                await asyncio.sleep(0.02)


async def rest(connection):
    """Return what still comes until the server closes the connection."""
    reader, writer = connection
    try:
        return (await asyncio.wait_for(reader.read(), 30)).decode()
    except ConnectionResetError:
        return ""
    finally:
        writer.close()


@pytest.fixture
def start(warm, bundle_dir):
    modules = (
        "uvicorn",
        "fastapi",
        "fastapi.sse",
        "gunicorn.app.wsgiapp",
        "uvloop",
    )
    process = warm(*modules, "gunicorn.workers.gasgi", "uvicorn.loops.uvloop")

    @asynccontextmanager
    async def start(app, *options, gunicorn=False, cwd=bundle_dir, env=None):
        port = free_port()
        where = ("-b", f"127.0.0.1:{port}") if gunicorn else ("--port", str(port))
        command = process.start(
            "gunicorn" if gunicorn else "uvicorn",
            app,
            *where,
            *(GUNICORN if gunicorn else ()),
            *options,
            cwd=cwd,
            env={**os.environ, "PYTHONDONTWRITEBYTECODE": "1", **(env or {})},
        )
        running = Running(command, port)
        try:
            async with asyncio.timeout(30):
                while await running.refuses():
                    assert command.poll() is None, command.communicate()
                    await asyncio.sleep(0.02)
            yield running
        finally:
            if command.poll() is None:
                command.kill()

    return start


early = {}


def together(test):
    """Let this test run beside the others of its kind: they mostly wait."""
    early[test] = None

    @functools.wraps(test)
    async def run(start):
        if not early[test]:
            pool = ThreadPoolExecutor(len(early))
            for each in early:
                early[each] = pool.submit(asyncio.run, each(start))
            pool.shutdown(wait=False)
        await asyncio.wrap_future(early[test])

    return run


# What the apps do


async def test_a_report_and_an_order_are_answered(client):
    answer = await client.get("/reports/may", params={"seconds": 0})
    assert (answer.status_code, answer.json()) == (200, {"report": "may"})
    answer = await client.post("/orders", params={"customer": "ada", "seconds": 0})
    assert (answer.status_code, answer.json()) == (201, {"order": "taken"})


async def test_ready_until_the_signal_comes(client_for, monkeypatch):
    monkeypatch.setenv("DRAIN_SECONDS", "60")  # so that pytest never hears it
    async with client_for(real.app) as http:
        answer = await http.get("/readyz")
        assert (answer.status_code, answer.json()) == (200, {"ready": True})
        signal.raise_signal(SIGTERM)
        answer = await http.get("/readyz")
        assert (answer.status_code, answer.json()) == (503, {"ready": False})


async def test_what_is_open_is_finished_and_the_lifespan_comes_last(server, shown):
    async with server("main:app", "--no-access-log") as url:
        running = Running(None, url.port)
        idle = await running.open("GET /reports/idle?seconds=0")
        await idle[0].readuntil(b"}")
        report = await running.open("GET /reports/may?seconds=0.6")
        reader, writer = await running.open("POST /orders?customer=ada&seconds=1")
        await reader.readuntil(b"}")
        writer.close()
        url.process.terminate()
        await until(lambda: "Waiting for connections" in url.log())
        assert await running.refuses()
        assert await rest(idle) == ""
        answer = await rest(report)
        assert answer.startswith("HTTP/1.1 200")
        assert "may" in answer
        assert "connection: close" in answer
        await asyncio.to_thread(url.process.wait)
        assert url.process.returncode == -SIGTERM
        log = url.log()[url.log().index("report idle") :]
    log = log.replace("report idle: done\n", "")
    shown("drained", re.sub(r"\[\d+\]", "[1]", log).strip())
    order = (
        "Shutting down",
        "report may",
        "mail to ada",
        "pool: closed",
        "Finished",
    )
    assert sorted(order, key=log.index) == list(order)


# Signals


@together
async def test_what_each_signal_does(start):
    async def outcome(server, *signals, seconds=30):
        """Return whether it was answered, whether the lifespan ended, the exit."""
        async with start("main:app", gunicorn=server == "gunicorn") as running:
            request = await running.open_surely(
                f"GET /reports/may?seconds={seconds}"
            )
            for index, number in enumerate(signals):
                if index:  # the first has arrived for sure
                    await asyncio.sleep(0.15)
                running.send(number)
            answered = "200 OK" in await rest(request)
            code, printed = await running.end()
        return answered, "pool: closed" in printed, code

    done = {"seconds": 0.5}
    assert await asyncio.gather(
        outcome("uvicorn", SIGTERM, **done),
        outcome("uvicorn", SIGINT, **done),
        outcome("uvicorn", SIGTERM, SIGTERM, **done),
        outcome("uvicorn", SIGHUP),
        outcome("uvicorn", SIGQUIT),
        outcome("gunicorn", SIGTERM, **done),
        outcome("gunicorn", SIGTERM, SIGTERM, **done),
        outcome("gunicorn", SIGINT),
        outcome("gunicorn", SIGQUIT),
        outcome("gunicorn", SIGTERM, SIGINT),
    ) == [
        (True, True, -SIGTERM),
        (True, True, 0),
        (True, True, -SIGTERM),
        (False, False, -SIGHUP),
        (False, False, -SIGQUIT),
        (True, True, 0),
        (True, True, 0),
        (False, False, 0),
        (False, False, 0),
        (False, False, 0),
    ]
    if sys.version_info < (3, 12):  # later ones wait, see the second Ctrl+C
        forced = await outcome("uvicorn", SIGTERM, SIGINT)
        assert forced == (False, False, -SIGTERM)


WHOLE = """
import asyncio, time
from contextlib import asynccontextmanager
from fastapi import FastAPI, WebSocket, WebSocketDisconnect
from fastapi.responses import StreamingResponse

def say(text):
    print(text, flush=True)

begun = asyncio.Event()

@asynccontextmanager
async def lifespan(app):
    yield
    await begun.wait()
    say("pool: closed")

app = FastAPI(lifespan=lifespan)

@app.get("/async")
async def wait():
    await asyncio.sleep(60)

@app.get("/thread")
def block():
    time.sleep(60)
    say("thread: done")

@app.get("/stream")
async def stream():
    async def endless():
        try:
            while True:
                yield "more\\n"
                await asyncio.sleep(0.02)
        finally:
            say("finally: ran")
            begun.set()
            await asyncio.sleep(0)
            say("finally: finished")
    return StreamingResponse(endless())

@app.websocket("/live")
async def live(websocket: WebSocket):
    begun.set()
    await websocket.accept()
    try:
        await websocket.receive_text()
    except WebSocketDisconnect as closed:
        say(f"route: {closed.code}")
"""


@asynccontextmanager
async def whole(start, *options, **settings):
    with TemporaryDirectory() as folder:
        Path(folder, "whole.py").write_text(WHOLE)
        async with start("whole:app", *options, cwd=folder, **settings) as running:
            yield running


@together
async def test_what_the_deadline_cuts(start):
    deadline = ("--timeout-graceful-shutdown", "0")
    async with whole(start, *deadline) as running:
        stream = await running.open("GET /stream")
        await stream[0].readuntil(b"more")
        waits = await running.open_surely("GET /async")
        blocks = await running.open_surely("GET /thread")
        running.send(SIGTERM)
        answers = await asyncio.gather(rest(waits), rest(blocks), rest(stream))
        code, printed = await running.end()
    assert [answer[:12] for answer in answers[:2]] == ["HTTP/1.1 500"] * 2
    assert not answers[2].endswith("0\r\n\r\n")  # a stream that broke off
    assert "Cancel 3 running task(s), timeout graceful shutdown exceeded" in printed
    assert "finally: ran" in printed
    assert "pool: closed" in printed
    assert "finally: finished" not in printed
    assert "thread: done" not in printed
    assert code == -SIGTERM


@together
async def test_a_websocket_is_told_by_uvicorn_and_not_by_gunicorn(start):
    async def probe(gunicorn, *options):
        async with whole(start, *options, gunicorn=gunicorn) as run:
            url = f"ws://127.0.0.1:{run.port}/live"
            async with connect(url, proxy=None) as websocket:
                run.send(SIGTERM)
                with pytest.raises(ConnectionClosedError) as closed:
                    await websocket.recv()
            code, printed = await run.end()
        told = closed.value.rcvd and closed.value.rcvd.code
        return told, "route: 1012" in printed, "pool: closed" in printed, code

    assert await asyncio.gather(
        probe(False), probe(True, "--graceful-timeout", "1")
    ) == [(1012, True, True, -SIGTERM), (None, False, False, 0)]


AT_EXIT = """
import atexit

atexit.register(print, "atexit: ran", flush=True)

async def app(scope, receive, send):
    raise NotImplementedError
"""


async def test_sigterm_leaves_nothing_to_run_after_the_lifespan(server, tmp_path):
    (tmp_path / "at_exit.py").write_text(AT_EXIT)

    async def probe(number):
        async with server("at_exit:app", cwd=tmp_path) as url:
            url.process.send_signal(number)
            await asyncio.to_thread(url.process.wait)
            return "Finished server" in url.log(), "atexit: ran" in url.log()

    assert await asyncio.gather(probe(SIGTERM), probe(SIGINT)) == [
        (True, False),
        (True, True),
    ]


# Gotchas


async def read_ticks(running):
    connection = await running.open("GET /ticks")
    await connection[0].readuntil(b"data: 1")
    return connection


@together
async def test_lifespan_is_too_late_for_streams(start):
    async def probe(app, *options, gunicorn=False):
        """Return whether the stream said goodbye while its client was there."""
        async with start(app, *options, gunicorn=gunicorn) as running:
            reader, writer = await read_ticks(running)
            running.send(SIGTERM)
            await running.closed()
            text = b""
            while text.count(b"data:") < 10 and (more := await reader.read(999)):
                text += more
            writer.close()
            _, printed = await running.end()
        assert "pool: closed" in printed
        return "event: bye" in text.decode()

    assert await asyncio.gather(
        probe("traps:tells_too_late"),
        probe("real:app"),
        probe("real:app", "--workers", "2"),
        probe("real:app", "--reload"),
        probe("real:app", gunicorn=True),
    ) == [False, True, True, True, True]


@together
async def test_own_handler_replaces_the_servers(start):
    async def probe(app):
        async with start(app) as running:
            stream = await read_ticks(running)
            running.send(SIGTERM)
            assert "event: bye" in await told(stream)
            for _ in range(20):
                if await running.refuses():
                    return "stops"
                await asyncio.sleep(0.05)
            return "serves on"

    async def told(stream):
        text = await stream[0].readuntil(b"event: bye")
        stream[1].close()
        return text.decode()

    assert await asyncio.gather(
        probe("traps:replaces_the_handler"), probe("real:app")
    ) == ["serves on", "stops"]


@together
async def test_deadline_cuts_requests(start):
    async def probe(seconds):
        deadline = ("--timeout-graceful-shutdown", str(seconds))
        async with start("main:app", *deadline) as running:
            request = await running.open_surely("GET /reports/may?seconds=0.5")
            running.send(SIGTERM)
            answer = await rest(request)
            _, printed = await running.end()
        return answer[9:12], "Task cancelled, timeout graceful" in printed

    assert await asyncio.gather(probe(0), probe(20)) == [
        ("500", True),
        ("200", False),
    ]


@together
async def test_second_ctrl_c_skips_the_lifespan(start):
    async def probe(*options, signals):
        async with start("main:app", "--loop", "asyncio", *options) as running:
            request = await running.open_surely("GET /reports/may?seconds=30")
            for _ in range(signals):
                running.send(SIGINT)
                await running.closed()
            if signals == 2 and sys.version_info >= (3, 12):
                return (
                    "Waiting"  # its loop waits for the connections, whatever we do
                )
            await rest(request)
            _, printed = await running.end()
        return re.findall("pool: closed|CancelledError(?=\n)", printed)[-1]

    deadline = ("--timeout-graceful-shutdown", "0")
    trap, fix = await asyncio.gather(probe(signals=2), probe(*deadline, signals=1))
    assert trap == ("CancelledError" if sys.version_info < (3, 12) else "Waiting")
    assert fix == "pool: closed"


@together
async def test_created_tasks_are_not_waited_for(start):
    async def probe(app):
        async with start(app) as running:
            connection = await running.open("POST /exports?seconds=0.5")
            await connection[0].readuntil(b"started")
            running.send(SIGTERM)
            _, printed = await running.end()
            connection[1].close()
        return "export: written" in printed

    assert await asyncio.gather(
        probe("traps:tells_too_late"), probe("real:app")
    ) == [False, True]


@together
async def test_gunicorn_kills_when_its_patience_ends(start):
    async def probe(app):
        patience = ("--graceful-timeout", "1")
        async with start(app, *patience, gunicorn=True) as running:
            stream = await read_ticks(running)
            running.send(SIGTERM)
            await rest(stream)
            _, printed = await running.end()
        return "pool: closed" in printed

    assert await asyncio.gather(
        probe("traps:tells_too_late"), probe("real:app")
    ) == [False, True]


@together
async def test_the_door_closes_at_once(start):
    async def probe(app):
        """Return whether somebody who asked after the signal got a 503."""
        statuses = set()
        async with start(app, env={"DRAIN_SECONDS": "0.6"}) as running:
            _, listener = await read_ticks(running)
            running.send(SIGTERM)
            listener.close()
            with suppress(ConnectionError):  # in the end it is refused
                while True:
                    reader, writer = await running.open("GET /readyz")
                    statuses.add((await reader.readline()).decode()[9:12])
                    writer.close()
        return "503" in statuses

    assert await asyncio.gather(
        probe("traps:tells_too_late"), probe("real:app")
    ) == [False, True]


# The chain


def seconds(text):
    assert str(text).removesuffix("s").isdigit()
    return int(str(text).removesuffix("s"))


def test_every_link_of_the_chain_is_longer_than_the_one_inside(bundle_dir):
    here = {"cwd": bundle_dir, "check": True, "capture_output": True}
    schema = ("check_jsonschema", "--builtin-schema", "vendor.compose-spec")
    subprocess.run([sys.executable, "-m", *schema, "compose.yml"], **here)
    caddy = str(Path(sys.executable).with_name("caddy"))
    subprocess.run([caddy, "validate", "--config", "Caddyfile"], **here)
    adapted = subprocess.run(
        [caddy, "adapt", "--config", "Caddyfile"], **here
    ).stdout
    route = json.loads(adapted)["apps"]["http"]["servers"]["srv0"]["routes"][0]
    proxy = route["handle"][0]
    nanoseconds = 1_000_000_000
    active = proxy["health_checks"]["active"]
    transport = proxy["transport"]
    probe = active["interval"] / nanoseconds
    idle = transport["keep_alive"]["idle_timeout"] / nanoseconds
    answer = transport["response_header_timeout"] / nanoseconds

    api = yaml.safe_load((bundle_dir / "compose.yml").read_text())["services"][
        "api"
    ]
    env = {name: seconds(value) for name, value in api["environment"].items()}
    drain, tasks = env["DRAIN_SECONDS"], env["TASK_SECONDS"]
    deadline = env["UVICORN_TIMEOUT_GRACEFUL_SHUTDOWN"]
    assert active["uri"] == "/readyz"
    assert probe * 2 < drain
    assert answer < deadline
    assert drain + deadline + tasks < seconds(api["stop_grace_period"])
    assert idle < uvicorn.Config("main:app", log_config=None).timeout_keep_alive


def test_the_defaults_do_not_fit_each_other():
    config = uvicorn.Config("main:app", log_config=None)
    assert config.timeout_graceful_shutdown is None
    assert Config().graceful_timeout == 30
