import asyncio
import gc
import subprocess
import sys
import threading
from collections import Counter
from contextlib import asynccontextmanager
from datetime import datetime
from importlib import metadata
from inspect import iscoroutinefunction
from typing import Annotated

import main
import pytest
import real
from fastapi import BackgroundTasks, Depends, FastAPI
from pydantic import BaseModel
from sqlalchemy import (
    AsyncAdaptedQueuePool,
    NullPool,
    QueuePool,
    StaticPool,
    delete,
    event,
    func,
    insert,
    select,
    text,
)
from sqlalchemy.exc import (
    ArgumentError,
    InvalidRequestError,
    MissingGreenlet,
    StatementError,
)
from sqlalchemy.exc import TimeoutError as PoolTimeoutError
from sqlalchemy.ext.asyncio import AsyncAttrs, AsyncSession, create_async_engine
from sqlalchemy.orm import (
    DeclarativeBase,
    Mapped,
    joinedload,
    lazyload,
    mapped_column,
    relationship,
    selectinload,
)

DRIVERS = ["aiosqlite", "asyncpg", "psycopg"]
pytestmark = pytest.mark.filterwarnings("ignore:coroutine .* was never awaited")


class Base(AsyncAttrs, DeclarativeBase):
    pass


class Shelf(Base):
    __tablename__ = "shelves"
    id: Mapped[int] = mapped_column(primary_key=True)
    name: Mapped[str]
    updated_at: Mapped[datetime] = mapped_column(
        server_default=func.now(), onupdate=func.now()
    )
    boxes: Mapped[list["Box"]] = relationship(back_populates="shelf")


class Box(Base):
    __tablename__ = "boxes"
    id: Mapped[int] = mapped_column(primary_key=True)
    shelf_id: Mapped[int] = mapped_column(main.ForeignKey("shelves.id"))
    shelf: Mapped[Shelf] = relationship(back_populates="boxes")


@pytest.fixture(autouse=True, scope="module")
def nothing_is_left():
    """A refused load leaves a coroutine that nobody awaits, in a cycle."""
    yield
    gc.collect()


@pytest.fixture
def url(request, tmp_path):
    driver = getattr(request, "param", "aiosqlite")
    if driver == "aiosqlite":
        return f"sqlite+aiosqlite:///{tmp_path}/shop.db"
    plain = request.getfixturevalue("postgres")
    return plain.replace("postgresql:", f"postgresql+{driver}:")


def on_each_driver(test):
    return pytest.mark.parametrize("url", DRIVERS, indirect=True)(test)


@asynccontextmanager
async def opened(url, tables=Base, **options):
    engine = create_async_engine(url, **options)
    try:
        async with engine.begin() as connection:
            await connection.run_sync(tables.metadata.create_all)
        yield engine
    finally:
        await engine.dispose()


@pytest.fixture
async def engine(url):
    async with opened(url) as engine:
        yield engine


@pytest.fixture
def shop(client_for, monkeypatch, url):
    monkeypatch.setenv("DATABASE_URL", url)
    return lambda app=real.app, **options: client_for(app, **options)


@asynccontextmanager
async def statements(engine):
    seen = []

    def note(_connection, _cursor, statement, *_rest):
        seen.append(" ".join(statement.split()))

    event.listen(engine.sync_engine, "before_cursor_execute", note)
    try:
        yield seen
    finally:
        event.remove(engine.sync_engine, "before_cursor_execute", note)


def failure(error):
    """The name of the error behind an error."""
    return type(getattr(error, "orig", None) or error).__name__


def read(obj, name):
    try:
        value = getattr(obj, name)
    except Exception as error:
        return failure(error)
    return value


async def add_shelf(engine, name="top", boxes=2, **options):
    async with AsyncSession(engine) as session:
        shelf = Shelf(name=name, boxes=[Box() for _ in range(boxes)])
        session.add(shelf)
        await session.commit()


# How the small app behaves

