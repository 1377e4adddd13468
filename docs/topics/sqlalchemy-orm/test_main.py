import re
import threading
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from typing import Annotated

import main
import pytest
import real
from count_sql import statements
from fastapi import Depends, FastAPI, HTTPException
from pydantic import ValidationError
from sqlalchemy import (
    DateTime,
    ForeignKey,
    QueuePool,
    SingletonThreadPool,
    StaticPool,
    String,
    create_engine,
    event,
    func,
    insert,
    inspect,
    select,
    text,
)
from sqlalchemy.exc import (
    AmbiguousColumnError,
    DBAPIError,
    IntegrityError,
    InvalidRequestError,
    OperationalError,
    PendingRollbackError,
)
from sqlalchemy.exc import TimeoutError as PoolTimeoutError
from sqlalchemy.orm import (
    DeclarativeBase,
    Mapped,
    MappedAsDataclass,
    Session,
    joinedload,
    lazyload,
    mapped_column,
    relationship,
    selectinload,
)

URSULA = {
    "name": "Ursula",
    "born": 1929,
    "books": [{"title": "Lathe"}, {"title": "Omelas"}],
}
LATHE = {"name": "Ursula", "books": [{"title": "Lathe", "stock": 2}]}
BIG = ["sqlite", "postgres"]
ENDS = ("begin", "commit", "rollback")


@pytest.fixture(autouse=True)
def empty_tables():
    main.Base.metadata.drop_all(main.engine)
    main.Base.metadata.create_all(main.engine)
    main.sent.clear()


@pytest.fixture
def url(request, tmp_path):
    if getattr(request, "param", "sqlite") == "postgres":
        return request.getfixturevalue("postgres")
    return f"sqlite:///{tmp_path}/shop.db"


@pytest.fixture
def engine(url):
    engine = real.open_engine(url)
    real.Base.metadata.create_all(engine)
    yield engine
    engine.dispose()


@pytest.fixture
def shop(client_for, monkeypatch, url):
    monkeypatch.setenv("DATABASE_URL", url)
    return lambda **options: client_for(real.app, **options)


def on_both(test):
    return pytest.mark.parametrize("url", BIG, indirect=True)(test)


def fill(engine, authors, books=2):
    with Session(engine) as session:
        first = (session.scalar(select(func.max(real.Author.id))) or 0) + 1
        ids = range(first, first + authors)
        if authors:
            people = [{"id": each, "name": f"author {each:04}"} for each in ids]
            session.execute(insert(real.Author), people)
            session.execute(
                insert(real.Book),
                [
                    {"title": f"book {b}", "stock": 1, "author_id": each}
                    for each in ids
                    for b in range(books)
                ],
            )
        session.commit()


# How the small app behaves


async def test_an_author_is_stored_with_the_books(client):
    added = await client.post("/authors", json=URSULA)
    assert added.status_code == 201
    expected = URSULA | {"id": 1}
    assert added.json() == expected
    listed = await client.get("/authors")
    assert (listed.status_code, listed.json()) == (200, [expected])


async def test_a_wrong_body_sends_no_sql(client):
    answer = await client.post("/authors", json={"name": "Ursula"})
    assert answer.status_code == 422
    assert (await client.get("/sql")).json() == []


def short(statement):
    table = re.search(r"(?:FROM|INTO|UPDATE) (\w+)", statement)[1]
    return f"{statement.split()[0]} {table}"


@asynccontextmanager
async def listening(engine, log):
    heard = {name: lambda *_, it=name.upper(): log.append(it) for name in ENDS}
    heard["checkout"] = lambda *_: log.append("connection taken")
    heard["checkin"] = lambda *_: log.append("connection given back")
    heard["before_cursor_execute"] = lambda *given: log.append(short(given[2]))
    for name, listener in heard.items():
        event.listen(engine, name, listener)
    try:
        yield
    finally:
        for name, listener in heard.items():
            event.remove(engine, name, listener)


