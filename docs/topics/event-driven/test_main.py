import asyncio
import json
import os
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from datetime import date
from typing import Any

import pytest
from app import database, errors
from app.bookings.dependencies import get_service
from app.bookings.domain import Booking, Room
from app.bookings.errors import Conflict
from app.bookings.events import Booked, Cancelled, Event
from app.bookings.memory import MemoryUnitOfWork
from app.bookings.models import BookingRow, OutboxRow
from app.bookings.policy import Policy
from app.bookings.router import router
from app.bookings.service import BookingService
from app.bookings.sql import SqlUnitOfWork
from app.bookings.unit_of_work import UnitOfWork
from app.bus import Bus, Handler
from app.clock import SystemClock
from app.main import create_app
from app.notices import Notices
from app.relay import Relay
from app.rooms.models import RoomRow
from app.settings import Settings
from fastapi import FastAPI
from fastapi.concurrency import run_in_threadpool
from hasty import HastyService
from pydantic import ValidationError
from real import HandledRow, Mailbox, MailRow, PatientBus, SoleRelay
from sqlalchemy import func, select
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session, sessionmaker

WISH = Booking("attic", date(2099, 3, 2), 9, 11, 6)
BODY = {"room": "attic", "day": "2099-03-02", "start": 9, "end": 11, "people": 6}
Sessions = sessionmaker[Session]


def service_of(work: UnitOfWork) -> BookingService:
    return BookingService(work, Policy(), SystemClock("UTC"))


@contextmanager
def opened(url: str) -> Iterator[Sessions]:
    """A database with one room."""
    with database.opened(url) as sessions:
        with sessions.begin() as session:
            session.add(RoomRow(name="attic", seats=12))
        yield sessions


@pytest.fixture
def work() -> MemoryUnitOfWork:
    return MemoryUnitOfWork(Room("attic", seats=12))


def bus_of(*handlers: Handler, bus: Bus | None = None) -> Bus:
    bus = bus or Bus()
    for kind in (Booked, Cancelled):
        for handler in handlers:
            bus.on(kind, handler)
    return bus


def refuses(event: Event) -> None:
    raise ConnectionError("the mail server is down")


# --- how the app behaves


@pytest.fixture(params=["memory", "sql"])
def any_work(request, work) -> Iterator[UnitOfWork]:
    if request.param == "memory":
        yield work
    else:
        with opened("sqlite://") as sessions:
            yield SqlUnitOfWork(sessions)


def test_an_event_is_stored_with_the_booking(any_work):
    booking = service_of(any_work).book(WISH)
    with any_work as work:
        assert work.outbox.pending() == [Booked(booking, 1)]


def test_a_refused_booking_leaves_no_event(any_work):
    service_of(any_work).book(WISH)
    with pytest.raises(Conflict):
        service_of(any_work).book(WISH)
    with any_work as work:
        assert len(work.outbox.pending()) == 1


def test_what_was_published_is_not_pending_any_more(any_work):
    heard: list[Event] = []
    service = service_of(any_work)
    service.cancel(service.book(WISH).id)
    relay = Relay(any_work, bus_of(heard.append), every=1)
    assert [relay.run_once(), relay.run_once()] == [2, 0]
    assert [(type(e).__name__, e.number) for e in heard] == [
        ("Booked", 1),
        ("Cancelled", 2),
    ]


async def test_the_running_app_publishes(client_for, caplog):
    caplog.set_level("INFO", "rooms.notices")
    async with client_for(create_app(Settings(relay_seconds=0.01))) as http:
        await http.post("/rooms", json={"name": "attic", "seats": 12})
        booked = await http.post("/bookings", json=BODY)
        assert (booked.status_code, booked.json()) == (201, {**BODY, "id": 1})
        async with asyncio.timeout(5):
            while not caplog.messages:
                await asyncio.sleep(0.01)
    assert caplog.messages == ["Booked: attic on 2099-03-02"]


