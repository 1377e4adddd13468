import asyncio
import gc
import warnings
from contextlib import asynccontextmanager
from typing import Annotated
from urllib.parse import urlsplit

import psycopg
import pytest
import real
from fastapi import Depends, FastAPI
from main import app
from pooler import Pooler
from sqlalchemy import create_engine, text
from sqlalchemy.exc import DBAPIError, ProgrammingError, SAWarning
from sqlalchemy.ext.asyncio import create_async_engine

PID = text("SELECT pg_backend_pid()")
FULL = {"pool_size": 2, "max_overflow": 0, "pool_timeout": 0.2}


def on(driver, url):
    return url.replace("postgresql:", f"postgresql+{driver}:")


@asynccontextmanager
async def opened(url, **options):
    engine = create_async_engine(url, **options)
    try:
        yield engine
    finally:
        await engine.dispose()


def ask(url, statement):
    with psycopg.connect(url, autocommit=True) as admin:
        return admin.execute(statement).fetchall()


# How the small app behaves


async def answers(http):
    paths = ["/query", "/pool", "/leak", "/leak", "/pool", "/query"]
    return [(r := await http.get(path)).status_code and r.json() for path in paths]


EMPTY_POOL = {
    "detail": (
        "QueuePool limit of size 2 overflow 0 reached, connection timed out, "
        "timeout 0.20 (Background on this error at: https://sqlalche.me/e/21/3o7r)"
    )
}


async def test_two_leaks_and_nobody_gets_an_answer(client):
    assert await answers(client) == [
        42,
        {"in use": 0, "idle": 1},
        42,
        42,
        {"in use": 2, "idle": 0},
        EMPTY_POOL,
    ]


async def test_the_same_happens_on_postgresql(
    client_for, monkeypatch, postgres, shown
):
    monkeypatch.setenv("DATABASE_URL", postgres)
    async with client_for(app) as http:
        assert (await answers(http))[-1] == EMPTY_POOL
        sessions = ask(
            postgres,
            "SELECT state, query FROM pg_stat_activity"
            " WHERE datname = current_database() AND pid <> pg_backend_pid()",
        )
    shown("leaked", "\n".join(f"{state} | {query}" for state, query in sessions))


def test_what_kind_of_pool_an_address_gets(tmp_path, shown):
    file = tmp_path / "shop.db"
    made = {
        "create_async_engine, PostgreSQL": create_async_engine("postgresql://h/d"),
        "create_async_engine, SQLite file": create_async_engine(
            f"sqlite+aiosqlite:///{file}"
        ),
        "create_async_engine, SQLite in memory": create_async_engine(
            "sqlite+aiosqlite://"
        ),
        "create_engine, PostgreSQL": create_engine("postgresql://h/d"),
        "create_engine, SQLite file": create_engine(f"sqlite:///{file}"),
        "create_engine, SQLite in memory": create_engine("sqlite://"),
    }
    width = max(map(len, made)) + 2
    lines = [f"{name:{width}}{type(e.pool).__name__}" for name, e in made.items()]
    shown("pools", "\n".join(lines))


async def test_an_engine_that_nobody_disposes_of_warns(tmp_path):
    async def warnings_after(dispose):
        engine = create_async_engine(f"sqlite+aiosqlite:///{tmp_path}/shop.db")
        async with engine.connect() as connection:
            await connection.scalar(text("SELECT 1"))
        if dispose:
            await engine.dispose()
        del engine, connection
        with warnings.catch_warnings(record=True) as caught:
            warnings.simplefilter("always")
            gc.collect()
        return [w for w in caught if "before being closed" in str(w.message)]

    assert len(await warnings_after(dispose=False)) == 1
    assert len(await warnings_after(dispose=True)) == 0


# What a pool does


async def test_a_pool_grows_on_demand_and_overflow_is_closed(postgres, shown):
    lines = []
    async with opened(postgres, pool_size=2, max_overflow=1) as engine:

        def note(what):
            sessions = ask(
                postgres,
                "SELECT count(*) FROM pg_stat_activity"
                " WHERE datname = current_database() AND pid <> pg_backend_pid()",
            )[0][0]
            lines.append(f"{what:18}{sessions:>10}{engine.pool.checkedout():>8}")

        note("engine created")
        taken = [await engine.connect() for _ in range(3)]
        note("three taken")
        for connection in taken:
            await connection.close()
        while len(lines) < 3 or lines[-1].split()[-2] != "2":
            del lines[2:]
            note("three given back")
    header = f"{'':18}{'on server':>10}{'in use':>8}"
    shown("grows", "\n".join([header, *lines]))


