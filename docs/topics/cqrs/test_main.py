import ast
import json
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import date
from pathlib import Path
from typing import Any

import pytest
import real
import traps
from app import database
from app.bookings.domain import Booking
from app.bookings.events import Booked, Cancelled, Event
from app.bookings.sql import SqlUnitOfWork
from app.bus import Bus
from app.main import create_app
from app.plan.models import PlanRow
from app.plan.projector import Projector
from app.plan.queries import plan_of_day
from app.relay import Relay
from app.rooms.models import RoomRow
from app.settings import Settings
from fastapi import FastAPI
from pydantic import SecretStr
from sqlalchemy import Engine, event, select
from sqlalchemy.orm import Session, sessionmaker

DAY = date(2099, 3, 2)
MORNING = Booking("attic", DAY, 9, 11, 6, id=1)
NOON = Booking("attic", DAY, 11, 13, 2, id=2)
ATTIC = {"name": "attic", "seats": 12}
WISH = {"room": "attic", "day": "2099-03-02", "start": 9, "end": 11, "people": 6}
PLAN = "/plan?day=2099-03-02"


@contextmanager
def stored(url: str = "sqlite://") -> Iterator[sessionmaker[Session]]:
    with database.opened(url) as sessions:
        with sessions.begin() as session:
            session.add(RoomRow(name="attic", seats=12))
        yield sessions


def taken(sessions: sessionmaker[Session]) -> list[list[int]]:
    with sessions() as session:
        row = session.get(PlanRow, ("attic", DAY))
        return row.taken if row else []


def quiet_app() -> FastAPI:
    """The app, with a relay that the test runs itself."""
    return create_app(
        Settings(relay_seconds=3600, database_url=SecretStr("sqlite://"))
    )


def relay_of(app: FastAPI) -> Relay:
    bus, sessions = Bus(), app.state.sessions
    for kind in (Booked, Cancelled):
        bus.on(kind, Projector(sessions))
    return Relay(SqlUnitOfWork(sessions), bus, every=3600)


async def test_a_booking_names_its_event(client):
    await client.post("/rooms", json=ATTIC)
    booked = await client.post("/bookings", json=WISH)
    assert (booked.status_code, booked.json()) == (201, {**WISH, "id": 1})
    assert booked.headers["event"] == "1"
    listed = await client.get("/bookings?room=attic&day=2099-03-02")
    assert listed.json() == [{**WISH, "id": 1}]
    cancelled = await client.delete("/bookings/1")
    assert (cancelled.status_code, cancelled.headers["event"]) == (204, "2")


async def test_the_plan_follows_when_the_relay_ran(client_for, shown):
    async with client_for(app := quiet_app()) as http:
        await http.post("/rooms", json=ATTIC)
        booked = await http.post("/bookings", json=WISH)
        number = booked.headers["event"]
        steps = [f"POST /bookings            {booked.status_code}, Event: {number}"]
        for _ in range(2):
            for address in (PLAN, f"{PLAN}&after={number}"):
                seen = await http.get(address)
                what = (
                    seen.json()[0]["taken"] if seen.status_code == 200 else "later"
                )
                steps.append(
                    f"GET /plan{'?after=1' if 'after' in address else '':17}"
                    f"{seen.status_code}, {what}"
                )
            if not steps[-1].startswith("the relay") and len(steps) == 3:
                relay_of(app).run_once()
                steps.append("the relay runs")
    shown("behind", "\n".join(steps))
    assert [step.split()[-1] for step in steps] == [
        "1", "[]", "later", "runs", "11]]", "11]]",
    ]  # fmt: skip


async def test_a_cancelled_booking_leaves_the_plan(client_for):
    async with client_for(app := quiet_app()) as http:
        await http.post("/rooms", json=ATTIC)
        await http.post("/bookings", json=WISH)
        await http.delete("/bookings/1")
        assert relay_of(app).run_once() == 2
        assert (await http.get(PLAN)).json() == [
            {"room": "attic", "seats": 12, "taken": [], "as_of": 2}
        ]


async def test_a_plan_can_ask_for_seats(client_for):
    async with client_for(quiet_app()) as http:
        await http.post("/rooms", json=ATTIC)
        await http.post("/rooms", json={"name": "lab", "seats": 4})
        rooms = (await http.get(f"{PLAN}&people=5")).json()
        assert [room["room"] for room in rooms] == ["attic"]
        assert (await http.get(f"{PLAN}&people=0")).status_code == 422