async def test_what_one_request_does_and_when(client_for):
    log = []
    app = FastAPI()

    @app.post("/authors", response_model=main.AuthorOut)
    def add(data: main.AuthorIn, session: main.SessionDep) -> main.Author:
        log.append("-- route")
        author = main.add_author(data, session)
        log.append("-- route returned")
        return author

    async def watched(scope, receive, send):
        async def note(message):
            if message["type"] == "http.response.start":
                log.append("-- response sent")
            await send(message)

        await app(scope, receive, note)

    async with listening(main.engine, log), client_for(watched) as http:
        answer = await http.post("/authors", json=URSULA | {"books": []})
    assert answer.status_code == 200
    assert log == [
        "-- route",
        "connection taken",
        "BEGIN",
        "INSERT authors",
        "COMMIT",
        "connection given back",
        "-- route returned",
        "connection taken",
        "BEGIN",
        "SELECT authors",
        "SELECT books",
        "-- response sent",
        "ROLLBACK",
        "connection given back",
    ]


# How the shop one would ship behaves


@on_both
async def test_the_shop_runs_on_both_databases(shop):
    async with shop() as http:
        added = await http.post("/authors", json=LATHE)
        twice = await http.post("/authors", json=LATHE)
        listed = await http.get("/authors")
        book = await http.get("/books/1")
        absent = await http.get("/books/9")
    author = {
        "id": 1,
        "name": "Ursula",
        "books": [{"id": 1, "title": "Lathe", "stock": 2}],
    }
    assert (added.status_code, added.json()) == (201, author)
    assert twice.status_code == 409
    assert twice.json() == {"detail": "This author exists already"}
    assert (listed.status_code, listed.json()) == (200, [author])
    assert book.json() == author["books"][0] | {"author": {"name": "Ursula"}}
    assert (absent.status_code, absent.json()) == (404, {"detail": "No such book"})


@on_both
async def test_only_what_is_in_stock_is_sold(shop, engine):
    async with shop() as http:
        await http.post("/authors", json=LATHE)
        answers = [
            await http.post("/books/1/sales", json={"copies": n}) for n in (2, 1)
        ]
    assert [each.status_code for each in answers] == [201, 409]
    assert answers[0].json() == {"left": 0}
    assert answers[1].json() == {"detail": "Not that many copies left"}
    with Session(engine) as session:
        assert session.scalar(select(func.sum(real.Sale.copies))) == 2


@on_both
async def test_if_the_second_step_fails_the_first_is_undone(shop, engine):
    def broken(*_):
        raise RuntimeError("power cut")

    event.listen(real.Sale, "before_insert", broken)
    try:
        async with shop() as http:
            await http.post("/authors", json=LATHE)
            answer = await http.post("/books/1/sales", json={"copies": 1})
            book = await http.get("/books/1")
    finally:
        event.remove(real.Sale, "before_insert", broken)
    assert answer.status_code == 500
    assert book.json()["stock"] == 2


async def test_the_commit_comes_before_the_response(
    client_for, shop, engine, shown
):
    log = []

    @asynccontextmanager
    async def lifespan(_app):
        yield {"transaction": real.sessionmaker(engine).begin}

    app = FastAPI(lifespan=lifespan)

    @app.post("/books/{book_id}/sales")
    def sell(
        book_id: int, sale: real.SaleIn, session: real.SessionDep
    ) -> dict[str, int]:
        return real.sell(book_id, sale, session)

    async def watched(scope, receive, send):
        async def note(message):
            if message["type"] == "http.response.start":
                log.append("-- response sent")
            await send(message)

        await app(scope, receive, note)

    fill(engine, 1)
    async with client_for(watched) as http, listening(engine, log):
        for _ in range(2):
            answer = await http.post("/books/1/sales", json={"copies": 1})
            log.append(f"-- {answer.status_code}")
    shown("sale", "\n".join(log))
    assert log.index("COMMIT") < log.index("-- response sent")


