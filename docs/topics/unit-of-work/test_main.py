import asyncio
import importlib
import json
import time
from collections.abc import AsyncIterator, Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager, contextmanager, suppress
from dataclasses import replace
from datetime import date
from types import ModuleType
from typing import Any, Self

import pytest
import steps
import yielding
from app import database
from app.bookings import dependencies
from app.bookings.domain import Booking, Room
from app.bookings.errors import Conflict
from app.bookings.memory import MemoryUnitOfWork
from app.bookings.models import BookingRow
from app.bookings.service import BookingService
from app.bookings.sql import SqlBookings, SqlRooms, SqlUnitOfWork
from app.bookings.unit_of_work import UnitOfWork
from app.main import create_app
from app.rooms.models import RoomRow
from fastapi import FastAPI, Request
from fastapi.responses import JSONResponse
from sqlalchemy import Engine, delete, event, select, text
from sqlalchemy.exc import (
    DBAPIError,
    IntegrityError,
    InvalidRequestError,
    OperationalError,
)
from sqlalchemy.exc import TimeoutError as PoolTimeoutError
from sqlalchemy.orm import Session, sessionmaker

DAY = date(2099, 3, 2)
MORNING = Booking("attic", DAY, 9, 11, 6)
AFTERNOON = replace(MORNING, start=14, end=16)
ATTIC = {"name": "attic", "seats": 12}
WISH = {"room": "attic", "day": "2099-03-02", "start": 9, "end": 11, "people": 6}

Sessions = sessionmaker[Session]


@contextmanager
def with_a_room(url: str) -> Iterator[Sessions]:
    with database.opened(url) as sessions:
        with sessions.begin() as session:
            session.execute(delete(BookingRow))
            session.merge(RoomRow(**ATTIC))
        yield sessions


def starts(sessions: Sessions) -> list[int]:
    """At which hours the attic is booked, as a stranger sees it."""
    with sessions() as session:
        return [b.start for b in SqlBookings(session).of_day("attic", DAY)]


class RoomOnFire(Exception):
    pass


# --- every unit of work keeps the promise


@pytest.fixture(params=["memory", "sqlite", "postgres"])
def work(request: pytest.FixtureRequest) -> Iterator[UnitOfWork]:
    if request.param == "memory":
        yield MemoryUnitOfWork(Room("attic", seats=12))
        return
    postgres = request.param == "postgres"
    url = request.getfixturevalue("postgres") if postgres else "sqlite://"
    with with_a_room(url) as sessions:
        yield SqlUnitOfWork(sessions)


# --8<-- [start:contract]
def test_a_commit_is_seen_by_the_next_unit(work: UnitOfWork):
    with work:
        booking = work.bookings.add(MORNING)
        work.commit()
    with work:
        assert work.bookings.of_day("attic", DAY) == [booking]


def test_without_a_commit_it_never_happened(work: UnitOfWork):
    with work:
        work.bookings.add(MORNING)
    with work:
        assert work.bookings.of_day("attic", DAY) == []


def test_an_error_takes_everything_back_and_passes(work: UnitOfWork):
    def fail_halfway() -> None:
        with work:
            work.bookings.add(MORNING)
            raise RoomOnFire

    with pytest.raises(RoomOnFire):
        fail_halfway()
    with work:
        assert work.bookings.of_day("attic", DAY) == []


# --8<-- [end:contract]


def test_what_comes_after_the_commit_is_another_transaction(work):
    with work:
        work.bookings.add(MORNING)
        work.commit()
        work.bookings.add(AFTERNOON)
    with work:
        assert [b.start for b in work.bookings.of_day("attic", DAY)] == [9]


# --- the service


def test_the_rules_need_no_session():
    service = BookingService(MemoryUnitOfWork(Room("attic", seats=12)))
    assert service.book(MORNING, key="a") == replace(MORNING, id=1)
    with pytest.raises(Conflict, match="attic is taken then"):
        service.book(MORNING)
    service.cancel(1)
    assert service.of_day("attic", DAY) == []