@pytest.fixture
def as_role(postgres):
    with psycopg.connect(postgres, autocommit=True) as admin:
        admin.execute("CREATE ROLE app LOGIN")
        yield postgres.replace("postgres@", "app@")
        admin.execute(
            "SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity"
            " WHERE usename = 'app'"
        )
        admin.execute("DROP ROLE app")


async def refusal(url):
    """Why the server refuses one more connection."""
    with pytest.raises(psycopg.OperationalError) as caught:
        await psycopg.AsyncConnection.connect(url)
    return str(caught.value).split("failed: ")[-1]


async def connect_patiently(url):
    """Connect; a session that was just refused may hold its slot for a moment."""
    async with asyncio.timeout(10):
        while True:
            try:
                return await psycopg.AsyncConnection.connect(url)
            except psycopg.OperationalError:
                await asyncio.sleep(0.02)


async def test_the_last_three_connections_are_for_superusers(
    postgres, as_role, shown
):
    others = (
        "SELECT count(*) FROM pg_stat_activity"
        " WHERE backend_type = 'client backend' AND usename IS NOT NULL"
    )
    with psycopg.connect(postgres, autocommit=True) as admin:
        fixture_and_this = (2,)
        async with asyncio.timeout(10):
            while admin.execute(others).fetchone() != fixture_and_this:
                await asyncio.sleep(0.02)
        connect = psycopg.AsyncConnection.connect
        for_app = [connect(as_role) for _ in range(100 - 2 - 3)]
        taken = await asyncio.gather(*for_app)
        refusals = [await refusal(as_role)]
        taken += [await connect_patiently(postgres) for _ in range(3)]
        refusals.append(await refusal(postgres))
        for connection in taken:
            await connection.close()
    shown("slots", "\n".join(refusals))


async def test_pre_ping_does_not_save_an_open_transaction(postgres):
    async with (
        opened(postgres, pool_pre_ping=True) as engine,
        engine.connect() as connection,
    ):
        ask(
            postgres,
            f"SELECT pg_terminate_backend({await connection.scalar(PID)})",
        )
        with pytest.raises(DBAPIError) as caught:
            await connection.scalar(PID)
        assert caught.value.connection_invalidated


async def test_one_error_empties_the_whole_pool(postgres):
    async with opened(postgres, pool_size=3) as engine:
        taken = [await engine.connect() for _ in range(3)]
        pids = [await connection.scalar(PID) for connection in taken]
        for connection in taken:
            await connection.close()
        for pid in pids:
            ask(postgres, f"SELECT pg_terminate_backend({pid}, 5000)")
        outcomes = []
        for _ in range(3):
            try:
                async with engine.connect() as connection:
                    await connection.scalar(PID)
                outcomes.append("ok")
            except DBAPIError:
                outcomes.append("error")
    assert outcomes == ["error", "ok", "ok"]


# How the app one would ship behaves


@pytest.fixture
def shop(client_for, monkeypatch, postgres):
    monkeypatch.setenv("DATABASE_URL", postgres)
    return lambda: client_for(real.app)


async def test_the_shop_answers_and_reports_its_pool(shop):
    async with shop() as http:
        assert (await http.get("/time")).status_code == 200
        pool = (await http.get("/pool")).json()
    assert pool == {"size": 5, "in_use": 0, "longest": 0.0}


async def test_an_empty_pool_is_a_503_that_says_when_to_return(shop, monkeypatch):
    monkeypatch.setenv("DB_BUDGET", "8")
    engines = []
    original = real.open_engine
    monkeypatch.setattr(
        real, "open_engine", lambda s: engines.append(original(s)) or engines[0]
    )
    async with shop() as http:
        engines[0].pool._timeout = 0.1
        async with engines[0].connect():
            answer = await http.get("/time")
            pool = (await http.get("/pool")).json()
        assert (await http.get("/time")).status_code == 200
    assert (answer.status_code, answer.json()) == (503, {"detail": "Busy"})
    assert answer.headers["retry-after"] == "1"
    assert pool["in_use"] == pool["size"] == 1


