import ast
import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import FrozenInstanceError, dataclass, replace
from datetime import date
from typing import Any

import pytest
import real
from app import database
from app.bookings.domain import Booking
from app.bookings.memory import MemoryBookings
from app.bookings.models import BookingRow
from app.bookings.repository import Bookings
from app.bookings.sql import SqlBookings
from app.rooms.models import Room
from sqlalchemy import create_engine, event
from sqlalchemy.orm import Session, sessionmaker
from sqlalchemy.orm.exc import DetachedInstanceError

DAY = date(2099, 3, 2)
MORNING = Booking("attic", DAY, 9, 11, 6)
NOON = Booking("attic", DAY, 11, 13, 2)


@contextmanager
def session(url: str = "sqlite://") -> Iterator[Session]:
    with database.opened(url) as sessions, sessions() as opened:
        opened.add(Room(name="attic", seats=12))
        opened.commit()
        yield opened


@contextmanager
def in_memory() -> Iterator[Bookings]:
    yield MemoryBookings()


@contextmanager
def in_sql() -> Iterator[Bookings]:
    with session() as opened:
        yield SqlBookings(opened)


# --8<-- [start:contract]
@pytest.fixture(params=[in_memory, in_sql])
def bookings(request: pytest.FixtureRequest) -> Iterator[Bookings]:
    with request.param() as implementation:
        yield implementation


def test_a_stored_booking_is_found_by_its_id(bookings: Bookings):
    stored = bookings.add(MORNING)
    assert stored == replace(MORNING, id=stored.id)
    assert bookings.get(stored.id) == stored


def test_a_day_lists_its_room_earliest_first(bookings: Bookings):
    noon, morning = bookings.add(NOON), bookings.add(MORNING)
    bookings.add(replace(MORNING, day=date(2099, 3, 3)))
    assert bookings.of_day("attic", DAY) == [morning, noon]


def test_a_removed_booking_is_gone(bookings: Bookings):
    stored = bookings.add(MORNING)
    bookings.remove(stored)
    assert bookings.get(stored.id) is None
    assert bookings.of_day("attic", DAY) == []


# --8<-- [end:contract]


def test_ids_differ(bookings: Bookings):
    assert bookings.add(MORNING).id != bookings.add(NOON).id


@pytest.mark.parametrize(
    ("start", "end", "clash"),
    [(9, 11, True), (8, 10, True), (10, 12, True), (8, 9, False), (11, 12, False)],
)
def test_the_rule_needs_no_database(start, end, clash):
    other = replace(MORNING, start=start, end=end)
    assert MORNING.clashes_with(other) is clash
    assert other.clashes_with(MORNING) is clash


def test_another_room_or_day_never_clashes():
    assert not MORNING.clashes_with(replace(MORNING, room="lab"))
    assert not MORNING.clashes_with(replace(MORNING, day=date(2099, 3, 3)))


def test_hours_are_counted_from_any_implementation(bookings: Bookings):
    bookings.add(MORNING)
    bookings.add(NOON)
    assert real.hours_taken(bookings, "attic", DAY) == 4


async def test_a_room_is_booked_once(client):
    await client.post("/rooms", json={"name": "attic", "seats": 12})
    wish = {
        "room": "attic",
        "day": "2099-03-02",
        "start": 9,
        "end": 11,
        "people": 6,
    }
    booked = await client.post("/bookings", json=wish)
    assert (booked.status_code, booked.json()) == (201, {**wish, "id": 1})
    again = await client.post("/bookings", json=wish)
    assert (again.status_code, again.json()) == (
        409,
        {"detail": "attic is taken then"},
    )


def test_on_the_wire_nothing_changed(bundle_dir):
    def answers(topic: str) -> list[tuple[Any, ...]]:
        recorded = json.loads(
            (bundle_dir.parent / topic / "responses.json").read_text()
        )
        return [
            (a["name"], a["status"], a.get("body")) for a in recorded["answers"]
        ]

    assert answers("repository") == answers("project-structure")


def test_the_domain_imports_only_the_standard_library(bundle_dir):
    tree = ast.parse((bundle_dir / "app/bookings/domain.py").read_text())
    modules = {
        node.module for node in ast.walk(tree) if isinstance(node, ast.ImportFrom)
    }
    assert modules == {"dataclasses", "datetime"}


def test_a_day_is_one_query_with_its_order(shown):
    with session() as opened:
        statements: list[str] = []
        engine = opened.get_bind()

        @event.listens_for(engine, "before_cursor_execute")
        def note(connection: Any, cursor: Any, statement: str, *_: Any) -> None:
            statements.append(statement)

        SqlBookings(opened).of_day("attic", DAY)
    [statement] = statements
    assert (
        "WHERE bookings.room = ? AND bookings.day = ? ORDER BY bookings.start"
        in (" ".join(statement.split()))
    )
    shown("of-day", statement)


# --- gotchas