async def test_the_list_stays_at_two_statements(shop, engine):
    def queries():
        with statements(engine) as seen, Session(engine) as session:
            found = real.list_authors(session)
            [real.AuthorOut.model_validate(a, from_attributes=True) for a in found]
        return len(seen)

    fill(engine, 3)
    few = queries()
    fill(engine, 40)
    assert (few, queries()) == (2, 2)


# Loading


def loaded(engine, option, unique=False):
    with statements(engine) as seen, Session(engine) as session:
        result = session.scalars(select(real.Author).options(option))
        authors = result.unique().all() if unique else result.all()
        assert all(len(author.books) == 2 for author in authors)
    return len(seen)


def test_selectinload_sends_one_query_for_500_parents(tmp_path, shown):
    columns = {}
    for parents in (0, 3, 500, 501, 1201):
        engine = real.open_engine(f"sqlite:///{tmp_path}/{parents}.db")
        real.Base.metadata.create_all(engine)
        fill(engine, parents)
        columns[parents] = [
            loaded(engine, lazyload(real.Author.books)),
            loaded(engine, selectinload(real.Author.books)),
            loaded(engine, selectinload(real.Author.books, chunksize=2000)),
            loaded(engine, joinedload(real.Author.books), unique=True),
        ]
        engine.dispose()
    names = ["lazy, the default", "selectinload", "… chunksize=2000", "joinedload"]
    lines = [f"{'authors':18}" + "".join(f"{each:>6}" for each in columns)]
    for row, name in enumerate(names):
        cells = "".join(f"{columns[each][row]:>6}" for each in columns)
        lines.append(f"{name:18}{cells}")
    shown("statements", "\n".join(lines))
    assert columns[1201] == [1202, 4, 2, 1]
    assert columns[500][1:3] == [2, 2]
    assert columns[501][1:3] == [3, 2]
    assert columns[0] == [1, 1, 1, 1]


def test_a_joined_collection_wants_unique_and_repeats_the_parent(engine):
    fill(engine, 3, books=4)
    query = select(real.Author).options(joinedload(real.Author.books))
    with Session(engine) as session:
        with pytest.raises(InvalidRequestError, match=r"unique\(\) method must be"):
            session.scalars(query).all()
        rows = session.execute(select(func.count()).select_from(query.subquery()))
        assert len(session.scalars(query).unique().all()) == 3
        assert rows.scalar() == 3
    with engine.connect() as connection:
        assert len(connection.execute(query).all()) == 12


def test_a_limit_counts_parents_unless_the_join_is_mine(engine):
    def probe(query):
        with Session(engine) as session:
            found = session.scalars(query.order_by(real.Author.id).limit(2))
            return [author.id for author in found.unique()]

    fill(engine, 3, books=4)
    authors = select(real.Author)
    assert probe(authors.options(selectinload(real.Author.books))) == [1, 2]
    assert probe(authors.options(joinedload(real.Author.books))) == [1, 2]
    assert probe(authors.join(real.Author.books)) == [1]


async def test_lazy_raise_turns_a_forgotten_load_into_an_error(client_for, engine):
    fill(engine, 1)
    app = FastAPI()

    @app.get("/authors", response_model=list[real.AuthorOut])
    def forgetful():
        with Session(engine) as session:
            return session.scalars(select(real.Author)).all()

    error = await failure(client_for, app, "/authors")
    assert "'Author.books' is not available due to lazy='raise'" in error


async def failure(client_for, app, path):
    """The error a request ends in, or its status."""
    async with client_for(app, raise_app_exceptions=True) as http:
        try:
            return (await http.get(path)).status_code
        except Exception as error:
            return f"{type(error).__name__}: {error}"