LIBRARY = [
    {"name": "Ursula", "books": [{"title": "Lathe"}, {"title": "Omelas"}]},
    {"name": "Italo", "books": [{"title": "Cosmicomics"}]},
]


async def test_loaded_before_it_is_a_list_with_books(client):
    for path in ("/selectin", "/joined"):
        answer = await client.get(path)
        assert (answer.status_code, answer.json()) == (200, LIBRARY)


async def test_loaded_on_touch_it_is_a_500(client, shown):
    answer = await client.get("/lazy")
    assert (answer.status_code, answer.text) == (500, "Internal Server Error")
    async with main.new_session() as session:
        author = (await session.scalars(select(main.Author).limit(1))).one()
        with pytest.raises(StatementError) as caught:
            author.books  # noqa: B018
    first, *sql = str(caught.value).splitlines()
    reason, advice = first.split("; ")
    lines = [reason + ";", advice, *(line for line in sql if "param" not in line)]
    shown("lazy", "\n".join(line.rstrip() for line in lines))


async def test_selectinload_is_two_statements_and_joinedload_one(client):
    counted = {}
    for path in ("/lazy", "/selectin", "/joined"):
        await client.get("/sql")
        await client.get(path)
        counted[path] = len((await client.get("/sql")).json())
    assert counted == {"/lazy": 1, "/selectin": 2, "/joined": 1}


async def test_each_start_fills_a_new_database(client_for):
    for _ in range(2):
        async with client_for(main.app) as http:
            assert len((await http.get("/selectin")).json()) == 2


# How the app one would ship behaves


@on_each_driver
async def test_the_shop_runs_on_each_driver(shop, monkeypatch):
    async def at_once(title):
        return 10 * len(title)

    monkeypatch.setattr(real, "ask_publisher", at_once)
    ursula = {"name": "Ursula", "titles": ["Lathe"]}
    async with shop() as http:
        added = await http.post("/authors", json=ursula)
        twice = await http.post("/authors", json=ursula)
        renamed = await http.patch("/authors/1", json={"name": "Le Guin"})
        italo = (await http.post("/authors", json={"name": "Italo"})).json()["id"]
        taken = await http.patch(f"/authors/{italo}", json={"name": "Le Guin"})
        too_long = await http.post("/authors", json={"name": "x" * 81})
        nobody = await http.patch("/authors/9", json={"name": "Nobody"})
        priced = await http.post("/books/1/price")
        unknown = await http.post("/books/9/price")
        listed = await http.get("/authors")
        book = await http.get("/books/1")
        absent = await http.get("/books/9")
        overview = await http.get("/overview")
    assert added.status_code == 201
    assert added.json()["books"] == [{"id": 1, "title": "Lathe", "price": None}]
    assert twice.status_code == 409
    assert twice.json() == {"detail": "This author exists already"}
    assert (taken.status_code, taken.json()) == (409, twice.json())
    assert too_long.status_code == 422
    assert (renamed.status_code, renamed.json()["name"]) == (200, "Le Guin")
    assert nobody.json() == {"detail": "No such author"}
    assert (priced.status_code, priced.json()) == (200, {"price": 50})
    assert [each["name"] for each in listed.json()] == ["Italo", "Le Guin"]
    assert listed.json()[1]["books"][0]["price"] == 50
    assert book.json() == {
        "id": 1,
        "title": "Lathe",
        "price": 50,
        "author": {"name": "Le Guin"},
    }
    assert [each.status_code for each in (nobody, unknown, absent)] == [404] * 3
    assert overview.json() == {"authors": 2, "books": 1}


@asynccontextmanager
async def pool_log(engine, log):
    """Note when a connection is taken, when it comes back, and the most at once."""
    heard = {
        "checkout": lambda *_: log.append("connection taken"),
        "checkin": lambda *_: log.append("connection given back"),
        "commit": lambda *_: log.append("COMMIT"),
    }
    for name, listener in heard.items():
        event.listen(engine.sync_engine, name, listener)
    try:
        yield
    finally:
        for name, listener in heard.items():
            event.remove(engine.sync_engine, name, listener)


