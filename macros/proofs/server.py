"""Run an app under a real server, a process of its own on a free loopback port."""

from __future__ import annotations

import atexit
import contextlib
import os
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import anyio
import httpx2

HOST = "127.0.0.1"
UVICORN = (sys.executable, "-m", "uvicorn", "{app}", "--host", "{host}", "--port", "{port}")
_started: set[subprocess.Popen[bytes]] = set()
_ATTEMPTS = 3
_PATIENCE = 3.0  # seconds that a server has to finish its open requests


class Server(str):
    """The URL of a running server, with its process and what it has printed."""

    __slots__ = ("_log", "port", "process")

    process: subprocess.Popen[bytes]
    port: int
    _log: Path

    @property
    def url(self) -> str:
        """The URL as a plain string."""
        return str(self)

    def log(self) -> str:
        """Return all that the server has printed until now."""
        return self._log.read_text(encoding="utf-8", errors="replace")

    def client(self, **options: Any) -> httpx2.AsyncClient:
        """Return a client of this server that ignores the machine's proxy settings."""
        return httpx2.AsyncClient(**{"base_url": str(self), "trust_env": False, **options})


class ServerError(RuntimeError):
    """A server ended, or kept silent, before it answered; the message holds its log."""


@asynccontextmanager
async def serve(
    app: str,
    *options: str,
    cwd: Path,
    env: Mapping[str, str] | None = None,
    command: Sequence[str] = UVICORN,
    timeout: float = 20,
) -> AsyncIterator[Server]:
    """Start a server for `module:app` in a folder, yield its URL once the port answers, end it.

    `command` may name another server; `{app}`, `{host}` and `{port}` are filled in. Raises
    ServerError with the log where it does not start.
    """
    with tempfile.TemporaryDirectory(prefix="server-") as folder:
        log = Path(folder) / "log"
        for attempt in range(1, _ATTEMPTS + 1):
            server = _start(app, options, cwd, {**os.environ, **(env or {})}, command, log)
            try:
                await _answering(server, timeout)
                break
            except ServerError as failure:
                await anyio.to_thread.run_sync(_end, server.process)
                # Another process may have taken the port between our look and the server's.
                if attempt == _ATTEMPTS or "address already in use" not in str(failure):
                    raise
            except BaseException:
                _end(server.process)
                raise
        try:
            yield server
        finally:
            with anyio.CancelScope(shield=True):
                await anyio.to_thread.run_sync(_end, server.process)


def _start(
    app: str,
    options: Sequence[str],
    cwd: Path,
    env: dict[str, str],
    command: Sequence[str],
    log: Path,
) -> Server:
    port = free_port()
    filled = [part.format(app=app, host=HOST, port=port) for part in command]
    env |= {"PYTHONDONTWRITEBYTECODE": "1", "PYTHONUNBUFFERED": "1", "NO_COLOR": "1"}
    with log.open("wb") as sink:
        # A session of its own, so that worker processes can be ended with it.
        process = subprocess.Popen(
            [*filled, *options],
            cwd=cwd,
            env=env,
            stdin=subprocess.DEVNULL,
            stdout=sink,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
    _started.add(process)
    interrupt_on_termination()
    server = Server(f"http://{HOST}:{port}")
    server.process, server.port, server._log = process, port, log
    return server


def free_port() -> int:
    """Return a loopback port that nothing listens on now."""
    with socket.socket() as probe:
        probe.bind((HOST, 0))
        port: int = probe.getsockname()[1]
        return port


async def _answering(server: Server, timeout: float) -> None:
    give_up = time.monotonic() + timeout
    while time.monotonic() < give_up:
        with contextlib.suppress(OSError):
            stream = await anyio.connect_tcp(HOST, server.port)
            await stream.aclose()
            return
        if server.process.poll() is not None:
            raise ServerError(f"the server ended with {server.process.returncode}:\n{server.log()}")
        await anyio.sleep(0.02)
    raise ServerError(f"no answer on port {server.port} for {timeout:g} s:\n{server.log()}")


def interrupt_on_termination() -> None:
    """Let this process end by SIGTERM and SIGHUP as by Ctrl-C, and so end what it started."""
    if threading.current_thread() is threading.main_thread():
        for number in (signal.SIGTERM, getattr(signal, "SIGHUP", signal.SIGTERM)):
            if signal.getsignal(number) is signal.SIG_DFL:
                signal.signal(number, signal.default_int_handler)


@atexit.register
def _end_all() -> None:
    for process in list(_started):
        _end(process)


def _end(process: subprocess.Popen[bytes]) -> None:
    if process.poll() is None:
        process.terminate()
        try:
            process.wait(_PATIENCE)
        except subprocess.TimeoutExpired:
            process.kill()
    # Whatever the server started belongs to its session.
    if hasattr(os, "killpg"):
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(process.pid, signal.SIGKILL)
    process.wait()
    _started.discard(process)
