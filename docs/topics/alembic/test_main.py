import os
import re
import shutil
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import httpx2
import pytest
from macros.proofs.warm_process import Command, WarmProcess
from models import Base
from sqlalchemy import Connection, NullPool, create_engine, inspect, text
from sqlalchemy.exc import DBAPIError
from traps import drift

CREATE, EXPAND, BACKFILL, SWITCH, CONTRACT = (
    "3f1c9a7b2d10",
    "58d0e6c4f7a2",
    "7ab2c41e9d35",
    "9e64b8f0a1c3",
    "c07f52d9e8b6",
)
IMPORTS = (
    "alembic.config",
    "alembic.autogenerate",
    "sqlalchemy.ext.asyncio",
    "psycopg",
)
Show = Callable[[str, str], None]
Warm = Callable[..., WarmProcess]


@dataclass(frozen=True)
class Result:
    code: int
    out: str
    log: str

    @property
    def error(self) -> str:
        """The name of what went wrong; empty when nothing did."""
        if self.code == 0:
            return ""
        named = re.findall(
            r"^(FAILED|[\w.]+(?:Error|Exception)): (?:\(([\w.]+)\))?",
            self.log + self.out,
            re.M,
        )
        return next(
            name for pair in reversed(named) for name in reversed(pair) if name
        )


@dataclass(frozen=True)
class Project:
    """A copy of this bundle, with its own database and the real command."""

    folder: Path
    url: str
    warm: WarmProcess

    def run(self, *command: str, **env: str) -> Result:
        """Run another program in the folder."""
        done = subprocess.run(
            [sys.executable, *command],
            cwd=self.folder,
            env=self.environment(env),
            capture_output=True,
            text=True,
        )
        return Result(done.returncode, done.stdout, done.stderr)

    def start(self, *arguments: str, **env: str) -> Command:
        """Start the real command in a process of its own."""
        environment = self.environment(env)
        return self.warm.start(
            "alembic", *arguments, cwd=self.folder, env=environment
        )

    def alembic(self, *arguments: str, **env: str) -> Result:
        return finish(self.start(*arguments, **env))

    def environment(self, env: dict[str, str]) -> dict[str, str]:
        return os.environ | {"DATABASE_URL": self.url} | env

    def up(self, revision: str = "head") -> Result:
        return self.alembic("upgrade", revision)

    def down(self, revision: str) -> Result:
        return self.alembic("downgrade", revision)

    def use(self, source: str, target: str) -> None:
        shutil.copy(self.folder / source, self.folder / target)

    def add(self, trap: str) -> None:
        self.use(f"traps/{trap}", f"migrations/versions/{trap}")

    def edit(self, file: str, old: str, new: str) -> None:
        path = self.folder / file
        assert old in path.read_text()
        path.write_text(path.read_text().replace(old, new))

    @contextmanager
    def connect(self) -> Iterator[Connection]:
        with create_engine(self.url, poolclass=NullPool).connect() as connection:
            yield connection

    def sql(self, statement: str) -> list[tuple[object, ...]]:
        with self.connect() as connection, connection.begin():
            result = connection.execute(text(statement))
            return [tuple(row) for row in result] if result.returns_rows else []

    @contextmanager
    def watch(self) -> Iterator[Callable[[str], int]]:
        """Yield a count of the other sessions for which a condition holds."""
        others = (
            "SELECT count(*) FROM pg_stat_activity"
            " WHERE datname = current_database() AND pid <> pg_backend_pid() AND "
        )
        with self.connect() as connection:
            connection.execution_options(isolation_level="AUTOCOMMIT")
            yield lambda condition: connection.scalar(text(others + condition)) or 0

    def tables(self) -> list[str]:
        with self.connect() as connection:
            return sorted(inspect(connection).get_table_names())


def finish(command: Command) -> Result:
    out, log = command.communicate()
    return Result(command.returncode, out, log)


def wait_until(condition: Callable[[], bool]) -> None:
    give_up = time.monotonic() + 60
    while not condition():
        assert time.monotonic() < give_up, "waited a minute in vain"
        time.sleep(0.05)