def most_at_once(log):
    now = most = 0
    for line in log:
        now += {"connection taken": 1, "connection given back": -1}.get(line, 0)
        most = max(most, now)
    return most


async def test_the_slow_call_holds_no_connection(shop, monkeypatch, url):
    log, engines = [], []

    def watched(url):
        engines.append(create_async_engine(url))
        return engines[0]

    async def slow(title):
        log.append("asking the publisher")
        return 7

    monkeypatch.setattr(real, "open_engine", watched)
    monkeypatch.setattr(real, "ask_publisher", slow)
    async with shop() as http:
        await http.post("/authors", json={"name": "Ursula", "titles": ["Lathe"]})
        async with pool_log(engines[0], log):
            assert (await http.post("/books/1/price")).json() == {"price": 7}
    assert log == [
        "connection taken",
        "connection given back",
        "asking the publisher",
        "connection taken",
        "COMMIT",
        "connection given back",
    ]


async def test_the_overview_takes_a_connection_for_each_task(shop, monkeypatch):
    log, engines = [], []

    def watched(url):
        engines.append(create_async_engine(url))
        return engines[0]

    monkeypatch.setattr(real, "open_engine", watched)
    async with shop() as http, pool_log(engines[0], log):
        await http.get("/overview")
    assert log.count("connection taken") == 2


# Engine, driver, pool


async def test_the_extra_brings_greenlet():
    wanted = [
        each for each in metadata.requires("sqlalchemy") if "greenlet" in each
    ]
    assert 'greenlet>=1; extra == "asyncio"' in wanted
    assert all("extra" in each for each in wanted)
    without = (
        "import sys; sys.modules['greenlet'] = None; import sqlalchemy.ext.asyncio"
    )
    done = subprocess.run(
        [sys.executable, "-c", without], capture_output=True, text=True
    )
    assert done.returncode == 1
    assert "ImportError: The SQLAlchemy asyncio module requires" in done.stderr
    assert "pip install sqlalchemy[asyncio]" in done.stderr


async def test_postgresql_without_a_driver_is_psycopg(postgres):
    assert postgres.startswith("postgresql://")
    engine = create_async_engine(postgres)
    async with engine.connect() as connection:
        assert await connection.scalar(text("select 1")) == 1
    await engine.dispose()
    assert engine.driver == "psycopg"


async def test_a_blocking_driver_or_pool_is_refused():
    with pytest.raises(InvalidRequestError, match="'pysqlite' is not async"):
        create_async_engine("sqlite://")
    with pytest.raises(ArgumentError, match="Pool class QueuePool cannot be used"):
        create_async_engine("sqlite+aiosqlite://", poolclass=QueuePool)


async def test_the_default_pool_is_five_and_ten_more(tmp_path):
    pool = create_async_engine("postgresql+asyncpg://").pool
    assert type(pool) is AsyncAdaptedQueuePool
    assert (pool.size(), pool._max_overflow, pool._timeout) == (5, 10, 30)
    file = create_async_engine(f"sqlite+aiosqlite:///{tmp_path}/a.db")
    assert type(file.pool) is AsyncAdaptedQueuePool
    assert type(create_async_engine("sqlite+aiosqlite://").pool) is StaticPool


async def test_the_sixteenth_connection_is_refused(url):
    async with opened(url, pool_timeout=0) as engine:
        before = threading.active_count()
        taken = [await engine.connect() for _ in range(15)]
        assert threading.active_count() - before == 14
        with pytest.raises(PoolTimeoutError, match="size 5 overflow 10 reached"):
            await engine.connect()
        for connection in taken:
            await connection.close()


async def test_pre_ping_asks_before_each_use(url):
    async with opened(url, pool_pre_ping=True) as engine:
        dialect, pings = engine.sync_engine.dialect, []
        ping = dialect.do_ping
        dialect.do_ping = lambda connection: pings.append(1) or ping(connection)
        for _ in range(3):
            async with engine.connect():
                pass
    assert len(pings) == 3