async def test_a_budget_beyond_the_server_stops_the_start(monkeypatch, postgres):
    async def start(budget):
        monkeypatch.setenv("DATABASE_URL", postgres)
        monkeypatch.setenv("DB_BUDGET", str(budget))
        try:
            async with real.lifespan(real.app):
                return "started"
        except ValueError as error:
            return str(error)

    assert await start(97) == "started"
    assert await start(98) == "DB_BUDGET=98, the server has 97"
    assert await start(7) == "DB_BUDGET is smaller than the number of workers"


async def test_the_server_ends_a_forgotten_transaction(monkeypatch, postgres):
    guards = "-c idle_in_transaction_session_timeout=50ms"
    monkeypatch.setattr(real, "GUARDS", guards)
    settings = real.Settings(database_url=postgres)
    engine = real.open_engine(settings)
    try:
        async with engine.connect() as connection:
            pid = await connection.scalar(PID)
            alive = f"SELECT count(*) FROM pg_stat_activity WHERE pid = {pid}"
            async with asyncio.timeout(10):
                while ask(postgres, alive) != [(0,)]:
                    await asyncio.sleep(0.02)
            with pytest.raises(DBAPIError, match="idle-in-transaction timeout"):
                await connection.scalar(PID)
    finally:
        await engine.dispose()


async def test_max_concurrency_waits_before_the_pool(client_for, postgres):
    async def probe(**limit):
        app = FastAPI()

        async def get_connection():
            async with engine.connect() as connection:
                yield connection

        @app.get("/")
        async def slow(
            connection: Annotated[object, Depends(get_connection, **limit)],
        ):
            await connection.execute(text("SELECT pg_sleep(0.1)"))

        options = FULL | {"pool_timeout": 0.03}
        async with opened(postgres, **options) as engine, client_for(app) as http:
            calls = [http.get("/") for _ in range(6)]
            codes = [each.status_code for each in await asyncio.gather(*calls)]
        return codes.count(200)

    assert await probe() == 2
    assert await probe(max_concurrency=2) == 6


# One proof for each gotcha


async def test_workers_times_pool_exceed_the_server(postgres, as_role):
    with psycopg.connect(postgres, autocommit=True) as admin:
        admin.execute("ALTER ROLE app CONNECTION LIMIT 8")

    async def refused(workers, **options):
        engines = [create_async_engine(as_role, **options) for _ in range(workers)]
        held, errors = [], []
        for engine in engines:
            for _ in range(sum(options.values())):
                try:
                    held.append(await engine.connect())
                except DBAPIError as error:
                    errors.append(str(error.orig))
        for connection in held:
            await connection.close()
        for engine in engines:
            await engine.dispose()
        ask(
            postgres,
            "SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity"
            " WHERE usename = 'app'",
        )
        assert all("too many connections for role" in error for error in errors)
        return len(errors)

    assert await refused(workers=4, pool_size=2, max_overflow=3) == 12
    assert await refused(workers=4, pool_size=2, max_overflow=0) == 0


async def test_two_connections_in_one_request(client_for, postgres):
    async def probe(shared):
        app = FastAPI()
        ready = asyncio.Barrier(2)

        async def get_connection():
            async with engine.connect() as connection:
                yield connection

        shared_one = Depends(get_connection)

        @app.get("/")
        async def report(connection: Annotated[object, shared_one]) -> int:
            await connection.execute(PID)
            await ready.wait()
            if shared:
                return await connection.scalar(text("SELECT 1"))
            async with engine.connect() as second:
                return await second.scalar(text("SELECT 1"))

        async with opened(postgres, **FULL) as engine, client_for(app) as http:
            pair = await asyncio.gather(http.get("/"), http.get("/"))
        return [each.status_code for each in pair]

    assert await probe(shared=False) == [500, 500]
    assert await probe(shared=True) == [200, 200]


async def test_connection_never_given_back(postgres):
    async def with_close(engine):
        async with engine.connect() as connection:
            return await connection.scalar(PID)

    async def without(engine):
        return await (await engine.connect()).scalar(PID)

    async def in_use_after(work):
        async with opened(postgres, **FULL) as engine:
            await work(engine)
            in_use = engine.pool.checkedout()
            if in_use:
                with pytest.warns(SAWarning, match="non-checked-in connection"):
                    gc.collect()
                assert engine.pool.checkedout() == 0
            return in_use

    gc.disable()
    try:
        assert await in_use_after(without) == 1
        assert await in_use_after(with_close) == 0
    finally:
        gc.enable()


