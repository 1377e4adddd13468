"""A topic's zip on a machine that has nothing: unpacked, installed, started, asked."""

from __future__ import annotations

import re
import shlex
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from macros.answers_file import SentRequest

START = re.compile(r"^python -m uvicorn (?P<app>\S+)$", re.MULTILINE)
PATIENCE = 20.0  # seconds until a server answers


@dataclass(frozen=True)
class Unpacked:
    """The folder that was in the zip."""

    folder: Path

    @property
    def readme(self) -> str:
        return (self.folder / "README.md").read_text(encoding="utf-8")

    @property
    def python(self) -> Path:
        return self.folder / ".venv" / "bin" / "python"

    def install(self) -> None:
        """Make an environment of its own with what requirements.txt asks for, and nothing else.

        uv does what the README's pip does, from its cache where it can.
        """
        uv = [sys.executable, "-m", "uv", "--no-config", "--quiet"]
        self._run(*uv, "venv", "--python", sys.executable, ".venv")
        install = ["pip", "install", "--python", str(self.python), "-r", "requirements.txt"]
        if self._tries(*uv, "--offline", *install):
            self._run(*uv, *install)

    @contextmanager
    def started(self) -> Iterator[str]:
        """Run the README's command on a free port; yield the address once somebody listens."""
        found = START.search(self.readme)
        assert found, "the README names no command that starts the app"
        port = free_port()
        # Nothing of this environment or the project may help.
        clean = {"PATH": "/usr/bin:/bin", "PYTHONDONTWRITEBYTECODE": "1"}
        log = self.folder / "server.log"
        with log.open("wb") as out:
            server = subprocess.Popen(
                [str(self.python), *shlex.split(found[0])[1:], "--port", str(port)],
                cwd=self.folder,
                env=clean,
                stdout=out,
                stderr=subprocess.STDOUT,
            )
            try:
                self._wait(server, port, log)
                yield f"http://127.0.0.1:{port}"
            finally:
                server.terminate()
                server.wait(10)

    def _wait(self, server: subprocess.Popen[bytes], port: int, log: Path) -> None:
        end = time.monotonic() + PATIENCE
        while time.monotonic() < end:
            assert server.poll() is None, log.read_text(encoding="utf-8")[-2000:]
            with socket.socket() as probe:
                if probe.connect_ex(("127.0.0.1", port)) == 0:
                    return
            time.sleep(0.05)
        raise AssertionError(f"no answer within {PATIENCE:g} s: {log.read_text(encoding='utf-8')}")

    def _run(self, *command: str) -> None:
        done = subprocess.run(command, cwd=self.folder, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stderr

    def _tries(self, *command: str) -> int:
        return subprocess.run(command, cwd=self.folder, capture_output=True, check=False).returncode


def unpacked(archive: Path, into: Path) -> Unpacked:
    """Unpack a zip into an empty folder."""
    with zipfile.ZipFile(archive) as opened:
        opened.extractall(into)
    return Unpacked(into / archive.stem)


def ask(address: str, request: SentRequest) -> int:
    """Send a recorded request; return the status, also one that reports an error."""
    message = urllib.request.Request(
        address + request.url,
        method=request.method,
        headers=dict(request.headers),
        data=request.body.encode() if request.body is not None else None,
    )
    try:
        with urllib.request.urlopen(message, timeout=10) as answer:
            answer.read()
            return int(answer.status)
    except urllib.error.HTTPError as error:
        return error.code


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port
