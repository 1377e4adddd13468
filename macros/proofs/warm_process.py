"""Runs `python -m module …` in fresh processes that have the slow imports behind them already.

A command-line tool that a proof runs forty times imports the same packages forty times. Here one
process imports them once and forks for each command: still a process of its own, with its own
folder, environment and exit code, but without the seconds of waiting.
"""

from __future__ import annotations

import contextlib
import json
import os
import select
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import IO, Any

import pytest

PREPARED = "ready"
PATIENCE = 60  # seconds; a command of a proof ends long before, or never


_PROCESSES = pytest.StashKey[dict[tuple[str, ...], "WarmProcess"]]()


def warm_process_of(config: pytest.Config, modules: tuple[str, ...]) -> WarmProcess:
    """Return the run's process with these modules, made on first use, ended with the run."""
    processes = config.stash.setdefault(_PROCESSES, {})
    if modules not in processes:
        folder = Path(tempfile.mkdtemp(prefix="warm-"))
        processes[modules] = WarmProcess(modules, folder)
        config.add_cleanup(lambda: shutil.rmtree(folder, ignore_errors=True))
        config.add_cleanup(processes[modules].close)
    return processes[modules]


class Command:
    """A running command, with the part of Popen's interface that proofs need."""

    def __init__(self, module: str, pid: int, base: Path, code: int) -> None:
        self.module = module
        self.pid = pid
        self.returncode: int | None = None
        self._base = base
        self._code = code

    def poll(self) -> int | None:
        """Return the exit code (negative: ended by that signal), None while it runs."""
        if self.returncode is None and self._has_ended(0):
            self._read_code()
        return self.returncode

    def wait(self, timeout: float = PATIENCE) -> int:
        """Wait for the end and return the exit code; kill it and raise if that takes too long."""
        if self.returncode is None:
            if not self._has_ended(timeout):
                self.kill()
                raise TimeoutError(
                    f"{self.module} did not end in {timeout:g} s and was killed. It said:\n"
                    + self._text(".out")
                    + self._text(".err")
                )
            self._read_code()
        assert self.returncode is not None
        return self.returncode

    def communicate(self, timeout: float = PATIENCE) -> tuple[str, str]:
        """Wait for the end and return what it printed: output and errors."""
        self.wait(timeout)
        return self._text(".out"), self._text(".err")

    def printed(self) -> str:
        """Return what it has printed so far."""
        return self._text(".out")

    def kill(self) -> None:
        """End it at once; nothing happens if it has ended."""
        with contextlib.suppress(ProcessLookupError):
            os.kill(self.pid, signal.SIGKILL)

    def _has_ended(self, timeout: float) -> bool:
        # Readable by the code that its minder writes, or by the end of the minder.
        end = select.poll()
        end.register(self._code)
        return bool(end.poll(timeout * 1000))

    def _read_code(self) -> None:
        os.set_blocking(self._code, True)
        with os.fdopen(self._code, encoding="ascii") as file:
            code = file.read()
        if not code:
            self.kill()
        self.returncode = int(code) if code else -signal.SIGKILL

    def _text(self, suffix: str) -> str:
        file = self._base.with_suffix(suffix)
        return file.read_text(encoding="utf-8", errors="replace") if file.exists() else ""