async def test_idle_connection_was_closed(client_for, postgres):
    async def probe(**options):
        app = FastAPI()

        @app.get("/")
        async def session_id() -> int:
            async with engine.connect() as connection:
                return await connection.scalar(PID)

        async with opened(postgres, **options) as engine, client_for(app) as http:
            pid = (await http.get("/")).json()
            ask(postgres, f"SELECT pg_terminate_backend({pid}, 5000)")
            return [(await http.get("/")).status_code for _ in range(2)]

    assert await probe() == [500, 200]
    assert await probe(pool_pre_ping=True) == [200, 200]


async def test_setting_stays_for_the_next_request(client_for, postgres):
    async def probe(local):
        app = FastAPI()
        remember = text(f"SELECT set_config('app.tenant', :tenant, {local})")

        @app.get("/orders")
        async def orders(tenant: str | None = None) -> str | None:
            async with engine.begin() as connection:
                if tenant:
                    await connection.execute(remember, {"tenant": tenant})
                seen = text("SELECT current_setting('app.tenant', true)")
                return await connection.scalar(seen)

        async with opened(postgres, **FULL) as engine, client_for(app) as http:
            first = await http.get("/orders?tenant=acme")
            second = await http.get("/orders")
        return first.json(), second.json() or None

    assert await probe(local=False) == ("acme", "acme")
    assert await probe(local=True) == ("acme", None)


@asynccontextmanager
async def pooled(url):
    """The same database behind a stand-in for transaction pooling."""
    port = urlsplit(url).port
    pooler = Pooler(port)
    server = await asyncio.start_server(pooler.serve, "127.0.0.1", 0)
    own = server.sockets[0].getsockname()[1]
    try:
        yield url.replace(f":{port}/", f":{own}/")
    finally:
        server.close()
        for _, writer in pooler.idle:
            writer.close()


async def transactions(url, count=10, **options):
    async with pooled(url) as through, opened(through, **options) as engine:
        for number in range(count):
            try:
                async with engine.begin() as connection:
                    one = text("SELECT 1 + :number")
                    await connection.scalar(one, {"number": number})
            except DBAPIError as error:
                return str(error.orig).splitlines()[0].split(">: ")[-1]
    return "ok"


async def test_prepared_on_another_connection(postgres):
    psycopg3, asyncpg = on("psycopg", postgres), on("asyncpg", postgres)
    never = {
        "statement_cache_size": 0,
        "prepared_statement_cache_size": 0,
    }
    assert await transactions(psycopg3) == (
        'prepared statement "_pg3_0" does not exist'
    )
    assert "does not exist" in await transactions(asyncpg)
    fixed = {"prepare_threshold": None}
    assert await transactions(psycopg3, connect_args=fixed) == "ok"
    assert await transactions(asyncpg, connect_args=never) == "ok"


async def test_what_transaction_pooling_breaks(postgres, shown):
    async def through_pooler(first, then):
        seen = []
        quiet = {"prepare_threshold": None}
        async with (
            pooled(postgres) as url,
            opened(url, pool_size=1, connect_args=quiet) as engine,
        ):
            for statement in (first, None, None):
                try:
                    async with engine.begin() as connection:
                        if statement:
                            await connection.execute(text(statement))
                        seen.append(str(await connection.scalar(text(then))))
                except ProgrammingError:
                    seen.append("missing")
        return seen

    work_mem = "SHOW work_mem"
    held = (
        "SELECT CASE count(*) WHEN 0 THEN 'free' ELSE 'locked' END FROM pg_locks"
        " WHERE locktype = 'advisory' AND pid = pg_backend_pid()"
    )
    cases = {
        "SET work_mem = '9MB'": work_mem,
        "SET LOCAL work_mem = '9MB'": work_mem,
        "CREATE TEMP TABLE cart (id int)": "SELECT 'exists' FROM (SELECT FROM cart)"
        " RIGHT JOIN (SELECT 1) ON true",
        "SELECT pg_advisory_lock(1)": held,
        "SELECT pg_advisory_xact_lock(2)": held,
    }
    lines = [f"{'transaction':33}{'1st':9}{'2nd':9}3rd"]
    for first, then in cases.items():
        one, two, three = await through_pooler(first, then)
        lines.append(f"{first:33}{one:9}{two:9}{three}")
    shown("breaks", "\n".join(lines))