async def test_a_refusal_leaves_nothing_behind(client):
    await client.post("/rooms", json=ATTIC)
    headers = {"Idempotency-Key": "5f2c"}
    refused = await client.post(
        "/bookings", json={**WISH, "people": 30}, headers=headers
    )
    assert (refused.status_code, refused.json()) == (
        409,
        {"detail": "attic has 12 seats"},
    )
    booked = await client.post("/bookings", json=WISH, headers=headers)
    assert (booked.status_code, booked.json()) == (201, {**WISH, "id": 1})


def test_the_wire_did_not_change(bundle_dir):
    def answers(topic: str) -> list[tuple[Any, ...]]:
        recorded = (bundle_dir.parent / topic / "responses.json").read_text()
        return [
            (a["name"], a["status"], a.get("body"))
            for a in json.loads(recorded)["answers"]
        ]

    assert answers("unit-of-work") == answers("service-layer")


def test_the_service_imports_no_sqlalchemy(bundle_dir):
    inner = ["domain", "errors", "repository", "service", "unit_of_work"]
    sources = [(bundle_dir / f"app/bookings/{m}.py").read_text() for m in inner]
    assert not any("sqlalchemy" in source for source in sources)


# --- a real database


@contextmanager
def statements(engine: Engine) -> Iterator[list[str]]:
    seen: list[str] = []

    def note(_connection: Any, _cursor: Any, sql: str, *_rest: Any) -> None:
        words = sql.split()
        start = words[0]
        before = {"SELECT": "FROM", "INSERT": "INTO"}.get(start, start)
        table = words[words.index(before) + 1]
        lock = " … FOR UPDATE" if words[-1] == "UPDATE" else ""
        seen.append(f"{start} {table}{lock}")

    event.listen(engine, "before_cursor_execute", note)
    for end in ("begin", "commit", "rollback"):
        event.listen(engine, end, lambda _, end=end: seen.append(end.upper()))
    yield seen


def test_a_use_case_is_one_transaction(postgres, shown):
    with with_a_room(postgres) as sessions:
        service = BookingService(SqlUnitOfWork(sessions))
        with statements(sessions.kw["bind"]) as seen:
            service.book(MORNING)
            booked = [*seen]
            seen.clear()
            with suppress(Conflict):
                service.book(MORNING)
    assert (booked[0], booked[-1], booked.count("COMMIT")) == ("BEGIN", "COMMIT", 1)
    assert (seen[0], seen[-1]) == ("BEGIN", "ROLLBACK")
    shown("statements", "\n".join(["booked:", *booked, "", "refused:", *seen]))


def test_a_lost_connection_leaves_nothing(postgres):
    cut = text(
        "SELECT pg_terminate_backend(pid) FROM pg_stat_activity "
        "WHERE datname = current_database() AND pid <> pg_backend_pid()"
    )
    with with_a_room(postgres) as sessions:
        with SqlUnitOfWork(sessions) as work:
            work.bookings.add(MORNING)
            with sessions() as other:
                other.execute(cut)
            with pytest.raises(OperationalError):
                work.commit()
        assert starts(sessions) == []


def somebody_waits(sessions: Sessions) -> bool:
    waiting = text(
        "SELECT count(*) FROM pg_stat_activity "
        "WHERE datname = current_database() AND wait_event_type = 'Lock'"
    )
    with sessions() as session:
        return bool(session.scalar(waiting))


def race(
    sessions: Sessions, unit: type[SqlUnitOfWork], key: str | None = None
) -> tuple[list[int], str]:
    """Book the same hour twice; return the hours that are booked then, and what
    the second was told."""
    told = twice(
        sessions, unit, lambda service: f"booked as {service.book(MORNING, key).id}"
    )
    return starts(sessions), told


def twice(
    sessions: Sessions,
    unit: type[SqlUnitOfWork],
    use: Callable[[BookingService], object],
) -> str:
    """A second request for the same comes just before the first commits.

    Return what the second was told.
    """
    second = BookingService(unit(sessions))
    with ThreadPoolExecutor(1) as pool:
        first = BookingService(commit_after(unit, lambda: meet(), sessions))

        def meet() -> None:
            nonlocal told
            told = pool.submit(use, second)
            deadline = time.monotonic() + 10
            while not told.done() and not somebody_waits(sessions):
                assert time.monotonic() < deadline
                time.sleep(0.002)

        told: Any = None
        use(first)
        error = told.exception(timeout=10)
    return str(error or told.result())