async def test_null_pool_connects_each_time(url):
    async def connects(**options):
        made = []
        async with opened(url, **options) as engine:
            event.listen(engine.sync_engine, "connect", lambda *_: made.append(1))
            for _ in range(3):
                async with engine.connect():
                    pass
        return len(made)

    assert await connects() == 0
    assert await connects(poolclass=NullPool) == 3


def test_what_may_talk_to_the_database_is_awaited():
    methods = "execute scalars scalar get flush commit rollback refresh delete"
    for name in [*methods.split(), "stream_scalars", "run_sync"]:
        assert iscoroutinefunction(getattr(AsyncSession, name))
    assert not iscoroutinefunction(AsyncSession.add)


async def test_a_streamed_result_is_read_with_await(engine):
    await fill(engine, 3)
    async with AsyncSession(engine) as session:
        stream = await session.stream_scalars(select(Shelf.id))
        assert [each async for each in stream] == [1, 2, 3]


async def test_python_of_the_orm_runs_on_the_loop(engine):
    await add_shelf(engine)
    threads = []

    def note(*_):
        threads.append(threading.current_thread())

    event.listen(Shelf, "load", note)
    try:
        async with AsyncSession(engine) as session:
            (await session.scalars(select(Shelf))).all()
    finally:
        event.remove(Shelf, "load", note)
    assert threads == [threading.current_thread()]


async def test_opening_takes_no_connection_and_a_statement_does(engine):
    log = []
    async with pool_log(engine, log), AsyncSession(engine) as session:
        assert log == []
        await session.scalar(select(func.count(Shelf.id)))
        assert log == ["connection taken"]
        await session.commit()
        assert log[-1] == "connection given back"
        await session.scalar(select(func.count(Shelf.id)))
    assert Counter(log) == {
        "connection taken": 2,
        "connection given back": 2,
        "COMMIT": 1,
    }


async def test_how_long_a_request_holds_its_connection(client_for, engine, shown):
    async def what_happens(scope):
        log = []

        async def get_session():
            async with AsyncSession(engine) as session:
                yield session

        async def task():
            log.append("background task")

        app = FastAPI()

        @app.get("/")
        async def route(
            session: Annotated[AsyncSession, Depends(get_session, scope=scope)],
            tasks: BackgroundTasks,
        ) -> int:
            tasks.add_task(task)
            return await session.scalar(select(func.count(Shelf.id)))

        async def watched(scope, receive, send):
            async def note(message):
                if message["type"] == "http.response.start":
                    log.append("response sent")
                await send(message)

            await app(scope, receive, note)

        async with client_for(watched) as http, pool_log(engine, log):
            assert (await http.get("/")).status_code == 200
        return log

    default, short = await what_happens("request"), await what_happens("function")
    lines = [f'{"the default":24}scope="function"']
    lines += [f"{a:24}{b}" for a, b in zip(default, short, strict=True)]
    shown("held", "\n".join(lines))
    assert default[-1] == "connection given back"
    assert short[:2] == ["connection taken", "connection given back"]


# Loading


async def fill(engine, parents):
    async with engine.begin() as connection:
        if parents:
            people = [{"name": "n"} for _ in range(parents)]
            await connection.execute(insert(Shelf), people)
            await connection.execute(
                insert(Box), [{"shelf_id": n + 1} for n in range(parents)] * 4
            )


async def load(engine, option=None, unique=False, by_hand=False):
    query = select(Shelf) if option is None else select(Shelf).options(option)
    async with statements(engine) as seen, AsyncSession(engine) as session:
        result = await session.scalars(query)
        shelves = (result.unique() if unique else result).all()
        for shelf in shelves:
            if by_hand:
                await shelf.awaitable_attrs.boxes
            try:
                assert len(shelf.boxes) == 4
            except StatementError:
                return "fails"
    return len(seen)


async def rows_sent(engine, option):
    async with engine.connect() as connection:
        query = select(Shelf) if option is None else select(Shelf).options(option)
        return len((await connection.execute(query)).all())