def detected(result: Result) -> list[str]:
    found = re.findall(r"[Dd]etected (?!sequence)(.*)", result.log)
    return [f"Detected {change}" for change in found]


@pytest.fixture
def lite(workdir: Path, warm: Warm) -> Project:
    return Project(workdir, f"sqlite:///{workdir}/app.db", warm(*IMPORTS))


@pytest.fixture
def pg(workdir: Path, postgres: str, warm: Warm) -> Project:
    return Project(workdir, postgres, warm(*IMPORTS))


@pytest.fixture(params=["lite", "pg"])
def project(request: pytest.FixtureRequest) -> Project:
    return request.getfixturevalue(request.param)


# How the app and its migrations behave


async def test_the_app_serves_the_migrated_schema(
    client: httpx2.AsyncClient,
) -> None:
    ada = {"email": "ada@example.com", "display_name": "Ada"}
    assert (await client.get("/schema")).json() == {"revision": [CONTRACT]}
    assert (await client.post("/accounts", json=ada)).status_code == 201
    assert (await client.get("/accounts")).json() == [ada]


def test_rows_survive_the_way_up_and_down(project: Project) -> None:
    assert project.up(CREATE).code == 0
    project.sql(
        "INSERT INTO accounts (email, name) VALUES ('ada@example.com', 'Ada')"
    )
    assert project.up().code == 0
    assert project.sql("SELECT email, display_name FROM accounts") == [
        ("ada@example.com", "Ada")
    ]
    project.sql("INSERT INTO accounts (email, display_name) VALUES ('bob', 'Bob')")
    assert project.down(CREATE).code == 0
    assert project.sql("SELECT name FROM accounts ORDER BY id") == [
        ("Ada",),
        ("Bob",),
    ]
    assert project.down("base").code == 0
    assert project.tables() == ["alembic_version"]


def test_the_command_says_what_it_does(pg: Project, shown: Show) -> None:
    upgrade = pg.up()
    shown("upgrade-head", upgrade.log)
    shown("history", pg.alembic("history").out)
    assert pg.sql("SELECT version_num FROM alembic_version") == [(CONTRACT,)]


def test_offline_mode_prints_the_sql_and_touches_nothing(
    pg: Project, shown: Show
) -> None:
    result = pg.alembic("upgrade", f"{BACKFILL}:{CONTRACT}", "--sql")
    shown("offline-sql", result.out)
    assert pg.tables() == []
    on_sqlite = pg.alembic("upgrade", "head", "--sql", DATABASE_URL="sqlite://")
    assert "This operation cannot proceed in --sql mode" in on_sqlite.out


CODE = {
    "old code": (
        "INSERT INTO accounts (email, name) VALUES ('{0}', 'new')",
        "SELECT name FROM accounts ORDER BY id",
    ),
    "bridge code": (
        "INSERT INTO accounts (email, name, display_name)"
        " VALUES ('{0}', 'new', 'new')",
        "SELECT coalesce(display_name, name) FROM accounts ORDER BY id",
    ),
    "new code": (
        "INSERT INTO accounts (email, display_name) VALUES ('{0}', 'new')",
        "SELECT display_name FROM accounts ORDER BY id",
    ),
}


def works(project: Project, version: str) -> bool:
    """Write and read an account as that version of the code does, and undo it."""
    write, read = CODE[version]
    with project.connect() as connection:
        try:
            connection.execute(text(write.format(version)))
            names = connection.scalars(text(read)).all()
        except DBAPIError:
            return False
    return names == ["Ada", "new"]


def test_each_version_of_the_code_meets_each_schema(
    lite: Project, pg: Project, shown: Show
) -> None:
    def matrix(project: Project) -> str:
        steps = ["create", "expand", "backfill", "switch", "contract"]
        lines = ["".join(f"{word:>14}" for word in ["schema after", *CODE])]
        for step, revision in zip(
            steps, [CREATE, EXPAND, BACKFILL, SWITCH, CONTRACT], strict=True
        ):
            assert project.up(revision).code == 0
            if revision == CREATE:
                project.sql(
                    "INSERT INTO accounts (email, name) VALUES ('a', 'Ada')"
                )
            cells = [
                "works" if works(project, version) else "fails" for version in CODE
            ]
            lines.append("".join(f"{word:>14}" for word in [step, *cells]))
        return "\n".join(lines) + "\n"

    seen = matrix(pg)
    assert matrix(lite) == seen
    shown("compatibility", seen)