def commit_after(
    unit: type[SqlUnitOfWork], step: Callable[[], None], sessions: Sessions
) -> SqlUnitOfWork:
    class Watched(unit):  # type: ignore[misc, valid-type]
        def commit(self) -> None:
            step()
            super().commit()

    return Watched(sessions)


def test_two_retries_at_once_get_one_booking(postgres):
    with with_a_room(postgres) as sessions:
        assert race(sessions, SqlUnitOfWork, key="5f2c") == ([9], "booked as 1")


def test_of_two_cancels_at_once_one_finds_nothing(postgres):
    with with_a_room(postgres) as sessions:
        number = BookingService(SqlUnitOfWork(sessions)).book(MORNING).id
        told = twice(
            sessions, SqlUnitOfWork, lambda service: service.cancel(number)
        )
    assert told == f"there is no booking {number}"


def isolated(sessions: Sessions, level: str) -> Sessions:
    return sessionmaker(
        sessions.kw["bind"].execution_options(isolation_level=level)
    )


def test_under_repeatable_read_the_claim_is_blind(postgres):
    with with_a_room(postgres) as sessions:
        frozen = isolated(sessions, "REPEATABLE READ")
        assert race(frozen, SqlUnitOfWork)[0] == [9, 9]


def test_serializable_refuses_one_of_two(postgres):
    with with_a_room(postgres) as sessions:
        with pytest.raises(OperationalError, match="could not serialize access"):
            race(isolated(sessions, "SERIALIZABLE"), UnclaimedUnit)
        assert starts(sessions) == [9]


# --8<-- [start:exclude]
NO_OVERLAP = """
    ALTER TABLE bookings ADD CONSTRAINT no_overlap EXCLUDE USING gist
    (room WITH =, day WITH =, int4range(start, "end") WITH &&)
"""
# --8<-- [end:exclude]


def test_an_exclusion_constraint_refuses_the_second(postgres):
    with with_a_room(postgres) as sessions:
        with sessions.begin() as session:
            session.execute(text("CREATE EXTENSION btree_gist"))
            session.execute(text(NO_OVERLAP))
        hours, told = race(sessions, UnclaimedUnit)
    assert hours == [9]
    assert 'violates exclusion constraint "no_overlap"' in told


def test_a_second_unit_waits_for_the_first_forever(postgres):
    impatient = f"{postgres}?options=-c%20lock_timeout%3D50ms"
    with with_a_room(impatient) as sessions, SqlUnitOfWork(sessions) as outer:
        outer.rooms.claim("attic")
        with pytest.raises(DBAPIError, match="canceling statement due to lock"):
            BookingService(SqlUnitOfWork(sessions)).book(MORNING)


def test_in_memory_there_is_no_second_connection():
    with with_a_room("sqlite://") as sessions:
        sessions.kw["bind"].pool._timeout = 0.01
        with SqlUnitOfWork(sessions) as outer:
            outer.rooms.claim("attic")
            with pytest.raises(PoolTimeoutError, match="QueuePool limit of size 1"):
                BookingService(SqlUnitOfWork(sessions)).book(MORNING)


def test_a_refused_move_keeps_the_booking(work):
    with work:
        booking = work.bookings.add(MORNING)
        work.bookings.add(AFTERNOON)
        work.commit()
    with pytest.raises(Conflict):
        steps.move(work, booking.id, 15, 17)
    with work:
        assert [b.start for b in work.bookings.of_day("attic", DAY)] == [9, 14]


# --- what AsyncSession already is


@pytest.fixture
def real() -> ModuleType:
    return importlib.import_module("real")


@asynccontextmanager
async def async_sessions(real: ModuleType, url: str) -> AsyncIterator[Any]:
    app = real.create_app(url)
    async with app.router.lifespan_context(app):
        async with app.state.sessions.begin() as session:
            session.add(RoomRow(**ATTIC))
        yield app.state.sessions