async def test_one_query_for_500_parents_also_here(tmp_path, shown):
    columns = {}
    for parents in (0, 3, 1201):
        async with opened(f"sqlite+aiosqlite:///{tmp_path}/{parents}.db") as engine:
            await fill(engine, parents)
            columns[parents] = [
                await load(engine, lazyload(Shelf.boxes)),
                await load(engine, by_hand=True),
                await load(engine, selectinload(Shelf.boxes)),
                await load(engine, selectinload(Shelf.boxes, chunksize=2000)),
                await load(engine, joinedload(Shelf.boxes), unique=True),
            ]
            if parents == 3:
                joined = await rows_sent(engine, joinedload(Shelf.boxes))
    names = [
        "lazy",
        "awaitable_attrs",
        "selectinload",
        "… chunksize=2000",
        "joinedload",
    ]
    lines = [f"{'authors':18}" + "".join(f"{each:>7}" for each in columns)]
    for row, name in enumerate(names):
        cells = "".join(f"{columns[each][row]:>7}" for each in columns)
        lines.append(f"{name:18}{cells}")
    shown("statements", "\n".join(lines))
    assert columns[1201] == ["fails", 1202, 4, 2, 1]
    assert columns[0] == [1, 1, 1, 1, 1]
    assert joined == 12


async def test_run_sync_lends_a_greenlet(engine):
    await add_shelf(engine)

    def count_boxes(session):
        return [len(shelf.boxes) for shelf in session.scalars(select(Shelf))]

    async with AsyncSession(engine) as session:
        assert await session.run_sync(count_boxes) == [2]
        with pytest.raises(StatementError):
            count_boxes(session.sync_session)


async def test_lazy_raise_names_the_relationship(shop):
    forgetful = FastAPI(lifespan=real.lifespan)

    @forgetful.post("/", response_model=real.AuthorOut)
    async def add(session: real.SessionDep):
        session.add(author := real.Author(name="Ursula"))
        await session.flush()
        return author

    async with shop(forgetful, raise_app_exceptions=True) as http:
        with pytest.raises(Exception, match="get_attribute_error") as caught:
            await http.post("/")
    assert "'Author.books' is not available due to lazy='raise'" in str(
        caught.value
    )


async def test_what_is_there_after_a_commit(url, shown):
    async def as_is(shelf, session):
        return None

    async def refreshed(shelf, session):
        await session.refresh(shelf)

    async def refreshed_with_boxes(shelf, session):
        await session.refresh(shelf, ["name", "boxes"])

    async def awaited(shelf, session):
        await shelf.awaitable_attrs.name
        await shelf.awaitable_attrs.boxes

    cases = {
        "nothing": (as_is, {}),
        "expire_on_commit=False": (as_is, {"expire_on_commit": False}),
        "refresh(author)": (refreshed, {}),
        'refresh(…, ["name", "books"])': (refreshed_with_boxes, {}),
        "await awaitable_attrs": (awaited, {}),
    }
    found = {}
    async with opened(url) as engine:
        await add_shelf(engine)
        for name, (step, options) in cases.items():
            async with AsyncSession(engine, **options) as session:
                shelf = (await session.scalars(select(Shelf))).one()
                await session.commit()
                async with statements(engine) as seen:
                    await step(shelf, session)
                reads = [read(shelf, each) for each in ("name", "boxes")]
                found[name] = [
                    *(
                        "fails" if it == "MissingGreenlet" else "works"
                        for it in reads
                    ),
                    str(len(seen)),
                ]
    heads = ["author.name", "author.books", "statements"]
    lines = [f"{'after the commit':31}" + "".join(f"{each:14}" for each in heads)]
    for name, cells in found.items():
        lines.append(f"{name:31}" + "".join(f"{each:14}" for each in cells))
    shown("after-commit", "\n".join(line.rstrip() for line in lines))
    assert [each[:2] for each in found.values()] == [
        ["fails", "fails"],
        ["works", "fails"],
        ["works", "fails"],
        ["works", "works"],
        ["works", "works"],
    ]