def test_sqlite_alters_a_column_only_in_batch_mode(
    lite: Project, pg: Project
) -> None:
    lite.edit(
        f"migrations/versions/{CONTRACT}_contract_drop_name.py",
        'op.drop_column("accounts", "name")',
        'op.alter_column("accounts", "name", nullable=False)',
    )
    assert lite.up().error == "sqlite3.OperationalError"
    assert pg.up().error == ""


def test_a_failed_upgrade_keeps_what_its_transactions_committed(
    lite: Project, pg: Project
) -> None:
    def reached(project: Project, env: str) -> list[tuple[object, ...]]:
        project.use(env, "migrations/env.py")
        assert project.up().code != 0
        if "alembic_version" not in project.tables():
            return []
        return project.sql("SELECT version_num FROM alembic_version")

    pg.use("migrations/env.py", "simple_env.py")
    pg.edit(
        f"migrations/versions/{CONTRACT}_contract_drop_name.py",
        'op.drop_column("accounts", "name")',
        'op.drop_column("accounts", "nmae")',
    )
    assert reached(pg, "simple_env.py") == []
    assert reached(lite, "simple_env.py") == [(SWITCH,)]
    assert reached(pg, "real/env.py") == [(SWITCH,)]


def test_create_all_alters_nothing_and_hides_the_migrations(lite: Project) -> None:
    lite.up(CREATE)
    with create_engine(lite.url, poolclass=NullPool).begin() as connection:
        Base.metadata.create_all(connection)
    with pytest.raises(DBAPIError, match="no such column: display_name"):
        lite.sql("SELECT display_name FROM accounts")
    lite.sql("DROP TABLE alembic_version")
    assert "table accounts already exists" in lite.up().log
    assert lite.alembic("stamp", CREATE).code == 0
    assert lite.up().code == 0


def test_a_backfill_while_old_code_runs_leaves_gaps(pg: Project) -> None:
    pg.up(BACKFILL)
    write, _ = CODE["old code"]
    pg.sql(write.format("late"))
    assert pg.up(SWITCH).error == "psycopg.errors.NotNullViolation"


def test_a_revision_missing_from_the_files_stops_every_command(
    lite: Project,
) -> None:
    lite.add("add_phone.py")
    lite.up()
    (lite.folder / "migrations/versions/add_phone.py").unlink()
    for command in (("current",), ("upgrade", "head"), ("downgrade", "-1")):
        result = lite.alembic(*command)
        assert result.code != 0
        assert "Can't locate revision identified by 'a4e19c03b7d8'" in result.out


def test_autogenerate_wants_a_migrated_database(lite: Project) -> None:
    result = lite.alembic("revision", "--autogenerate", "-m", "next")
    assert result.code != 0
    assert "Target database is not up to date." in result.out


def test_what_each_statement_locks(pg: Project, shown: Show) -> None:
    pg.up()
    table = "ALTER TABLE accounts"
    pg.sql(f"{table} ADD CONSTRAINT bio_set CHECK (bio IS NOT NULL) NOT VALID")
    statements = {
        "ADD COLUMN plan text": f"{table} ADD COLUMN plan text",
        "RENAME COLUMN bio TO about": f"{table} RENAME COLUMN bio TO about",
        "ALTER COLUMN bio SET NOT NULL": f"{table} ALTER COLUMN bio SET NOT NULL",
        "VALIDATE CONSTRAINT bio_set": f"{table} VALIDATE CONSTRAINT bio_set",
        "CREATE INDEX": "CREATE INDEX ON accounts (bio)",
        "UPDATE": "UPDATE accounts SET bio = ''",
    }
    held = (
        "SELECT mode FROM pg_locks WHERE relation = 'accounts'::regclass"
        " AND pid = {0} AND mode <> 'AccessShareLock'"
    )
    lines = []
    with pg.connect() as migration, pg.connect() as app:
        pid = migration.scalar(text("SELECT pg_backend_pid()"))
        for name, statement in statements.items():
            migration.execute(text(statement))
            [mode] = migration.scalars(text(held.format(pid)))
            blocked = [verb for verb, sql in USES.items() if not runs(app, sql)]
            migration.rollback()
            lines.append(f"{name:31}{mode:26}{' and '.join(blocked) or 'neither'}")
    shown(
        "locks",
        f"{'statement':31}{'table lock':26}blocks\n" + "\n".join(lines) + "\n",
    )