async def test_a_repeated_key_names_the_first_event(client_for):
    async with client_for(quiet_app()) as http:
        await http.post("/rooms", json=ATTIC)
        headers = {"Idempotency-Key": "a"}
        events = [
            (await http.post("/bookings", json=WISH, headers=headers)).headers[
                "event"
            ]
            for _ in range(2)
        ]
    assert events == ["1", "1"]


async def test_the_plan_can_be_made_anew(client_for):
    async with client_for(app := quiet_app()) as http:
        await http.post("/rooms", json=ATTIC)
        for start in (9, 11, 15):
            wish = {**WISH, "start": start, "end": start + 1}
            await http.post("/bookings", json=wish)
        await http.delete("/bookings/2")
        relay_of(app).run_once()
        kept = (await http.get(PLAN)).json()
        with app.state.sessions.begin() as session:
            session.get_one(PlanRow, ("attic", DAY)).taken = [[0, 24]]
        assert real.rebuild(app.state.sessions) == 1
        assert (await http.get(f"{PLAN}&after=4")).json() == kept


def test_on_the_wire_the_old_requests_answer_the_same(bundle_dir):
    def answers(topic: str) -> list[tuple[Any, ...]]:
        recorded = json.loads(
            (bundle_dir.parent / topic / "responses.json").read_text()
        )["answers"]
        return [(a["name"], a["status"], a.get("body")) for a in recorded]

    assert answers("cqrs") == answers("service-layer")


# --8<-- [start:dependency-rule]
INNER = [
    "domain",
    "errors",
    "events",
    "policy",
    "ports",
    "repository",
    "unit_of_work",
    "commands",
    "handlers",
]


def imports_of(path: Path) -> set[str]:
    tree = ast.parse(path.read_text())
    found: set[str] = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.ImportFrom):
            found.add("." * node.level + (node.module or ""))
        elif isinstance(node, ast.Import):
            found.update(name.name for name in node.names)
    return found


@pytest.mark.parametrize("name", INNER)
def test_the_inside_imports_nothing_from_outside(bundle_dir: Path, name: str):
    allowed = {f"app.bookings.{inner}" for inner in INNER}
    for module in imports_of(bundle_dir / "app" / "bookings" / f"{name}.py"):
        assert module in allowed or module.split(".")[0] in sys.stdlib_module_names


# --8<-- [end:dependency-rule]


def test_the_rule_notices_an_import_from_outside(tmp_path):
    (tmp_path / "leaky.py").write_text(
        "from sqlalchemy import select\nfrom . import sql\nimport json\n"
    )
    found = imports_of(tmp_path / "leaky.py")
    assert found == {"sqlalchemy", ".", "json"}
    assert found - set(sys.stdlib_module_names) == {"sqlalchemy", "."}


# --- gotchas


async def test_user_does_not_see_the_own_booking(client_for):
    async def sees(after: bool) -> Any:
        """What a user is shown right after booking, before the relay ran."""
        async with client_for(quiet_app()) as http:
            await http.post("/rooms", json=ATTIC)
            number = (await http.post("/bookings", json=WISH)).headers["event"]
            seen = await http.get(PLAN + (f"&after={number}" if after else ""))
        return (
            seen.json()[0]["taken"] if seen.status_code == 200 else seen.status_code
        )

    assert await sees(after=False) == []
    assert await sees(after=True) == 503


def test_event_that_comes_twice_counts_twice():
    def taken_after(kind: type[Projector], *events: Event) -> list[list[int]]:
        with stored() as sessions:
            projector = kind(sessions)
            for event in events:
                projector(event)
            return taken(sessions)

    booked, cancelled = Booked(MORNING, 1), Cancelled(MORNING, 2)
    twice = booked, booked
    late = booked, cancelled, booked
    assert taken_after(traps.CountsEveryDelivery, *twice) == [[9, 11], [9, 11]]
    assert taken_after(traps.CountsEveryDelivery, *late) == [[9, 11]]
    assert taken_after(Projector, *twice) == [[9, 11]]
    assert taken_after(Projector, *late) == []


