import asyncio
import functools
import json
import os
import re
import signal
import socket
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor, wait
from contextlib import ExitStack, asynccontextmanager, contextmanager, suppress
from pathlib import Path
from signal import SIGHUP, SIGINT, SIGQUIT, SIGTERM
from tempfile import TemporaryDirectory

import kubernetes_validate
import pytest
import real
import uvicorn
import yaml
from gunicorn.config import Config
from websockets.asyncio.client import connect
from websockets.exceptions import ConnectionClosedError

CADDY = str(Path(sys.executable).with_name("caddy"))
GUNICORN = ("-k", "asgi", "--no-control-socket")


class TooLate(Exception):
    """The machine was so busy that the work had ended before the signal came."""


def patiently(probe):
    """Try longer work where the signal came too late to find it unfinished."""

    async def run(*arguments):
        for seconds in (0.8, 4, 16):
            with suppress(TooLate):
                return await probe(*arguments, seconds)
        raise TooLate

    return run


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
        except ConnectionError:  # or reset, just as the door closes
            return True
        writer.close()
        return False

    async def closed(self):
        async with asyncio.timeout(30):
            while not await self.refuses():
                await asyncio.sleep(0.02)

    async def stop_amid(self, begun, seconds):
        """Send SIGTERM; make sure that work of so many seconds goes on."""
        self.send(SIGTERM)
        await self.closed()
        if time.monotonic() - begun > seconds / 2:
            raise TooLate


async def rest(connection):
    """Return what still comes until the server closes the connection."""
    reader, writer = connection
    try:
        return (await asyncio.wait_for(reader.read(), 30)).decode()
    except ConnectionResetError:
        return ""
    finally:
        writer.close()


@contextmanager
def a_port():
    """Hold a port, so that nobody else is given it; a server may still bind it."""
    with socket.socket() as held:
        held.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        held.bind(("127.0.0.1", 0))
        port = held.getsockname()[1]
        if sys.platform != "linux":  # where two sockets cannot have it
            held.close()
        yield port


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
        ports = ExitStack()
        port = ports.enter_context(a_port())
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
            assert command.poll() is None, command.communicate()
            yield running
        finally:
            ports.close()
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


@pytest.fixture(scope="module", autouse=True)
def _only_what_is_asked_for(request):
    asked = {item.name for item in request.session.items}
    for test in [test for test in early if test.__name__ not in asked]:
        del early[test]
    yield
    wait([future for future in early.values() if future], timeout=60)


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


# Deadline


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


# Order and signals


@patiently
async def everything_open(server, seconds):
    async with server("main:app", "--no-access-log") as url:
        running = Running(url.process, url.port)
        idle = await running.open("GET /reports/idle?seconds=0")
        await idle[0].readuntil(b"}")
        begun = time.monotonic()
        report = await running.open(f"GET /reports/may?seconds={seconds}")
        mail = f"POST /orders?customer=ada&seconds={seconds * 1.5}"
        reader, writer = await running.open(mail)
        await reader.readuntil(b"}")
        writer.close()
        await running.stop_amid(begun, seconds)
        assert await rest(idle) == ""
        answer = await rest(report)
        assert answer.startswith("HTTP/1.1 200")
        assert "may" in answer
        assert "connection: close" in answer
        await asyncio.to_thread(url.process.wait)
        assert url.process.returncode == -SIGTERM
        return url.log().partition("report idle: done\n")[2]


async def test_what_is_open_is_finished_and_the_lifespan_comes_last(server, shown):
    log = await everything_open(server)
    shown("drained", re.sub(r"\[\d+\]", "[1]", log).strip())
    order = (
        "Shutting down",
        "report may",
        "mail to ada",
        "pool: closed",
        "Finished",
    )
    assert sorted(order, key=log.index) == list(order)


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
        """Return whether the stream said goodbye to its client, and the exit."""
        async with start(app, *options, gunicorn=gunicorn) as running:
            reader, writer = await read_ticks(running)
            running.send(SIGTERM)
            await running.closed()
            text = await reader.read(2**16)  # all that came before
            many = text.count(b"data:") + 10
            while text.count(b"data:") < many and (more := await reader.read(999)):
                text += more
            writer.close()
            code, printed = await running.end()
        assert "pool: closed" in printed
        return "event: bye" in text.decode(), code

    assert await asyncio.gather(
        probe("traps:tells_too_late"),
        probe("real:app"),
        probe("real:app", "--workers", "2"),
        probe("real:app", "--reload"),
        probe("real:app", gunicorn=True),
    ) == [
        (False, -SIGTERM),
        (True, -SIGTERM),
        (True, 0),
        (True, 0),
        (True, 0),
    ]