async def test_where_a_lazy_load_runs(client_for):
    threads = []

    def note(*_):
        threads.append(threading.current_thread())

    with Session(main.engine) as session:
        session.add(main.Author(name="Ursula"))
        session.commit()
    query = select(main.Author)
    app = FastAPI()

    @app.get("/def", response_model=list[main.AuthorOut])
    def plain(session: main.SessionDep):
        return session.scalars(query).all()

    @app.get("/async", response_model=list[main.AuthorOut])
    async def on_the_loop(session: main.SessionDep):
        return session.scalars(query).all()

    event.listen(main.engine, "before_cursor_execute", note)
    try:
        async with client_for(app) as http:
            for path in ("/def", "/async"):
                assert (await http.get(path)).status_code == 200
    finally:
        event.remove(main.engine, "before_cursor_execute", note)
    here = threading.current_thread()
    assert [thread is here for thread in threads] == [False, False, True, True]


# Transactions


def test_a_row_is_one_object_in_a_session(engine):
    fill(engine, 1)
    with Session(engine) as session, Session(engine) as other:
        found = session.scalars(select(real.Author)).one()
        assert session.get(real.Author, 1) is found
        assert other.get(real.Author, 1) is not found


def test_flush_sends_and_commit_keeps(engine):
    with Session(engine) as writer, Session(engine) as reader:
        author = real.Author(name="Ursula")
        writer.add(author)
        assert author.id is None
        writer.flush()
        assert author.id == 1
        assert reader.scalar(select(func.count(real.Author.id))) == 0
        writer.commit()
        assert reader.scalar(select(func.count(real.Author.id))) == 1


def test_a_commit_expires_unless_told_otherwise(engine):
    def probe(**options):
        with Session(engine, **options) as session:
            author = real.Author(name=f"Ursula {options}")
            session.add(author)
            session.commit()
            with statements(engine) as seen:
                assert author.name
            return len(seen)

    assert probe() == 1
    assert probe(expire_on_commit=False) == 0


@pytest.mark.parametrize("url", ["postgres"], indirect=True)
def test_a_savepoint_survives_a_duplicate(engine):
    def add(session, name):
        session.add(real.Author(name=name))
        session.flush()

    with Session(engine) as session:
        add(session, "Ursula")
        with pytest.raises(IntegrityError), session.begin_nested():
            add(session, "Ursula")
        add(session, "Italo")
        session.commit()
        assert session.scalar(select(func.count(real.Author.id))) == 2


def test_an_open_lock_is_seen_on_postgresql_and_absent_from_sqlite(
    postgres, tmp_path
):
    def probe(url):
        engine = real.open_engine(url)
        real.Base.metadata.create_all(engine)
        fill(engine, 1)
        query = select(real.Book).where(real.Book.id == 1)
        with Session(engine) as first, Session(engine) as second:
            with statements(engine) as seen:
                first.scalars(query.with_for_update()).one()
            try:
                second.scalars(query.with_for_update(nowait=True)).one()
                return "FOR UPDATE" in seen[0], "both"
            except OperationalError as error:
                return "FOR UPDATE" in seen[0], type(error.orig).__name__
            finally:
                first.rollback()
                second.rollback()
                engine.dispose()

    assert probe(f"sqlite:///{tmp_path}/lock.db") == (False, "both")
    assert probe(postgres) == (True, "LockNotAvailable")


class Stricter(DeclarativeBase):
    pass


class Visit(Stricter):
    __tablename__ = "visits"
    id: Mapped[int] = mapped_column(primary_key=True)
    name: Mapped[str] = mapped_column(String(8), unique=True)
    at: Mapped[datetime] = mapped_column(DateTime(timezone=True))


NOON = datetime(2026, 12, 24, 12, tzinfo=UTC)


def too_long(session, _other):
    session.add(Visit(name="a long name", at=NOON))
    session.flush()
    return "stored"


def with_a_zone(session, _other):
    session.add(Visit(name="Ada", at=NOON))
    session.flush()
    session.expire_all()
    at = session.scalar(select(Visit.at))
    return "without its zone" if at.tzinfo is None else "with its zone"


def after_an_error(session, _other):
    insert = "insert into visits (name, at) values ('Ada', '2026-12-24 12:00:00')"
    session.execute(text(insert))
    with pytest.raises(IntegrityError):
        session.execute(text(insert))
    return f"{session.scalar(text('select count(*) from visits'))} row"