async def test_the_async_app_answers_the_same(real, client_for, postgres):
    app = real.create_app(postgres)
    async with client_for(app) as http:
        async with app.state.sessions.begin() as session:
            session.add(RoomRow(**ATTIC))
        booked = await http.post("/bookings", json=WISH)
        assert (booked.status_code, booked.json()) == (201, {**WISH, "id": 1})
        taken = await http.post("/bookings", json=WISH)
        assert (taken.status_code, taken.json()) == (
            409,
            {"detail": "attic is taken then"},
        )


async def test_of_ten_tasks_one_books(real, postgres):
    async with async_sessions(real, postgres) as sessions:
        wishes = [real.book(sessions, MORNING) for _ in range(10)]
        done = await asyncio.gather(*wishes, return_exceptions=True)
    refused = [answer for answer in done if isinstance(answer, Conflict)]
    assert len(refused) == 9


async def test_a_session_is_a_unit_of_work(real, postgres, shown):
    async with async_sessions(real, postgres) as sessions, sessions() as session:
        engine = session.get_bind()
        with statements(engine) as seen:
            row = BookingRow(room="attic", day=DAY, start=9, end=11, people=6)
            session.add(row)
            seen.append(f"-- after add: {len(session.new)} new")
            same = await session.scalar(select(BookingRow))
            seen.append(f"-- after a query: the same object, {same is row}")
            row.start, row.people = 8, 3
            seen.append(f"-- after two changes: {len(session.dirty)} dirty")
            await session.commit()
    shown("session", "\n".join(seen))
    assert seen.count("UPDATE bookings") == 1
    assert same is row


async def test_begin_takes_back_what_an_error_interrupts(real, postgres):
    async with async_sessions(real, postgres) as sessions:
        with suppress(RoomOnFire):
            async with sessions.begin() as session:
                session.add(RoomRow(name="cellar", seats=4))
                await session.flush()
                raise RoomOnFire
        async with sessions() as session:
            assert await session.get(RoomRow, "cellar") is None


async def test_begin_commits_on_an_early_return(real, postgres):
    async def add_cellar(sessions: Any) -> None:
        async with sessions.begin() as session:
            session.add(RoomRow(name="cellar", seats=4))
            return

    async with async_sessions(real, postgres) as sessions:
        await add_cellar(sessions)
        async with sessions() as session:
            assert await session.get(RoomRow, "cellar")


# --- gotchas


class CommittingBookings(SqlBookings):
    def add(self, booking: Booking) -> Booking:
        stored = super().add(booking)
        self._session.commit()
        return stored


class CommittingUnit(SqlUnitOfWork):
    def __enter__(self) -> Self:
        super().__enter__()
        self.bookings = CommittingBookings(self._session)
        return self


class UnclaimedRooms(SqlRooms):
    def claim(self, name: str) -> Room | None:
        row = self._session.get(RoomRow, name)
        return Room(row.name, row.seats) if row else None


class UnclaimedUnit(SqlUnitOfWork):
    def __enter__(self) -> Self:
        super().__enter__()
        self.rooms = UnclaimedRooms(self._session)
        return self


class ForgetfulUnit(SqlUnitOfWork):
    def commit(self) -> None:
        pass


def test_repository_commits(postgres):
    def left_after_a_failure(unit: type[SqlUnitOfWork]) -> list[int]:
        """The hours booked when the second of two steps fails."""
        with with_a_room(postgres) as sessions:
            with suppress(RoomOnFire), unit(sessions) as work:
                work.bookings.add(MORNING)
                raise RoomOnFire
            return starts(sessions)

    assert left_after_a_failure(SqlUnitOfWork) == []
    assert left_after_a_failure(CommittingUnit) == [9]


def test_two_requests_book_the_same_hour(postgres):
    with with_a_room(postgres) as sessions:
        assert race(sessions, UnclaimedUnit) == ([9, 9], "booked as 2")
    with with_a_room(postgres) as sessions:
        assert race(sessions, SqlUnitOfWork) == ([9], "attic is taken then")