class WarmProcess:
    """A process that has imported these modules and forks for every command it is given."""

    def __init__(self, modules: Sequence[str], folder: Path) -> None:
        self._folder = Path(tempfile.mkdtemp(prefix="commands-", dir=folder))
        self._commands: list[Command] = []
        self._lock = threading.Lock()
        self._process = subprocess.Popen(
            [sys.executable, "-m", "macros.proofs.warm_process", *modules],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        self.pid = self._process.pid
        if self._answer() != PREPARED:
            self.close()
            raise RuntimeError(f"cannot import {', '.join(modules)}")

    def start(
        self, module: str, *arguments: str, cwd: Path, env: Mapping[str, str] = os.environ
    ) -> Command:
        """Start `python -m module arguments…` in a folder; return it while it runs."""
        with self._lock:
            base = self._folder / str(len(self._commands) + 1)
            fifo = base.with_suffix(".code")
            os.mkfifo(fifo)
            # Open before the minder opens it, which therefore need not wait.
            code = os.open(fifo, os.O_RDONLY | os.O_NONBLOCK)
            request = {
                "module": module,
                "arguments": arguments,
                "cwd": str(cwd),
                "env": dict(env),
                "base": str(base),
            }
            assert self._process.stdin is not None
            self._process.stdin.write(json.dumps(request) + "\n")
            self._process.stdin.flush()
            pid = self._answer()
            if not pid:
                os.close(code)
                raise RuntimeError(f"cannot start {module}: the warm process has ended")
            command = Command(module, int(pid), base, code)
            self._commands.append(command)
            return command

    def close(self) -> None:
        """End the process, and first the commands that still run."""
        for command in self._commands:
            if command.poll() is None:
                command.kill()
                command.wait()
        assert self._process.stdin is not None
        self._process.stdin.close()
        try:
            self._process.wait(PATIENCE)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        assert self._process.stdout is not None
        self._process.stdout.close()

    def _answer(self) -> str:
        assert self._process.stdout is not None
        return self._process.stdout.readline().strip()


def _serve(requests: IO[str], answers: IO[str], modules: Sequence[str]) -> None:
    """Import the modules, then fork for every request line until there are no more."""
    import gc
    import importlib

    for module in modules:
        importlib.import_module(module)
    # Else every collection in every command walks, and so copies, all that was imported.
    gc.collect()
    gc.freeze()
    print(PREPARED, file=answers, flush=True)
    for line in requests:
        reader, writer = os.pipe()
        minder = os.fork()
        if minder == 0:
            os.close(reader)
            _mind(json.loads(line), writer)
        os.close(writer)
        with os.fdopen(reader) as told:
            print(told.readline().strip(), file=answers, flush=True)
        # Minders that have ended in the meantime are collected here.
        with contextlib.suppress(ChildProcessError):
            while os.waitpid(-1, os.WNOHANG)[0]:
                pass


def _mind(request: Mapping[str, Any], writer: int) -> None:
    """Fork the command, tell its process id, wait for it, and write its exit code."""
    base = Path(request["base"])
    # Held from the start: whoever waits learns the end of this process, too, however it comes.
    result = os.open(base.with_suffix(".code"), os.O_WRONLY)
    command = os.fork()
    if command == 0:
        os.close(writer)
        os.close(result)
        _become(request, base)
    # What ends a group of processes, as Ctrl-C does, ends the command; its code is still told.
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, signal.SIG_IGN)
    os.write(writer, f"{command}\n".encode())
    os.close(writer)
    code = os.waitstatus_to_exitcode(os.waitpid(command, 0)[1])
    os.write(result, str(code).encode())
    os._exit(0)


def _become(request: Mapping[str, Any], base: Path) -> None:
    """Turn this process into the command: its output, folder, environment and arguments."""
    import runpy
    import traceback

    nothing = os.open(os.devnull, os.O_RDONLY)
    os.dup2(nothing, 0)
    for descriptor, suffix in ((1, ".out"), (2, ".err")):
        file = os.open(base.with_suffix(suffix), os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
        os.dup2(file, descriptor)
    os.chdir(request["cwd"])
    os.environ.clear()
    os.environ.update(request["env"])
    sys.argv = [request["module"], *request["arguments"]]
    sys.path[0] = request["cwd"]
    code = 0
    try:
        runpy.run_module(request["module"], run_name="__main__", alter_sys=True)
    except SystemExit as end:
        code = end.code if isinstance(end.code, int) else int(end.code is not None)
        if isinstance(end.code, str):
            print(end.code, file=sys.stderr)
    except BaseException:
        traceback.print_exc()
        code = 1
    finally:
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(code)


if __name__ == "__main__":
    _serve(sys.stdin, sys.stdout, sys.argv[1:])