async def test_without_expiry_old_values_stay(engine):
    await add_shelf(engine, name="old")

    async def seen_after_a_change(expire):
        async with AsyncSession(engine, expire_on_commit=expire) as session:
            shelf = (await session.scalars(select(Shelf))).one()
            await session.commit()
            async with AsyncSession(engine) as other:
                (await other.get(Shelf, 1)).name = f"changed {expire}"
                await other.commit()
            return await shelf.awaitable_attrs.name

    assert await seen_after_a_change(True) == "changed True"
    assert await seen_after_a_change(False) == "changed True"


@on_each_driver
async def test_the_error_may_come_wrapped(url):
    async with opened(url) as engine:
        await add_shelf(engine)
        async with AsyncSession(engine) as session:
            shelf = (await session.scalars(select(Shelf))).one()
            try:
                shelf.boxes  # noqa: B018
            except Exception as error:
                caught, behind = type(error), failure(error)
    wrapped = engine.driver != "asyncpg"
    assert caught is (StatementError if wrapped else MissingGreenlet)
    assert behind == "MissingGreenlet"


# Gotchas


async def status(client_for, path, app):
    async with client_for(app) as http:
        return (await http.get(path)).status_code


def shelves(engine, route, **options):
    """An app that answers with the shelf its route returns."""

    class BoxOut(BaseModel):
        id: int

    class ShelfOut(BaseModel):
        boxes: list[BoxOut]

    class NameOut(BaseModel):
        name: str
        updated_at: datetime

    app = FastAPI()

    async def get_session():
        async with AsyncSession(engine, **options) as session:
            yield session

    @app.get("/boxes", response_model=ShelfOut)
    @app.get("/name", response_model=NameOut)
    async def endpoint(session: Annotated[AsyncSession, Depends(get_session)]):
        return await route(session)

    return app


async def test_lazy_load_needs_an_await(client_for, engine):
    await add_shelf(engine)

    async def probe(*loading):
        async def route(session):
            return (await session.scalars(select(Shelf).options(*loading))).one()

        return await status(client_for, "/boxes", shelves(engine, route))

    assert await probe() == 500
    assert await probe(selectinload(Shelf.boxes)) == 200


async def test_expired_after_commit(client_for, engine):
    async def probe(refresh=False, **options):
        async def route(session):
            session.add(shelf := Shelf(name="top"))
            await session.commit()
            if refresh:
                await session.refresh(shelf)
            return shelf

        return await status(client_for, "/name", shelves(engine, route, **options))

    assert await probe() == 500
    assert await probe(expire_on_commit=False) == 200
    assert await probe(refresh=True) == 200


async def test_new_object_has_no_books(client_for, engine):
    async def probe(**values):
        async def route(session):
            session.add(shelf := Shelf(name="top", **values))
            await session.commit()
            return shelf

        app = shelves(engine, route, expire_on_commit=False)
        return await status(client_for, "/boxes", app)

    assert await probe() == 500
    assert await probe(boxes=[]) == 200


async def test_append_loads_the_collection_first(engine):
    await add_shelf(engine, boxes=1)

    async def boxes_after(add):
        async with AsyncSession(engine) as session:
            shelf = (await session.scalars(select(Shelf))).one()
            try:
                add(shelf, session)
            except StatementError as error:
                return failure(error)
            await session.commit()
            return await session.scalar(select(func.count(Box.id)))

    assert (
        await boxes_after(lambda it, _: it.boxes.append(Box())) == "MissingGreenlet"
    )
    assert await boxes_after(lambda it, to: to.add(Box(shelf=it))) == 2


def dated(**mapper_args):
    class Fresh(DeclarativeBase):
        __mapper_args__ = mapper_args

    class Note(Fresh):
        __tablename__ = "notes"
        id: Mapped[int] = mapped_column(primary_key=True)
        name: Mapped[str]
        updated_at: Mapped[datetime] = mapped_column(
            server_default=func.now(), onupdate=func.now()
        )

    return Note


