import json
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, replace
from datetime import date
from typing import Any, Self

import pytest
import real
from app import database, errors
from app.bookings.domain import Booking, Room
from app.bookings.errors import BookingError, Conflict, Impossible, NotFound
from app.bookings.memory import MemoryBookings, MemoryReceipts, MemoryRooms
from app.bookings.schemas import BookingIn
from app.bookings.service import BookingService
from app.bookings.sql import SqlBookings, SqlReceipts, SqlRooms
from app.main import create_app
from app.rooms.models import RoomRow
from fastapi import FastAPI, Request
from fastapi.responses import JSONResponse
from pydantic import ValidationError, model_validator
from sqlalchemy.orm import Session

DAY = date(2099, 3, 2)
MORNING = Booking("attic", DAY, 9, 11, 6)
ATTIC = {"name": "attic", "seats": 12}
WISH = {"room": "attic", "day": "2099-03-02", "start": 9, "end": 11, "people": 6}


class NoSession:
    """All that the service asks of a session, and the reason for the next page."""

    commits = 0

    def commit(self) -> None:
        self.commits += 1


# --8<-- [start:without-http]
@pytest.fixture
def service() -> BookingService:
    rooms = MemoryRooms(Room("attic", seats=12))
    return BookingService(MemoryBookings(), rooms, MemoryReceipts(), NoSession())


def test_a_room_is_booked(service: BookingService):
    assert service.book(MORNING) == replace(MORNING, id=1)


@pytest.mark.parametrize(
    ("wish", "kind", "text"),
    [
        (replace(MORNING, room="cellar"), NotFound, "there is no room 'cellar'"),
        (replace(MORNING, people=30), Conflict, "attic has 12 seats"),
        (replace(MORNING, start=10), Conflict, "attic is taken then"),
    ],
)
def test_a_broken_rule_has_a_name(
    service: BookingService, wish: Booking, kind: type[BookingError], text: str
):
    service.book(MORNING)
    with pytest.raises(kind, match=text):
        service.book(wish)


# --8<-- [end:without-http]


def test_a_cancelled_booking_makes_room(service):
    service.cancel(service.book(MORNING).id)
    assert service.book(MORNING).id == 2
    with pytest.raises(NotFound, match="there is no booking 1"):
        service.cancel(1)


def test_the_same_key_gets_the_same_booking(service):
    first = service.book(MORNING, key="a")
    assert service.book(MORNING, key="a") == first
    with pytest.raises(Conflict, match="this key belongs to another booking"):
        service.book(replace(MORNING, start=14, end=15), key="a")


def test_a_refused_wish_uses_up_no_key(service):
    with pytest.raises(Conflict):
        service.book(replace(MORNING, people=30), key="a")
    assert service.book(MORNING, key="a").id == 1


@contextmanager
def sql_service() -> Iterator[tuple[BookingService, Session]]:
    with database.opened("sqlite://") as sessions, sessions() as session:
        session.add(RoomRow(name="attic", seats=12))
        session.commit()
        yield (
            BookingService(
                SqlBookings(session),
                SqlRooms(session),
                SqlReceipts(session),
                session,
            ),
            session,
        )


def test_a_csv_file_goes_through_the_same_rules(service, shown):
    lines = [
        "room,day,start,end,people",
        "attic,2099-03-02,9,11,6",
        "attic,2099-03-02,10,12,2",
        "cellar,2099-03-02,9,10,2",
        "attic,2099-03-02,15,14,2",
    ]
    report = real.book_from_csv("march.csv", lines, service)
    assert [booking.id for booking in report.booked] == [1]
    shown("csv", "\n".join(f"line {n}: {why}" for n, why in report.refused.items()))
    assert set(report.refused) == {3, 4, 5}
    again = real.book_from_csv("march.csv", lines, service)
    assert [booking.id for booking in again.booked] == [1]
    april = [lines[0], "attic,2099-04-02,9,11,6"]
    assert len(real.book_from_csv("april.csv", april, service).booked) == 1


async def test_a_room_is_booked_once(client):
    await client.post("/rooms", json=ATTIC)
    booked = await client.post("/bookings", json=WISH)
    assert (booked.status_code, booked.json()) == (201, {**WISH, "id": 1})
    again = await client.post("/bookings", json=WISH)
    assert (again.status_code, again.json()) == (
        409,
        {"detail": "attic is taken then"},
    )


def test_on_the_wire_only_the_key_is_new(bundle_dir):
    def answers(topic: str) -> list[tuple[Any, ...]]:
        recorded = json.loads(
            (bundle_dir.parent / topic / "responses.json").read_text()
        )["answers"]
        return [(a["name"], a["status"], a.get("body")) for a in recorded]

    before = answers("repository")
    assert answers("service-layer")[: len(before)] == before


