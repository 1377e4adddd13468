"""A bundle's app under a real server, and a line to it that a test can cut or let go dead."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

HOST = "127.0.0.1"


@contextmanager
def serving_app(app: str, bundle: Path, folder: Path) -> Iterator[int]:
    """Serve `module:app`, found in a folder that may import the bundle; yield the port."""
    with socket.create_server((HOST, 0)) as probe:
        port: int = probe.getsockname()[1]
    command = [sys.executable, "-m", "uvicorn", app, "--app-dir", str(folder)]
    options = ["--host", HOST, "--port", str(port), "--timeout-graceful-shutdown", "0"]
    environment = {**os.environ, "PYTHONPATH": str(bundle), "PYTHONDONTWRITEBYTECODE": "1"}
    log = folder / "server.log"
    with log.open("wb") as sink:
        process = subprocess.Popen(
            [*command, *options], cwd=folder, env=environment, stdout=sink, stderr=sink
        )
    try:
        _answering(port, process, log)
        yield port
    finally:
        process.terminate()
        process.wait(10)


def _answering(port: int, process: subprocess.Popen[bytes], log: Path) -> None:
    give_up = time.monotonic() + 20
    while time.monotonic() < give_up:
        with suppress(OSError), socket.create_connection((HOST, port), timeout=1):
            return
        assert process.poll() is None, log.read_text(encoding="utf-8")
        time.sleep(0.02)
    raise AssertionError(f"no answer:\n{log.read_text(encoding='utf-8')}")


class Line:
    """Passes connections on to a server, and keeps the requests that it saw."""

    def __init__(self, port: int) -> None:
        self.requests: list[dict[str, str]] = []
        self._server = (HOST, port)
        self._ends: list[socket.socket] = []
        self._dead: set[socket.socket] = set()
        self._passing: list[threading.Thread] = []
        self._listener = socket.create_server((HOST, 0))
        self._accepting = threading.Thread(target=self._accept)
        self._accepting.start()
        self.url = f"http://{HOST}:{self._listener.getsockname()[1]}"

    def requested(self, path: str) -> list[dict[str, str]]:
        """Return the headers of the requests for addresses that start so."""
        return [each for each in self.requests if each["target"].startswith(path)]

    def cut(self) -> None:
        """End all connections; new ones work."""
        for end in self._ends:
            with suppress(OSError):
                end.shutdown(socket.SHUT_RDWR)

    def go_dead(self) -> None:
        """Let nothing more through on all connections, without ending them; new ones work."""
        self._dead.update(self._ends)

    def close(self) -> None:
        """End everything."""
        with suppress(OSError):
            self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        self._accepting.join()
        self.cut()
        for thread in self._passing:
            thread.join()
        for end in self._ends:
            end.close()

    def _accept(self) -> None:
        with suppress(OSError):
            while True:
                browser, _ = self._listener.accept()
                server = socket.create_connection(self._server)
                self._ends += [browser, server]
                for ends in ((browser, server, True), (server, browser, False)):
                    thread = threading.Thread(target=self._pass, args=ends)
                    self._passing.append(thread)
                    thread.start()

    def _pass(self, source: socket.socket, target: socket.socket, to_server: bool) -> None:
        with suppress(OSError):
            while chunk := source.recv(65536):
                if source in self._dead:
                    continue
                if to_server:
                    self._note(chunk.decode("latin-1"))
                target.sendall(chunk)
        for end in (source, target):
            with suppress(OSError):
                end.shutdown(socket.SHUT_RDWR)

    def _note(self, text: str) -> None:
        first, *lines = text.partition("\r\n\r\n")[0].split("\r\n")
        headers = [line.partition(": ") for line in lines]
        self.requests.append(
            {"target": first.split()[1], **{name.lower(): value for name, _, value in headers}}
        )