def absent_parent(session, _other):
    session.add(real.Book(title="Lathe", author_id=999))
    session.flush()
    return "stored"


def locked(session, other):
    session.add(real.Author(name="Ada"))
    session.commit()
    query = select(real.Author).with_for_update(nowait=True)
    for each in (session, other):
        each.scalars(query).one()
    return "both may write"


STEPS = {
    "a missing parent, no PRAGMA": absent_parent,
    "11 letters in String(8)": too_long,
    "DateTime(timezone=True)": with_a_zone,
    "a query after an IntegrityError": after_an_error,
    "two times with_for_update()": locked,
}


def test_what_sqlite_does_not_tell_you(tmp_path, postgres, shown):
    def probe(url, step):
        engine = create_engine(url)
        for base in (Stricter, real.Base):
            base.metadata.create_all(engine)
        with Session(engine) as session, Session(engine) as other:
            try:
                return step(session, other)
            except DBAPIError as error:
                return type(error.orig).__name__
            finally:
                session.rollback()
                other.rollback()
                engine.dispose()

    lines = [f"{'':33}{'SQLite':18}PostgreSQL"]
    for name, step in STEPS.items():
        sqlite = probe(f"sqlite:///{tmp_path}/a.db", step)
        lines.append(f"{name:33}{sqlite:18}{probe(postgres, step)}")
    shown("dialects", "\n".join(lines))
    assert [line.split()[-1] for line in lines[1:]] == [
        "ForeignKeyViolation",
        "StringDataRightTruncation",
        "zone",
        "InFailedSqlTransaction",
        "LockNotAvailable",
    ]


# SQLModel, engines and what is new


async def test_sqlmodel_answers_and_asks_the_same(client, client_for):
    import with_sqlmodel

    async def probe(http, engine):
        with statements(engine) as seen:
            await http.post("/authors", json=URSULA)
            added = await http.post("/authors", json=URSULA)
            listed = await http.get("/authors")
        verbs = [each.split()[0] for each in seen]
        return added.status_code, added.json(), listed.json(), verbs

    async with client_for(with_sqlmodel.app) as other:
        twin = await probe(other, with_sqlmodel.engine)
        refused = await other.post("/authors", json={"name": "U", "books": []})
    assert twin == await probe(client, main.engine)
    assert refused.status_code == 422
    assert issubclass(with_sqlmodel.Session, Session)


def test_postgresql_means_psycopg_3(postgres):
    engine = create_engine(postgres)
    assert (engine.dialect.driver, engine.url.drivername) == (
        "psycopg",
        "postgresql",
    )
    with engine.connect() as connection:
        assert "PostgreSQL" in connection.scalar(text("select version()"))
    engine.dispose()
    with pytest.raises(ModuleNotFoundError, match="psycopg2"):
        create_engine("postgresql+psycopg2://localhost/shop")


def test_pools_and_threads_of_sqlite(tmp_path):
    memory = create_engine("sqlite://")
    file = create_engine(f"sqlite:///{tmp_path}/shop.db")
    assert isinstance(memory.pool, SingletonThreadPool)
    assert isinstance(file.pool, QueuePool)

    def same_thread(engine):
        return engine.dialect.create_connect_args(engine.url)[1][
            "check_same_thread"
        ]

    assert (same_thread(memory), same_thread(file)) == (True, False)


def test_every_statement_flushes_first_also_text(engine):
    def probe(**options):
        with Session(engine, **options) as session:
            session.add(real.Author(name="Ursula"))
            return [
                session.scalar(text("select count(*) from authors")),
                session.scalar(select(func.count(real.Author.id))),
            ]

    assert probe() == [1, 1]
    assert probe(autoflush=False) == [0, 0]


def test_filter_by_refuses_a_name_that_two_tables_have():
    query = select(real.Author).join(real.Book)
    with pytest.raises(AmbiguousColumnError, match='"id" is ambiguous'):
        query.filter_by(id=1)
    assert "authors.id = " in str(query.where(real.Author.id == 1))
    assert not hasattr(query, "c")