def all_kinds(kind: type[BookingError]) -> Iterator[type[BookingError]]:
    for below in kind.__subclasses__():
        yield below
        yield from all_kinds(below)


def test_every_error_has_a_status_of_its_own():
    app_kinds = {
        k for k in all_kinds(BookingError) if k.__module__.startswith("app.")
    }
    assert app_kinds == set(errors.STATUS) - {BookingError}


# --- gotchas


def test_service_imports_the_framework(bundle_dir):
    def needs_fastapi(module: str) -> bool:
        code = f"import sys, {module}; print('fastapi' in sys.modules)"
        done = subprocess.run(
            [sys.executable, "-B", "-c", code],
            cwd=bundle_dir,
            capture_output=True,
            text=True,
            check=True,
        )
        return done.stdout.strip() == "True"

    assert needs_fastapi("http_service") is True
    assert needs_fastapi("app.bookings.service") is False


class RoomIsDirty(Conflict):
    pass


async def test_new_error_is_a_500(client_for):
    async def status(register: Callable[[FastAPI], None]) -> int:
        app = FastAPI()
        register(app)

        @app.get("/")
        def route() -> None:
            raise RoomIsDirty("clean it first")

        async with client_for(app) as http:
            return (await http.get("/")).status_code

    def by_exact_type(app: FastAPI) -> None:
        @app.exception_handler(BookingError)
        async def answer(request: Request, error: BookingError) -> JSONResponse:
            return JSONResponse({}, errors.STATUS[type(error)])

    assert await status(by_exact_type) == 500
    assert await status(errors.register) == 409


async def test_retry_is_told_that_the_room_is_taken(client_for):
    async def answers(headers: dict[str, str]) -> list[int]:
        async with client_for(create_app()) as http:
            await http.post("/rooms", json=ATTIC)
            first = await http.post("/bookings", json=WISH, headers=headers)
            retry = await http.post("/bookings", json=WISH, headers=headers)
        return [first.status_code, retry.status_code]

    assert await answers({}) == [201, 409]
    assert await answers({"Idempotency-Key": "5f2c"}) == [201, 201]


def test_two_use_cases_make_half_a_move():
    def left_after(
        move: Callable[[BookingService, Session, int], Any],
    ) -> list[int]:
        """When the room is booked after a move that was refused."""
        with sql_service() as (service, session):
            booked = service.book(MORNING)
            service.book(replace(MORNING, start=14, end=16))
            with suppress(Conflict):
                move(service, session, booked.id)
            return [b.start for b in SqlBookings(session).of_day("attic", DAY)]

    def trap(service: BookingService, session: Session, booking_id: int) -> None:
        service.cancel(booking_id)
        service.book(replace(MORNING, start=15, end=17))

    def fix(service: BookingService, session: Session, booking_id: int) -> None:
        real.MoveBooking(SqlBookings(session), session)(booking_id, 15, 17)

    assert left_after(trap) == [14]
    assert left_after(fix) == [9, 14]


def test_a_free_hour_is_moved_to():
    with sql_service() as (service, session):
        booked = service.book(MORNING)
        moved = real.MoveBooking(SqlBookings(session), session)(booked.id, 10, 12)
        assert (moved.start, moved.end) == (10, 12)
        with pytest.raises(NotFound, match="there is no booking 99"):
            real.MoveBooking(SqlBookings(session), session)(99, 10, 12)


@dataclass(frozen=True)
class UncheckedBooking(Booking):
    def __post_init__(self) -> None:
        pass


class CheckedForm(BookingIn):
    @model_validator(mode="after")
    def ends_after_it_starts(self) -> Self:
        if self.end <= self.start:
            raise ValueError("a booking ends after it starts")
        return self


def test_rule_in_the_schema_is_skipped_by_the_script(service):
    backward = {"room": "attic", "day": DAY, "start": 15, "end": 14, "people": 2}

    def refused(make: Callable[[], Booking]) -> bool:
        try:
            service.book(make())
        except (ValidationError, Impossible):
            return True
        return False

    def route_and_script(form: type[BookingIn], kind: type[Booking]) -> list[bool]:
        """Who is refused a booking that ends before it starts."""
        route = refused(lambda: kind(**form(**backward).model_dump()))
        return [route, refused(lambda: kind(**backward))]

    assert route_and_script(CheckedForm, UncheckedBooking) == [True, False]
    assert route_and_script(BookingIn, Booking) == [True, True]


def test_the_opening_hours_are_still_such_a_rule(service):
    assert service.book(replace(MORNING, start=3, end=5)).start == 3