USES = {
    "reads": "SELECT * FROM accounts",
    "writes": "DELETE FROM accounts WHERE id = 0",
}


def runs(connection: Connection, statement: str) -> bool:
    try:
        connection.execute(text("SET LOCAL lock_timeout = '50ms'"))
        connection.execute(text(statement))
    except DBAPIError:
        return False
    finally:
        connection.rollback()
    return True


def test_a_validated_check_spares_set_not_null_the_scan(pg: Project) -> None:
    def spared() -> bool:
        """Set NOT NULL, and hear whether PostgreSQL could skip reading the rows."""
        notes: list[str | None] = []
        with pg.connect() as connection:
            driver = connection.connection.driver_connection
            driver.add_notice_handler(
                lambda note: notes.append(note.message_primary)
            )
            connection.execute(text("SET client_min_messages = debug1"))
            connection.execute(text(f"{table} ALTER COLUMN bio SET NOT NULL"))
            connection.rollback()
        return any("sufficient to prove" in str(note) for note in notes)

    pg.up()
    table = "ALTER TABLE accounts"
    assert not spared()
    pg.sql(f"{table} ADD CONSTRAINT bio_set CHECK (bio IS NOT NULL) NOT VALID")
    assert not spared()
    pg.sql(f"{table} VALIDATE CONSTRAINT bio_set")
    assert spared()


def test_init_offers_templates_for_async_and_pyproject(lite: Project) -> None:
    templates = re.findall(r"^(\w+) - ", lite.alembic("list_templates").out, re.M)
    assert sorted(templates) == [
        "async",
        "generic",
        "multidb",
        "pyproject",
        "pyproject_async",
    ]
    assert lite.alembic("init", "-t", "pyproject_async", "fresh").code == 0
    assert "[tool.alembic]" in (lite.folder / "pyproject.toml").read_text()
    assert "async_engine_from_config" in (lite.folder / "fresh/env.py").read_text()


# What one ships


def test_the_shipped_environment_migrates_up_and_down(pg: Project) -> None:
    pg.use("real/env.py", "migrations/env.py")
    assert pg.up().code == 0
    assert pg.tables() == ["accounts", "alembic_version"]
    assert pg.down("base").code == 0
    assert pg.tables() == ["alembic_version"]


def test_the_checks_pass_here_and_catch_mistakes(pg: Project) -> None:
    def failing() -> set[str]:
        checks = ("-m", "pytest", "-q", "-p", "no:cacheprovider")
        result = pg.run(*checks, "real/check_migrations.py")
        return set(re.findall(r"^FAILED .*::test_(\w+)", result.out, re.M))

    pg.use("real/env.py", "migrations/env.py")
    assert failing() == set()
    pg.edit("models.py", "bio: Mapped[str | None]", "bio: Mapped[str]")
    assert failing() == {"models_and_migrations_agree"}
    pg.edit("models.py", "bio: Mapped[str]", "bio: Mapped[str | None]")
    pg.add("invites_as_generated.py")
    assert "every_step_goes_up_down_and_up_again" in failing()
    pg.add("add_phone.py")
    assert "history_has_one_head" in failing()


def test_the_app_refuses_a_database_that_is_behind_but_not_one_ahead(
    pg: Project,
) -> None:
    def starts() -> bool:
        script = """
import asyncio
from real.app import app, lifespan

async def main():
    async with lifespan(app):
        pass

asyncio.run(main())
"""
        result = pg.run("-c", script)
        refused = "The database is behind this code" in result.log
        assert result.code == 0 or refused, result.log
        return result.code == 0

    assert not starts()
    pg.up(SWITCH)
    assert not starts()
    pg.up()
    assert starts()
    pg.add("add_phone.py")
    pg.up()
    (pg.folder / "migrations/versions/add_phone.py").unlink()
    assert starts()