def test_late_commit_is_lost_behind_a_position(postgres):
    """Number 1 is taken first and committed last: the outbox shows 2 before 1."""

    def plan_after(kind: type[Projector], sessions: sessionmaker[Session]) -> Any:
        bus = Bus()
        bus.on(Booked, kind(sessions))
        relay = Relay(SqlUnitOfWork(sessions), bus, every=1)
        slow, quick = SqlUnitOfWork(sessions), SqlUnitOfWork(sessions)
        with slow:
            slow.outbox.add(Booked(MORNING))
            with quick:
                quick.outbox.add(Booked(NOON))
                quick.commit()
            assert relay.run_once() == 1
            slow.commit()
        assert relay.run_once() == 1
        return taken(sessions)

    url = postgres.replace("postgresql://", "postgresql+psycopg://")
    with stored(url) as sessions:
        assert plan_after(traps.RemembersThePosition, sessions) == [[11, 13]]
        with sessions.begin() as session:
            session.delete(session.get_one(PlanRow, ("attic", DAY)))
        assert plan_after(Projector, sessions) == [[9, 11], [11, 13]]


def test_two_projectors_at_once_overwrite_each_other(postgres):
    evening = Booking("attic", DAY, 17, 18, 2, id=3)

    class ReadsAndIsOvertaken(Projector):
        def _apply(self, session: Session, event: Event) -> None:
            read = session.get_one(PlanRow, ("attic", DAY))
            Projector(self._sessions)(Booked(evening, 3))
            Projector._apply(session, event)
            assert session.get_one(PlanRow, ("attic", DAY)) is read

    url = postgres.replace("postgresql://", "postgresql+psycopg://")
    with stored(url) as sessions:
        Projector(sessions)(Booked(MORNING, 1))
        ReadsAndIsOvertaken(sessions)(Booked(NOON, 2))
        assert taken(sessions) == [[9, 11], [11, 13]]


def test_list_through_objects_asks_room_by_room(shown):
    def statements(read: Callable[[Session], Any]) -> int:
        count = 0

        def note(*_: Any) -> None:
            nonlocal count
            count += 1

        with stored() as sessions:
            with sessions.begin() as session:
                session.add_all(RoomRow(name=f"r{n}", seats=4) for n in range(49))
            with sessions() as session:
                engine = session.get_bind()
                assert isinstance(engine, Engine)
                event.listen(engine, "before_cursor_execute", note)
                assert len(read(session)) == 50
        return count

    objects = statements(lambda session: traps.plan_by_objects(session, DAY))
    join = statements(lambda session: traps.plan_by_join(session, DAY))
    kept = statements(lambda session: plan_of_day(session, DAY, 1))
    shown(
        "statements",
        f"through the repository   {objects} statements for 50 rooms\n"
        f"one join                 {join} statement\n"
        f"the kept plan            {kept} statement",
    )
    assert objects == 51
    assert (join, kept) == (1, 1)


def test_join_and_plan_say_the_same():
    with stored() as sessions:
        unit = SqlUnitOfWork(sessions)
        with unit:
            for booking in (MORNING, NOON):
                unit.bookings.add(booking)
                unit.outbox.add(Booked(booking))
            unit.commit()
        bus = Bus()
        bus.on(Booked, Projector(sessions))
        Relay(unit, bus, every=1).run_once()
        with sessions() as session:
            joined = traps.plan_by_join(session, DAY)
            objects = traps.plan_by_objects(session, DAY)
            kept = plan_of_day(session, DAY, 1)
            assert session.scalars(select(PlanRow.as_of)).all() == [2]
    assert [plan.taken for plan in joined] == [plan.taken for plan in kept]
    assert objects == joined


def test_poison_event_stops_the_plan():
    def published(handler: Callable[[Event], None]) -> int:
        with stored() as sessions:
            unit = SqlUnitOfWork(sessions)
            with unit:
                for booking in (MORNING, NOON):
                    unit.outbox.add(Booked(booking))
                unit.commit()
            bus = Bus()
            bus.on(Booked, handler)
            return Relay(unit, bus, every=1).run_once()

    def trap(event: Event) -> None:
        raise ValueError("cannot read this one")

    def fix(event: Event) -> None:
        try:
            trap(event)
        except ValueError:
            parked.append(event.number)

    parked: list[int] = []
    assert published(trap) == 0
    assert published(fix) == 2
    assert parked == [1, 2]