@asynccontextmanager
async def at_the_edge(
    client_for: Any, url: str, **options: Any
) -> AsyncIterator[tuple[Any, FastAPI]]:
    """The routes of yielding.py, and a rule that is checked at the commit."""
    with with_a_room(url) as sessions:
        with sessions.begin() as session:
            session.execute(
                text(
                    "ALTER TABLE bookings DROP CONSTRAINT IF EXISTS once, "
                    "ADD CONSTRAINT once "
                    "UNIQUE (room, day, start) DEFERRABLE INITIALLY DEFERRED"
                )
            )
        app = FastAPI(**options)
        app.state.sessions = sessions
        app.include_router(yielding.router)
        async with client_for(app) as http:
            yield http, app


async def answers_to_two(http: Any, path: str) -> list[int]:
    answers = [await http.post(path, json=WISH) for _ in range(2)]
    return [answer.status_code for answer in answers]


async def test_commit_fails_after_the_201(client_for, postgres):
    async def answers_and_rows(path: str) -> tuple[list[int], int]:
        async with at_the_edge(client_for, postgres) as (http, app):
            statuses = await answers_to_two(http, path)
            return statuses, len(starts(app.state.sessions))

    assert await answers_and_rows("/late") == ([201, 201], 1)
    assert await answers_and_rows("/in-time") == ([201, 500], 1)


async def test_before_the_response_a_handler_can_still_answer(client_for, postgres):
    async def taken(request: Request, error: Exception) -> JSONResponse:
        return JSONResponse({"detail": "taken"}, 409)

    handlers = {IntegrityError: taken}
    async with at_the_edge(client_for, postgres, exception_handlers=handlers) as (
        http,
        _,
    ):
        assert await answers_to_two(http, "/in-time") == [201, 409]


def test_unit_opened_twice(postgres):
    def booked_after(
        move: Callable[[UnitOfWork, int, int, int], Booking],
    ) -> list[int]:
        """The hours booked after a move from 9 to 14."""
        with with_a_room(postgres) as sessions:
            booking = BookingService(SqlUnitOfWork(sessions)).book(MORNING)
            move(SqlUnitOfWork(sessions), booking.id, 14, 16)
            return starts(sessions)

    def trap(work: UnitOfWork, booking_id: int, start: int, end: int) -> Booking:
        return steps.MovingService(work).move(booking_id, start, end)

    assert booked_after(steps.move) == [14]
    assert booked_after(trap) == [9, 14]


def test_caught_error_poisons_the_unit(postgres):
    def outcome(
        add: Callable[[Sessions, list[Room]], list[str]],
    ) -> tuple[str, list[str]]:
        """What an import that meets a known room says, and the rooms then."""
        wanted = [Room("barn", 8), Room("attic", 12), Room("cellar", 4)]
        with with_a_room(postgres) as sessions:
            try:
                said = f"known: {add(sessions, wanted)}"
            except InvalidRequestError as error:
                said = type(error).__name__
            with sessions() as session:
                rooms = session.scalars(select(RoomRow.name).order_by(RoomRow.name))
                names = list(rooms)
        return said, names

    assert outcome(steps.add_rooms_caught) == ("PendingRollbackError", ["attic"])
    assert outcome(steps.add_rooms) == (
        "known: ['attic']",
        ["attic", "barn", "cellar"],
    )


async def test_forgotten_commit(client_for):
    async def answer_and_list(unit: type[SqlUnitOfWork]) -> tuple[int, int]:
        app = create_app()

        def get_service(request: Request) -> BookingService:
            return BookingService(unit(request.app.state.sessions))

        app.dependency_overrides[dependencies.get_service] = get_service
        async with client_for(app) as http:
            await http.post("/rooms", json=ATTIC)
            booked = await http.post("/bookings", json=WISH)
            day = await http.get("/bookings?room=attic&day=2099-03-02")
        return booked.status_code, len(day.json())

    assert await answer_and_list(ForgetfulUnit) == (201, 0)
    assert await answer_and_list(SqlUnitOfWork) == (201, 1)