def test_compose_runs_the_migrations_before_the_app(bundle_dir: Path) -> None:
    import yaml

    schema = ("--builtin-schema", "vendor.compose-spec")
    check = [sys.executable, "-m", "check_jsonschema", *schema, "real/compose.yml"]
    subprocess.run(check, cwd=bundle_dir, check=True, capture_output=True)
    services = yaml.safe_load((bundle_dir / "real/compose.yml").read_text())[
        "services"
    ]
    wait = {"migrate": {"condition": "service_completed_successfully"}}
    assert services["api"]["depends_on"] == wait
    assert services["api"]["command"].startswith("uvicorn real.app:app ")


# Gotchas: trap and fix through the same probe


def test_rename_drops_the_data(lite: Project, shown: Show) -> None:
    def bio_after(revise: Callable[[], object]) -> object:
        """Write a bio, rename its column to `about`, and read it there."""
        (lite.folder / "app.db").unlink(missing_ok=True)
        lite.up(CONTRACT)
        lite.sql(
            "INSERT INTO accounts (email, bio, display_name)"
            " VALUES ('ada@example.com', 'Writes', 'Ada')"
        )
        revise()
        assert lite.up().code == 0
        [(about,)] = lite.sql("SELECT about FROM accounts")
        return about

    def as_generated() -> None:
        result = lite.alembic(
            "revision", "--autogenerate", "-m", "rename", "--rev-id", "auto"
        )
        shown("rename-detected", "\n".join(detected(result)) + "\n")

    def by_hand() -> None:
        (lite.folder / "migrations/versions/auto_rename.py").unlink(missing_ok=True)
        lite.add("rename_by_hand.py")

    lite.edit("models.py", "bio: Mapped", "about: Mapped")
    assert bio_after(as_generated) is None
    assert bio_after(by_hand) == "Writes"


def test_models_not_imported(lite: Project) -> None:
    versions = lite.folder / "migrations/versions"

    def sees(env: str) -> tuple[list[str], list[str]]:
        """What autogenerate finds before the first migration and after the last."""
        lite.use(env, "migrations/env.py")
        versions.rename(lite.folder / "later")
        versions.mkdir()
        first = detected(lite.alembic("check"))
        shutil.rmtree(versions)
        (lite.folder / "later").rename(versions)
        lite.up()
        later = detected(lite.alembic("check"))
        lite.down("base")
        return first, later

    lite.use("migrations/env.py", "simple_env.py")
    assert sees("traps/env_without_models.py") == (
        [],
        ["Detected removed table 'accounts'"],
    )
    assert sees("simple_env.py") == (["Detected added table 'accounts'"], [])


def test_autogenerate_misses(pg: Project, shown: Show) -> None:
    def found(env: str) -> list[str]:
        pg.use(env, "migrations/env.py")
        return detected(pg.alembic("check"))

    def named(lines: list[str]) -> set[str]:
        words = [
            "added column 'plans.price'",
            "server default",
            "check constraint",
            "retired",
        ]
        return {word for word in words if any(word in line for line in lines)}

    pg.use("migrations/env.py", "simple_env.py")
    with create_engine(pg.url, poolclass=NullPool).begin() as connection:
        drift.before.create_all(connection)
    pg.use("traps/drift.py", "drift.py")
    (pg.folder / "models.py").write_text(
        "from drift import after\n\n\nclass Base:\n    metadata = after\n"
    )
    pg.alembic("stamp", "head")
    default, tuned = found("simple_env.py"), found("real/env.py")
    shown("check-default", "\n".join(default) + "\n")
    shown(
        "check-tuned",
        "\n".join(line for line in tuned if line not in default) + "\n",
    )
    assert named(default) == {"added column 'plans.price'"}
    assert named(tuned) == {
        "added column 'plans.price'",
        "server default",
        "check constraint",
    }