def test_generic_update_breaks_the_rule():
    def clash_after(move: Callable[[Session, Booking], Any]) -> bool:
        """Whether two bookings overlap after one was moved onto the other."""
        with session() as opened:
            bookings = SqlBookings(opened)
            bookings.add(MORNING)
            noon = bookings.add(NOON)
            with suppress(real.Taken):
                move(opened, noon)
            first, second = bookings.of_day("attic", DAY)
            return first.clashes_with(second)

    def trap(opened: Session, noon: Booking) -> None:
        real.Crud(opened, BookingRow).update(noon.id, start=10)

    def fix(opened: Session, noon: Booking) -> None:
        real.move(SqlBookings(opened), noon, 10, 13)

    assert clash_after(trap) is True
    assert clash_after(fix) is False


def test_row_outlives_its_session():
    def people_later(add: Callable[[Session], Any]) -> int | str:
        """What a caller reads after the session was closed."""
        with session() as opened:
            booked = add(opened)
            opened.commit()
        try:
            return booked.people
        except DetachedInstanceError as error:
            return str(error).split(";")[0]

    def trap(opened: Session) -> BookingRow:
        return real.Crud(opened, BookingRow).create(
            room="attic", day=DAY, start=9, end=11, people=6
        )

    def fix(opened: Session) -> Booking:
        return SqlBookings(opened).add(MORNING)

    told = people_later(trap)
    assert str(told).startswith("Instance <BookingRow at 0x")
    assert str(told).endswith("is not bound to a Session")
    assert people_later(fix) == 6


class UnsortedBookings(MemoryBookings):
    def of_day(self, room: str, day: date) -> list[Booking]:
        return [b for b in self._stored.values() if (b.room, b.day) == (room, day)]


def test_fake_answers_in_another_order():
    def same_as_sql(fake: Bookings) -> bool:
        """Whether a fake lists a day as the database does."""
        with in_sql() as real_one:
            for booking in (NOON, MORNING):
                fake.add(booking)
                real_one.add(booking)
            return fake.of_day("attic", DAY) == real_one.of_day("attic", DAY)

    assert same_as_sql(UnsortedBookings()) is False
    assert same_as_sql(MemoryBookings()) is True


class ForgetfulBookings(SqlBookings):
    def remove(self, booking: Booking) -> None:
        self._session.delete(self._session.get_one(BookingRow, booking.id))


def test_get_answers_what_was_removed():
    def found_after_removal(kind: type[SqlBookings]) -> bool:
        with session() as opened:
            bookings = kind(opened)
            stored = bookings.add(MORNING)
            bookings.remove(stored)
            return bookings.get(stored.id) is not None

    assert found_after_removal(ForgetfulBookings) is True
    assert found_after_removal(SqlBookings) is False


@dataclass
class LooseBooking:
    people: int


class KeepsWhatItGot:
    def __init__(self) -> None:
        self._stored: dict[int, Any] = {}

    def add(self, booking: Any) -> Any:
        self._stored[1] = booking
        return booking

    def get(self, booking_id: int) -> Any:
        return self._stored[booking_id]


def test_fake_forgives_a_missing_save():
    def stored_after_a_change(bookings: Any, booking: Any) -> int:
        """What is stored after a caller changed its object and saved nothing."""
        held = bookings.add(booking)
        with suppress(FrozenInstanceError):
            held.people = 99
        return bookings.get(1).people

    assert stored_after_a_change(KeepsWhatItGot(), LooseBooking(6)) == 99
    assert stored_after_a_change(MemoryBookings(), MORNING) == 6


def test_add_that_commits_leaves_half_the_work():
    def left_after_a_failure(add: Callable[[Session], Any]) -> int:
        """How many bookings a use case leaves that fails after its first step."""
        with database.opened("sqlite://") as sessions:
            with suppress(ConnectionError), sessions() as opened:
                add(opened)
                raise ConnectionError("second step failed")
            with sessions() as later:
                return len(SqlBookings(later).of_day("attic", DAY))

    def trap(opened: Session) -> None:
        real.Crud(opened, BookingRow).create(
            room="attic", day=DAY, start=9, end=11, people=6
        )

    def fix(opened: Session) -> None:
        SqlBookings(opened).add(MORNING)

    assert left_after_a_failure(trap) == 1
    assert left_after_a_failure(fix) == 0


def test_all_reads_the_whole_table():
    engine = create_engine("sqlite://", **database.IN_MEMORY)
    database.Base.metadata.create_all(engine)
    loaded = 0

    @event.listens_for(BookingRow, "load")
    def count(row: BookingRow, context: Any) -> None:
        nonlocal loaded
        loaded += 1

    def rows_loaded(find: Callable[[Session], Any]) -> int:
        nonlocal loaded
        with sessionmaker(engine)() as opened:
            loaded = 0
            assert len(find(opened)) == 1
            return loaded

    with sessionmaker(engine)() as opened:
        for number in range(200):
            day = date(2099, 1 + number % 12, 1 + number // 12)
            SqlBookings(opened).add(replace(MORNING, day=day))
        opened.commit()

    def trap(opened: Session) -> list[BookingRow]:
        rows = real.Crud(opened, BookingRow).all()
        return [row for row in rows if row.day == DAY]

    def fix(opened: Session) -> list[Booking]:
        return SqlBookings(opened).of_day("attic", DAY)

    assert rows_loaded(trap) == 200
    assert rows_loaded(fix) == 1
    event.remove(BookingRow, "load", count)
    engine.dispose()