async def test_an_app_that_stops_publishes_what_is_left(client_for, caplog):
    caplog.set_level("INFO", "rooms.notices")
    async with client_for(create_app(Settings(relay_seconds=3600))) as http:
        await http.post("/rooms", json={"name": "attic", "seats": 12})
        await http.post("/bookings", json=BODY)
        assert caplog.messages == []
    assert caplog.messages == ["Booked: attic on 2099-03-02"]


async def test_a_failed_look_into_the_outbox_does_not_end_the_relay():
    looks: list[int] = []

    class Unlucky(Relay):
        def run_once(self) -> int:
            looks.append(1)
            if len(looks) == 1:
                raise ConnectionError("the database is away")
            self.stop()
            return 0

    async with asyncio.timeout(5):
        await Unlucky(MemoryUnitOfWork(), Bus(), every=0.01).run()
    assert len(looks) == 3


async def test_a_look_in_progress_ends_before_the_relay_stops():
    said: list[str] = []

    class Slow(Relay):
        def run_once(self) -> int:
            said.append("begins")
            self.stop()
            said.append("ends")
            return 0

    async with asyncio.timeout(5):
        await Slow(MemoryUnitOfWork(), Bus(), every=3600).run()
    assert said == ["begins", "ends", "begins", "ends"]


async def test_a_cancelled_look_goes_on_in_its_thread():
    began, release, ended = threading.Event(), threading.Event(), threading.Event()

    def look() -> None:
        began.set()
        release.wait(5)
        ended.set()

    looking = asyncio.create_task(run_in_threadpool(look))
    await run_in_threadpool(began.wait, 5)
    looking.cancel()
    await asyncio.wait([looking])
    assert looking.cancelled()
    assert not ended.is_set()
    release.set()
    assert await run_in_threadpool(ended.wait, 5)


def test_a_failing_handler_does_not_stop_its_neighbor(work):
    heard: list[Event] = []
    booking = service_of(work).book(WISH)
    assert bus_of(refuses, heard.append).publish(Booked(booking)) is False
    assert len(heard) == 1


def test_the_neighbor_of_a_failing_handler_hears_the_event_again(
    work, caplog, shown
):
    caplog.set_level("INFO", "rooms")
    down = [True, True, False]

    def mail(event: Event) -> None:
        if down.pop(0):
            raise ConnectionError("the mail server is down")

    heard: list[Event] = []
    relay = Relay(work, bus_of(mail, heard.append, Notices()), every=1)
    service_of(work).book(WISH)
    assert [relay.run_once() for _ in range(4)] == [0, 0, 1, 0]
    assert len(heard) == 3
    lines = [f"{r.levelname:<5} {r.name}: {r.getMessage()}" for r in caplog.records]
    shown("failing-handler", "\n".join(lines))
    assert len([r for r in caplog.records if r.name == "rooms.notices"]) == 1


def test_published_before_the_commit_an_event_may_tell_of_nothing(work):
    heard: list[Event] = []
    with suppress(ConnectionError), work:
        booking = work.bookings.add(WISH)
        bus_of(heard.append).publish(Booked(booking))
        raise ConnectionError("the database is away")
    with work:
        stored = work.bookings.of_day("attic", WISH.day)
    assert (len(heard), stored) == (1, [])


def test_on_the_wire_nothing_changed(bundle_dir):
    def answers(topic: str) -> dict[str, tuple[Any, ...]]:
        recorded = json.loads(
            (bundle_dir.parent / topic / "responses.json").read_text()
        )["answers"]
        return {a["name"]: (a["status"], a.get("body")) for a in recorded}

    before, now = answers("dependency-inversion"), answers("event-driven")
    shared = before.keys() & now.keys()
    assert len(shared) >= 12
    assert {name: before[name] for name in shared} == {
        name: now[name] for name in shared
    }


# --- gotchas