def test_mapped_dataclasses_keep_defaults_out_of_the_way():
    class Base(MappedAsDataclass, DeclarativeBase):
        pass

    class Shelf(Base):
        __tablename__ = "shelves"
        id: Mapped[int] = mapped_column(primary_key=True, init=False)
        room: Mapped[str] = mapped_column(default="cellar")

    class Box(Base):
        __tablename__ = "boxes"
        id: Mapped[int] = mapped_column(primary_key=True, init=False)
        shelf_id: Mapped[int | None] = mapped_column(
            ForeignKey("shelves.id"), default=None
        )
        shelf: Mapped[Shelf | None] = relationship(default=None)

    engine = create_engine("sqlite://")
    Base.metadata.create_all(engine)
    with Session(engine) as session:
        shelf = Shelf()
        assert (shelf.room, "room" in vars(shelf)) == ("cellar", False)
        session.add(shelf)
        session.flush()
        assert vars(shelf)["room"] == "cellar"
        box = Box(shelf_id=shelf.id)
        session.add(box)
        session.flush()
        assert box.shelf_id == shelf.id


@on_both
def test_a_foreign_key_gets_no_index_by_itself(url):
    engine = create_engine(url)
    main.Base.metadata.create_all(engine)
    assert inspect(engine).get_indexes("books") == []
    engine.dispose()


# One proof per gotcha


def app_on(engine, endpoint, method="GET", model=list[real.AuthorOut]):
    """An app with one route, which gets a session of its own."""
    app = FastAPI()

    def get_session():
        with Session(engine) as session:
            yield session

    def route(session: Annotated[Session, Depends(get_session)]):
        return endpoint(session)

    app.add_api_route("/authors", route, methods=[method], response_model=model)
    return app


async def test_one_more_query_for_each_row(client_for, engine):
    def trap(session):
        return session.scalars(select(real.Author).options(lazyload("*"))).all()

    async def probe(endpoint):
        async with client_for(app_on(engine, endpoint)) as http:
            with statements(engine) as seen:
                answer = await http.get("/authors")
        assert len(answer.json()) == 7
        return len(seen)

    fill(engine, 7)
    assert await probe(trap) == 1 + 7
    assert await probe(real.list_authors) == 2


async def test_session_closed_before_the_answer(client_for):
    engine = main.engine
    with Session(engine) as session:
        session.add(main.Author(name="Ursula"))
        session.commit()
    query = select(main.Author).where(main.Author.id == 1)

    def closed_early(_session):
        with Session(engine) as own:
            return own.scalars(query).one()

    def committed_and_closed(_session):
        with Session(engine) as own:
            author = own.scalars(query).one()
            own.commit()
            return author

    def loaded_first(_session):
        with Session(engine) as own:
            eager = query.options(selectinload(main.Author.books))
            return own.scalars(eager).one()

    def of_the_request(session):
        return session.scalars(query).one()

    async def probe(endpoint):
        app = app_on(engine, endpoint, model=main.AuthorOut)
        return await failure(client_for, app, "/authors")

    trap = await probe(closed_early)
    assert trap.startswith("ResponseValidationError")
    assert "lazy load operation of attribute 'books' cannot proceed" in trap
    assert "attribute refresh operation cannot" in await probe(committed_and_closed)
    assert await probe(loaded_first) == 200
    assert await probe(of_the_request) == 200


async def test_one_session_for_everybody(client_for, engine):
    everybody = Session(engine)

    def shared():
        return everybody

    def of_the_request():
        with Session(engine) as session:
            yield session

    async def probe(get_session, name):
        app = FastAPI()

        @app.post("/authors", status_code=201)
        def add(session: Annotated[Session, Depends(get_session)]) -> None:
            session.add(real.Author(name=name))
            try:
                session.commit()
            except IntegrityError:
                raise HTTPException(409) from None

        @app.get("/authors")
        def count(session: Annotated[Session, Depends(get_session)]) -> int:
            return session.scalar(select(func.count(real.Author.id)))

        async with client_for(app) as http:
            two = [(await http.post("/authors")).status_code for _ in range(2)]
        return [*two, await failure(client_for, app, "/authors")]

    trap = await probe(shared, "Ursula")
    assert trap[:2] == [201, 409]
    assert trap[2].startswith(PendingRollbackError.__name__)
    everybody.close()
    assert await probe(of_the_request, "Italo") == [201, 409, 200]