@together
async def test_own_handler_replaces_the_servers(start):
    async def probe(app, patience):
        async with start(app) as running:
            stream = await read_ticks(running)
            running.send(SIGTERM)
            assert "event: bye" in await told(stream)
            with suppress(TimeoutError):
                async with asyncio.timeout(patience):
                    await running.closed()
                return "stops"
            return "serves on"

    async def told(stream):
        async with asyncio.timeout(30):
            text = await stream[0].readuntil(b"event: bye")
        stream[1].close()
        return text.decode()

    assert await asyncio.gather(
        probe("traps:replaces_the_handler", 1), probe("real:app", 30)
    ) == ["serves on", "stops"]


@together
async def test_deadline_cuts_requests(start):
    @patiently
    async def probe(limit, seconds):
        deadline = ("--timeout-graceful-shutdown", str(limit))
        async with start("main:app", *deadline) as running:
            begun = time.monotonic()
            report = f"GET /reports/may?seconds={seconds}"
            request = await running.open_surely(report)
            await running.stop_amid(begun, seconds)
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
    @patiently
    async def probe(app, seconds):
        async with start(app, env={"TASK_SECONDS": "30"}) as running:
            begun = time.monotonic()
            connection = await running.open(f"POST /exports?seconds={seconds}")
            await connection[0].readuntil(b"started")
            await running.stop_amid(begun, seconds)
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
    async def probe(drain, pause):
        """Return what the first health check after a pause finds."""
        async with start("real:app", env={"DRAIN_SECONDS": drain}) as running:
            running.send(SIGTERM)
            with suppress(TimeoutError):
                async with asyncio.timeout(pause):
                    await running.closed()
            try:
                reader, writer = await running.open("GET /readyz")
            except ConnectionError:  # or reset, just as the door closes
                return "refused"
            status = (await reader.readline()).decode()[9:12]
            writer.close()
        return status

    assert await asyncio.gather(probe("0", 30), probe("60", 1)) == [
        "refused",
        "503",
    ]


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
                if index:
                    await running.closed()  # so the first has arrived
                with suppress(ProcessLookupError):
                    running.send(number)
            answered = "200 OK" in await rest(request)
            code, printed = await running.end()
        return answered, "pool: closed" in printed, code

    done = {"seconds": 0.5}
    # From Python 3.12 on it waits, see the second Ctrl+C.
    forced = sys.version_info < (3, 12)
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
        *([outcome("uvicorn", SIGTERM, SIGINT)] if forced else []),
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
        *([(False, False, -SIGTERM)] if forced else []),
    ]


# The chain


def seconds(text):
    assert str(text).removesuffix("s").isdigit()
    return int(str(text).removesuffix("s"))


async def test_a_request_and_a_goodbye_come_through_caddy(
    server, bundle_dir, tmp_path
):
    async with server("real:app") as api:
        local = (
            "{\n\tadmin off\n\tpersist_config off\n\tdefault_bind 127.0.0.1\n}\n"
        )
        text = (bundle_dir / "Caddyfile").read_text()
        text = text.replace("api:8000", f"127.0.0.1:{api.port}")
        text = text.replace(":8080", ":{$PORT}", 1)
        (tmp_path / "Caddyfile").write_text(local + text)
        run = ("env", "PORT={port}", CADDY, "run", "--config", "Caddyfile")
        home = {name: str(tmp_path) for name in ("HOME", "XDG_DATA_HOME")}
        async with server(command=run, cwd=tmp_path, env=home) as url:
            running = Running(None, url.port)
            async with url.client() as http:
                answer = await http.get("/readyz")
            assert (answer.status_code, answer.json()) == (200, {"ready": True})
            assert answer.headers["via"] == "1.1 Caddy"
            stream = await read_ticks(running)
            api.process.terminate()
            async with asyncio.timeout(30):
                await stream[0].readuntil(b"event: bye")
            stream[1].close()


def test_every_link_of_the_chain_is_longer_than_the_one_inside(bundle_dir):
    here = {"cwd": bundle_dir, "check": True, "capture_output": True}
    schema = ("check_jsonschema", "--builtin-schema", "vendor.compose-spec")
    subprocess.run([sys.executable, "-m", *schema, "compose.yml"], **here)
    subprocess.run([CADDY, "validate", "--config", "Caddyfile"], **here)
    adapted = subprocess.run(
        [CADDY, "adapt", "--config", "Caddyfile"], **here
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
    schemas = Path(kubernetes_validate.__file__).parent
    [*_, newest] = sorted(schemas.glob("*/v*-local-strict/podspec-v1.json"))
    pod = json.loads(newest.read_text())["properties"]
    patience = pod["terminationGracePeriodSeconds"]["description"]
    assert patience.endswith("Defaults to 30 seconds.")