def test_enum_outlives_its_table(pg: Project) -> None:
    def up_down_up(trap: str) -> list[str]:
        pg.use(f"traps/{trap}", "migrations/versions/enum.py")
        steps = [pg.up().error, pg.down(CONTRACT).error, pg.up().error]
        pg.sql("DROP TABLE IF EXISTS invites")
        pg.sql("DROP TYPE IF EXISTS role")
        pg.sql(f"UPDATE alembic_version SET version_num = '{CONTRACT}'")
        return steps

    pg.up()
    assert up_down_up("invites_as_generated.py") == [
        "",
        "",
        "psycopg.errors.DuplicateObject",
    ]
    assert (
        up_down_up("add_role_as_generated.py")[0]
        == "psycopg.errors.UndefinedObject"
    )
    assert up_down_up("invites_by_hand.py") == ["", "", ""]

    def types_after(drop: Callable[[Connection], None]) -> object:
        """Create a table with an enum, drop it, and count the types left."""
        with create_engine(pg.url, poolclass=NullPool).begin() as connection:
            drift.before.create_all(connection)
            drop(connection)
            kept = "SELECT count(*) FROM pg_type WHERE typname = 'plan_state'"
            return connection.scalar(text(kept))

    assert types_after(drift.before.tables["plans"].drop) == 1
    assert types_after(drift.before.drop_all) == 0


def test_two_heads(lite: Project, shown: Show) -> None:
    def upgrade() -> str:
        result = lite.up()
        return "" if result.code == 0 else result.log.strip().splitlines()[-1]

    lite.up()
    lite.add("add_phone.py")
    lite.add("add_locale.py")
    error = upgrade()
    assert "Multiple head revisions are present for given argument 'head'" in error
    shown("two-heads", error + "\n")
    assert (
        lite.alembic(
            "merge", "heads", "-m", "merge", "--rev-id", "ce0d1f2a3b4c"
        ).code
        == 0
    )
    assert upgrade() == ""
    shown("merged", lite.alembic("history", "-r", f"{CONTRACT}:").out)


def test_not_null_on_a_full_table(project: Project) -> None:
    def add(trap: str) -> str:
        project.use(f"traps/{trap}", "migrations/versions/plan.py")
        return project.up().error

    project.up()
    project.sql("INSERT INTO accounts (email, display_name) VALUES ('a', 'Ada')")
    assert add("plan_at_once.py") in {
        "psycopg.errors.NotNullViolation",
        "sqlite3.OperationalError",
    }
    assert add("plan_with_default.py") == ""
    assert project.sql("SELECT plan FROM accounts") == [("free",)]


def test_success_in_the_log_nothing_in_the_database(pg: Project) -> None:
    def migrated(env: str) -> tuple[bool, list[str]]:
        pg.use(env, "migrations/env.py")
        result = pg.up()
        assert result.code == 0
        return "contract: drop name" in result.log, pg.tables()

    trap, done = "traps/env_set_first.py", ["accounts", "alembic_version"]
    assert migrated(trap) == (True, [])
    configure = "    context.configure("
    pg.edit(trap, configure, f"    connection.commit()\n{configure}")
    assert migrated(trap) == (True, done)
    pg.down("base")
    assert migrated("real/env.py") == (True, done)


ALTER_WAITS = "wait_event_type = 'Lock' AND query LIKE 'ALTER TABLE%'"
A_SECOND = "clock_timestamp() - query_start > interval '1 second'"


def test_waiting_alter_blocks_reads(pg: Project) -> None:
    def read_while_a_report_runs(env: str) -> tuple[str, str]:
        """Migrate behind an open transaction, and read as the app would."""
        pg.use(env, "migrations/env.py")
        with pg.connect() as report, pg.connect() as app, pg.watch() as count:
            report.execute(text("SELECT * FROM accounts"))
            app.execute(text("SET lock_timeout = '200ms'"))
            upgrade = pg.start("upgrade", "head", MIGRATION_LOCK_TIMEOUT="50ms")
            waits = f"{ALTER_WAITS} AND {A_SECOND}"
            wait_until(lambda: upgrade.poll() is not None or count(waits) == 1)
            try:
                app.execute(text("SELECT * FROM accounts"))
                answer = "answered"
            except DBAPIError as error:
                answer = type(error.orig).__name__
        failure = finish(upgrade).error
        pg.down(SWITCH)
        return answer, failure

    gave_up = "psycopg.errors.LockNotAvailable"
    pg.use("migrations/env.py", "simple_env.py")
    pg.up(SWITCH)
    assert read_while_a_report_runs("simple_env.py") == ("LockNotAvailable", "")
    assert read_while_a_report_runs("real/env.py") == ("answered", gave_up)
    assert pg.up().error == ""