@on_both
def test_last_copy_sold_twice(engine):
    def trap(session, book):
        if book.stock < 1:
            raise HTTPException(409)
        book.stock -= 1
        session.add(real.Sale(book_id=book.id, copies=1))

    def fix(session, book):
        real.sell(book.id, real.SaleIn(copies=1), session)

    def probe(sell):
        with Session(engine) as session:
            author = real.Author(name=sell.__name__)
            book = real.Book(title="Lathe", stock=1, author=author)
            session.add(book)
            session.commit()
            book_id = book.id
        sold = 0
        with Session(engine) as one, Session(engine) as other:
            looked = [(each, each.get(real.Book, book_id)) for each in (one, other)]
            for session, book in looked:
                try:
                    sell(session, book)
                    session.commit()
                    sold += 1
                except HTTPException:
                    session.rollback()
        with Session(engine) as session:
            return sold, session.get(real.Book, book_id).stock

    assert probe(trap) == (2, 0)
    assert probe(fix) == (1, 0)


def test_static_pool_shares_the_transaction():
    def probe(pool, **options):
        engine = create_engine(
            "sqlite://",
            poolclass=pool,
            connect_args={"check_same_thread": False},
            **options,
        )
        real.Base.metadata.create_all(engine)
        with Session(engine) as writer:
            writer.add(real.Author(name="Ursula"))
            writer.flush()
            try:
                with Session(engine) as reader:
                    reader.scalar(select(1))
                other = "goes ahead"
            except PoolTimeoutError:
                other = "has to wait"
            writer.commit()
        with Session(engine) as session:
            return other, session.scalar(select(func.count(real.Author.id)))

    one = {"pool_size": 1, "max_overflow": 0, "pool_timeout": 0}
    assert probe(StaticPool) == ("goes ahead", 0)
    assert probe(QueuePool, **one) == ("has to wait", 1)


def test_sqlite_ignores_foreign_keys(tmp_path, postgres):
    def probe(engine):
        real.Base.metadata.create_all(engine)
        with Session(engine) as session:
            session.add(real.Book(title="Lathe", author_id=999))
            try:
                session.commit()
                return "stored"
            except IntegrityError:
                return "refused"
            finally:
                session.close()
                engine.dispose()

    assert probe(create_engine(f"sqlite:///{tmp_path}/trap.db")) == "stored"
    assert probe(real.open_engine(f"sqlite:///{tmp_path}/fix.db")) == "refused"
    assert probe(create_engine(postgres)) == "refused"


async def test_table_model_validates_nothing(client_for):
    import with_sqlmodel

    def trap(author: with_sqlmodel.Author) -> list[object]:
        return [author.name, author.id]

    def fix(author: with_sqlmodel.AuthorName) -> list[object]:
        row = with_sqlmodel.Author.model_validate(author)
        return [row.name, row.id]

    async def probe(endpoint):
        app = FastAPI()
        app.post("/authors", response_model=None)(endpoint)
        async with client_for(app) as http:
            answers = [
                await http.post("/authors", json=body)
                for body in ({"id": 7}, {"name": 3}, {"name": "Ursula", "id": 7})
            ]
        return [
            each.json() if each.status_code == 200 else each.status_code
            for each in answers
        ]

    assert await probe(trap) == [[None, 7], [3, None], ["Ursula", 7]]
    assert await probe(fix) == [422, 422, ["Ursula", None]]
    assert with_sqlmodel.Author(name="").name == ""
    with pytest.raises(ValidationError):
        with_sqlmodel.Author.model_validate({"name": ""})