async def test_failed_email_is_a_500(client_for):
    async def booking_while_mail_is_down(
        work: UnitOfWork, service: Any, heard: list[Event]
    ) -> tuple[int, int, int]:
        api = FastAPI()
        errors.register(api)
        api.include_router(router)
        api.dependency_overrides[get_service] = lambda: service
        async with client_for(api) as http:
            status = (await http.post("/bookings", json=BODY)).status_code
        Relay(work, bus_of(refuses, heard.append), every=1).run_once()
        with work:
            stored = work.bookings.of_day("attic", WISH.day)
        return status, len(stored), len(heard)

    work, heard = MemoryUnitOfWork(Room("attic", 12)), []
    hasty = HastyService(work, refuses, heard.append)
    assert await booking_while_mail_is_down(work, hasty, heard) == (500, 1, 0)

    work, heard = MemoryUnitOfWork(Room("attic", 12)), []
    outbox = service_of(work)
    assert await booking_while_mail_is_down(work, outbox, heard) == (201, 1, 1)


@pytest.fixture
def play(warm, workdir, postgres):
    """Play acts on a new database, each in a process of its own."""
    url = postgres.replace("postgresql://", "postgresql+psycopg://")
    environment = {**os.environ, "ROOMS_DATABASE_URL": url}
    started = warm("fastapi", "sqlalchemy.orm", "pydantic_settings", "psycopg")

    def ends(act: str) -> int:
        process = started.start("crash", act, cwd=workdir, env=environment)
        code, (_, trouble) = process.wait(), process.communicate()
        assert not trouble
        return code

    def played(*acts: str) -> tuple[list[int], int, int]:
        """The exit codes of the processes, the bookings, the mails."""
        with opened(url) as sessions:
            codes = [ends(act) for act in acts]
            with sessions() as session:
                bookings, mails = (
                    session.scalar(select(func.count()).select_from(table)) or 0
                    for table in (BookingRow, MailRow)
                )
            database.Base.metadata.drop_all(sessions.kw["bind"])
        return codes, bookings, mails

    return played


def test_crash_loses_the_event(play, shown):
    trap = play("book-hasty", "relay")
    fix = play("book-outbox", "relay")
    assert trap == ([-9, 0], 1, 0)
    assert fix == ([-9, 0], 1, 1)
    lines = [f"{'':<16}exit codes  bookings  mails"]
    for name, (codes, bookings, mails) in (
        ("book-hasty", trap),
        ("book-outbox", fix),
    ):
        ends = ", ".join(map(str, codes))
        lines.append(f"{name:<16}{ends:<10}{bookings:>10}{mails:>7}")
    shown("crash", "\n".join(lines))


def test_restart_forgets_what_was_handled(play):
    assert play("book-outbox", "forgetful-dies", "forgetful") == ([-9, -9, 0], 1, 2)
    assert play("book-outbox", "relay-dies", "relay") == ([-9, -9, 0], 1, 1)


def test_poison_event_stops_the_rest(work):
    for start in (9, 11):
        service_of(work).book(Booking("attic", WISH.day, start, start + 2, 6))

    def heard_after_three_looks(bus: Bus) -> list[int]:
        heard: list[int] = []

        def chokes(event: Event) -> None:
            if event.number == 1:
                raise ValueError("cannot read this event")
            heard.append(event.number)

        relay = Relay(work, bus_of(chokes, bus=bus), every=1)
        for _ in range(3):
            relay.run_once()
        return heard

    parked: list[Event] = []
    assert heard_after_three_looks(Bus()) == []
    assert heard_after_three_looks(PatientBus(3, parked.append)) == [2]
    assert [event.number for event in parked] == [1]


def on_postgres(postgres: str) -> str:
    return postgres.replace("postgresql://", "postgresql+psycopg://")