def test_workers_race_to_migrate(pg: Project) -> None:
    def race(env: str, both_arrived: dict[str, int]) -> list[str]:
        """Start two workers at once on a database that is one revision behind."""
        pg.use(env, "migrations/env.py")
        pg.up(CREATE)
        upgrade = ("upgrade", EXPAND)
        with pg.connect() as reader, pg.watch() as count:
            reader.execute(text("SELECT * FROM accounts"))
            workers = [
                pg.start(*upgrade, MIGRATION_LOCK_TIMEOUT="60s") for _ in range(2)
            ]
            wait_until(
                lambda: all(
                    count(what) == number for what, number in both_arrived.items()
                )
            )
        errors = sorted(finish(worker).error for worker in workers)
        pg.down(CREATE)
        return errors

    pg.use("migrations/env.py", "simple_env.py")
    both_alter = {ALTER_WAITS: 2}
    one_alters = {ALTER_WAITS: 1, "query LIKE 'ROLLBACK%'": 1}
    assert race("simple_env.py", both_alter) == [
        "",
        "psycopg.errors.DuplicateColumn",
    ]
    assert race("real/env.py", one_alters) == ["", ""]


def test_blocking_lock_deadlocks_with_an_index(pg: Project) -> None:
    def build(env: str, waiting: str) -> list[str]:
        """Build an index concurrently while another worker waits for its turn."""
        pg.use(env, "migrations/env.py")
        upgrade = ("upgrade", "head")
        with pg.connect() as writer, pg.watch() as count:
            writer.execute(text("UPDATE accounts SET bio = ''"))
            builder = pg.start(*upgrade, MIGRATION_LOCK_TIMEOUT="60s")
            wait_until(
                lambda: count("query LIKE 'CREATE INDEX CONCURRENTLY%'") == 1
            )
            other = pg.start(*upgrade, MIGRATION_LOCK_TIMEOUT="60s")
            wait_until(lambda: count(f"query LIKE '{waiting}%'") == 1)
        errors = sorted(finish(worker).error for worker in (builder, other))
        pg.sql("DROP INDEX ix_accounts_bio")
        pg.alembic("stamp", CONTRACT)
        return errors

    pg.use("real/env.py", "blocking_env.py")
    pg.edit(
        "blocking_env.py", "pg_try_advisory_lock(TURN)", "pg_advisory_lock(TURN)"
    )
    pg.edit("blocking_env.py", "while not await", "while None is await")
    pg.up()
    pg.add("index_outside.py")
    deadlocked = build("blocking_env.py", "SELECT pg_advisory_lock")
    assert deadlocked == ["", "psycopg.errors.DeadlockDetected"]
    assert build("real/env.py", "ROLLBACK") == ["", ""]


def test_concurrent_index_in_a_transaction(pg: Project) -> None:
    def build(trap: str) -> tuple[str, list[tuple[object, ...]]]:
        pg.use(f"traps/{trap}", "migrations/versions/index.py")
        error = pg.up().error
        return error, pg.sql(
            "SELECT indisvalid FROM pg_index"
            " WHERE indexrelid = to_regclass('ix_accounts_bio')"
        )

    pg.use("real/env.py", "migrations/env.py")
    pg.up()
    trapped = build("index_in_transaction.py")
    assert trapped == ("psycopg.errors.ActiveSqlTransaction", [])
    assert build("index_outside.py") == ("", [(True,)])


def test_models_in_a_data_migration(lite: Project) -> None:
    def backfilled(trap: str) -> tuple[str, list[tuple[object, ...]]]:
        """Bring a database with a row from the second revision to the third."""
        lite.use(trap, f"migrations/versions/{BACKFILL}_backfill_display_name.py")
        result = lite.up(BACKFILL)
        return result.error, lite.sql("SELECT display_name FROM accounts")

    fixed = f"migrations/versions/{BACKFILL}_backfill_display_name.py"
    lite.use(fixed, "backfill.py")
    lite.up(EXPAND)
    lite.sql("INSERT INTO accounts (email, name) VALUES ('ada@example.com', 'Ada')")
    assert backfilled("traps/backfill_with_models.py") == (
        "AttributeError",
        [(None,)],
    )
    assert backfilled("backfill.py") == ("", [("Ada",)])