async def test_updated_at_is_fetched_later(client_for, url):
    async def probe(**mapper_args):
        table = dated(**mapper_args)

        async def route(session):
            note = (await session.scalars(select(table))).one()
            note.name = "renamed"
            await session.commit()
            return note

        async with opened(url, tables=table) as engine:
            async with AsyncSession(engine) as session, session.begin():
                await session.execute(delete(table))
                session.add(table(name="first"))
            app = shelves(engine, route, expire_on_commit=False)
            async with statements(engine) as seen:
                answer = await status(client_for, "/name", app)
            update = next(each for each in seen if each.startswith("UPDATE"))
            return answer, "RETURNING" in update

    assert await probe() == (500, False)
    assert await probe(eager_defaults=True) == (200, True)


async def in_tasks(engine, *, own, warm):
    """What two queries at once answer, in one session or each in its own."""
    if not warm:
        await engine.dispose()

    async def ask(session, number):
        return await session.scalar(text(f"select {number}"))

    async def ask_alone(number):
        async with AsyncSession(engine) as session:
            return await ask(session, number)

    async with AsyncSession(engine) as shared:
        tasks = [ask_alone(n) if own else ask(shared, n) for n in (1, 2)]
        answers = await asyncio.gather(*tasks, return_exceptions=True)
    return [getattr(each, "args", [each])[0] for each in answers]


@on_each_driver
async def test_one_session_in_two_tasks(url):
    async with opened(url) as engine:
        shared = await in_tasks(engine, own=False, warm=False)
        alone = await in_tasks(engine, own=True, warm=False)
    assert shared[0] == 1
    assert "This session is provisioning a new connection" in shared[1]
    assert alone == [1, 2]


@on_each_driver
async def test_one_session_seems_to_work_on_a_warm_pool(url):
    log = []
    async with opened(url) as engine, pool_log(engine, log):
        assert await in_tasks(engine, own=False, warm=True) == [1, 2]
    assert log == ["connection taken", "connection given back"]
    async with opened(url, pool_pre_ping=True) as engine:
        first, second = await in_tasks(engine, own=False, warm=True)
    assert first == 1
    assert "This session is provisioning a new connection" in second


async def test_a_rollback_in_one_task_undoes_the_other(engine):
    async def stored(own):
        added = asyncio.Event()

        async def good(session):
            session.add(Shelf(name="good"))
            await session.flush()
            added.set()
            await refused.wait()
            await session.commit()

        async def bad(session):
            await added.wait()
            await session.rollback()
            refused.set()

        refused = asyncio.Event()
        async with AsyncSession(engine) as one, AsyncSession(engine) as two:
            await asyncio.gather(good(one), bad(two if own else one))
        async with AsyncSession(engine) as session:
            return await session.scalar(select(func.count(Shelf.id)))

    assert await stored(own=False) == 0
    assert await stored(own=True) == 1


async def test_waiting_keeps_the_connection(client_for, url):
    async def probe(let_go):
        waiting, answered = asyncio.Event(), asyncio.Event()
        app = FastAPI()

        @app.get("/slow")
        async def slow() -> int:
            async with AsyncSession(engine) as session:
                found = await session.scalar(select(func.count(Shelf.id)))
                if let_go:
                    await session.commit()
                waiting.set()
                await answered.wait()
                return found

        @app.get("/quick")
        async def quick() -> int:
            async with AsyncSession(engine) as session:
                return await session.scalar(select(func.count(Shelf.id)))

        one = {"pool_size": 1, "max_overflow": 0, "pool_timeout": 0}
        async with opened(url, **one) as engine, client_for(app) as http:
            first = asyncio.create_task(http.get("/slow"))
            await waiting.wait()
            second = await http.get("/quick")
            answered.set()
            return (await first).status_code, second.status_code

    assert await probe(let_go=False) == (200, 500)
    assert await probe(let_go=True) == (200, 200)