def test_every_worker_publishes_the_event(postgres):
    def heard_by_two(relay_of: Callable[[Sessions, Bus], Relay]) -> list[str]:
        """Who publishes an event; the second looks while the first is at it."""
        heard: list[str] = []
        with opened(on_postgres(postgres)) as sessions:
            service_of(SqlUnitOfWork(sessions)).book(WISH)

            def second(event: Event) -> None:
                heard.append("second")

            def first(event: Event) -> None:
                heard.append("first")
                relay_of(sessions, bus_of(second)).run_once()

            relay_of(sessions, bus_of(first)).run_once()
            database.Base.metadata.drop_all(sessions.kw["bind"])
        return heard

    def trap(sessions: Sessions, bus: Bus) -> Relay:
        return Relay(SqlUnitOfWork(sessions), bus, every=1)

    def fix(sessions: Sessions, bus: Bus) -> Relay:
        return SoleRelay(sessions, SqlUnitOfWork(sessions), bus, every=1)

    assert heard_by_two(trap) == ["first", "second"]
    assert heard_by_two(fix) == ["first"]


class AfterTheLastNumber:
    """Remembers how far it read, as a file position."""

    def __init__(self, sessions: Sessions) -> None:
        self._sessions = sessions
        self._last = 0

    def unread(self) -> list[int]:
        with self._sessions() as session:
            later = select(OutboxRow.number).where(OutboxRow.number > self._last)
            numbers = list(session.scalars(later.order_by(OutboxRow.number)))
        self._last = max([self._last, *numbers])
        return numbers


class ByItsMark:
    """Marks what it read, as the app does."""

    def __init__(self, sessions: Sessions) -> None:
        self._work = SqlUnitOfWork(sessions)

    def unread(self) -> list[int]:
        with self._work as work:
            events = work.outbox.pending()
            for event in events:
                work.outbox.published(event)
            work.commit()
        return [event.number for event in events]


def test_last_number_skips_an_event(postgres):
    def read(reader_of: Callable[[Sessions], Any]) -> list[list[int]]:
        """What is read while number 1 is not committed, and after it is."""
        with opened(on_postgres(postgres)) as sessions:
            reader = reader_of(sessions)
            slow, quick = SqlUnitOfWork(sessions), SqlUnitOfWork(sessions)
            with slow, quick:
                assert slow.outbox.add(Booked(WISH)).number == 1
                assert quick.outbox.add(Booked(WISH)).number == 2
                quick.commit()
                before = reader.unread()
                slow.commit()
            seen = [before, reader.unread()]
            database.Base.metadata.drop_all(sessions.kw["bind"])
        return seen

    assert read(AfterTheLastNumber) == [[2], []]
    assert read(ByItsMark) == [[2], [1]]


def test_the_mark_and_the_mail_are_one_commit():
    with opened("sqlite://") as sessions:
        mailbox = Mailbox(sessions)
        for _ in range(2):
            mailbox(Booked(WISH, 1))
        mailbox(Cancelled(WISH, 2))
        with sessions() as session:
            mails = session.scalars(select(MailRow.text)).all()
    assert mails == ["Booked: attic", "Cancelled: attic"]


def test_a_row_with_a_renamed_field_stops_the_relay():
    with opened("sqlite://") as sessions:
        with sessions.begin() as session:
            old = '{"place": "attic", "day": "2099-03-02", "start": 9, "end": 11}'
            session.add(OutboxRow(kind="Booked", booking=old))
        service_of(SqlUnitOfWork(sessions)).book(WISH)
        heard: list[Event] = []
        relay = Relay(SqlUnitOfWork(sessions), bus_of(heard.append), every=1)
        with pytest.raises(ValidationError, match="room"):
            relay.run_once()
        assert heard == []


def test_a_second_mark_takes_its_mail_back():
    with opened("sqlite://") as sessions:
        Mailbox(sessions)(Booked(WISH, 1))
        with sessions() as session:
            session.add(HandledRow(consumer="mailbox", number=1))
            session.add(MailRow(text="the same again"))
            with pytest.raises(IntegrityError):
                session.commit()
        with sessions() as session:
            assert session.scalars(select(MailRow.text)).all() == ["Booked: attic"]