def test_unnamed_constraint(lite: Project, pg: Project) -> None:
    def round_trip(project: Project, base: str) -> list[str]:
        """Let autogenerate add a unique constraint, then go up and down."""
        project.use(base, "base.py")
        project.up(CONTRACT)
        revise = ("revision", "--autogenerate", "-m", "unique", "--rev-id", "auto")
        assert project.alembic(*revise).code == 0
        steps = [project.up().error, project.down(CONTRACT).error]
        (project.folder / "migrations/versions/auto_unique.py").unlink()
        return steps

    pg.use("base.py", "named_base.py")
    unique = "bio: Mapped[str | None] = mapped_column(unique=True)"
    pg.edit("models.py", "bio: Mapped[str | None]", unique)
    batch = "target_metadata=Base.metadata, render_as_batch=True)\n    with"
    pg.edit("migrations/env.py", "target_metadata=Base.metadata)\n    with", batch)
    unnamed = "traps/base_unnamed.py"
    assert round_trip(pg, unnamed) == ["", "sqlalchemy.exc.CompileError"]
    assert round_trip(lite, unnamed)[0] == "ValueError"
    pg.sql("ALTER TABLE accounts DROP CONSTRAINT accounts_bio_key")
    pg.sql(f"UPDATE alembic_version SET version_num = '{CONTRACT}'")
    assert round_trip(pg, "named_base.py") == ["", ""]
    assert round_trip(lite, "named_base.py") == ["", ""]


def test_percent_in_the_url(pg: Project) -> None:
    def connects(env: str) -> str:
        pg.use(env, "migrations/env.py")
        url = pg.url.replace("postgres@", "postgres:p%40ss@")
        return pg.alembic("upgrade", "head", DATABASE_URL=url).error

    trap, url = "traps/env_url_in_ini.py", 'os.environ["DATABASE_URL"]'
    assert connects(trap) == "ValueError"
    assert connects("real/env.py") == ""
    pg.edit(trap, url, f'{url}.replace("%", "%%")')
    assert connects(trap) == ""


def test_upgrade_inside_a_running_loop(pg: Project) -> None:
    def from_a_coroutine(module: str) -> tuple[str, list[str]]:
        script = f"""
import asyncio, os
from alembic.config import Config
from sqlalchemy.ext.asyncio import create_async_engine
from {module} import migrate

async def main():
    engine = create_async_engine(os.environ["DATABASE_URL"])
    await migrate(engine, Config("alembic.ini"))
    await engine.dispose()

asyncio.run(main())
"""
        return pg.run("-c", script).error, pg.tables()

    pg.use("real/env.py", "migrations/env.py")
    assert from_a_coroutine("traps.upgrade_in_the_loop") == ("RuntimeError", [])
    assert from_a_coroutine("real.migrate") == ("", ["accounts", "alembic_version"])


def test_migrating_silences_the_logs(lite: Project, shown: Show) -> None:
    def silenced(env: str) -> bool:
        """Upgrade in process, as a startup would; look at the server's logger."""
        lite.use(env, "migrations/env.py")
        script = """
import logging
from alembic import command
from alembic.config import Config

logger = logging.getLogger("uvicorn.error")
command.upgrade(Config("alembic.ini"), "head")
print(logger.disabled)
"""
        return lite.run("-c", script).out.strip() == "True"

    lite.use("migrations/env.py", "simple_env.py")
    assert lite.alembic("init", "fresh").code == 0
    template = lite.folder / "fresh/env.py"
    [line] = [
        line for line in template.read_text().splitlines() if "fileConfig(" in line
    ]
    shown("template-logging", line.strip() + "\n")
    lite.edit(
        "alembic.ini", "[loggers]", f"sqlalchemy.url = {lite.url}\n\n[loggers]"
    )
    assert silenced("fresh/env.py")
    assert not silenced("simple_env.py")
