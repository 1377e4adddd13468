import ast
import json
import logging
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import date
from pathlib import Path
from typing import Any
from unittest.mock import Mock, create_autospec

import fastapi.dependencies.utils
import pytest
import real
import shapes
import traps
from app import database
from app.bookings.dependencies import get_clock, get_notifier, get_service
from app.bookings.domain import Booking, Room
from app.bookings.errors import Conflict, Impossible
from app.bookings.memory import MemoryUnitOfWork
from app.bookings.policy import Policy
from app.bookings.ports import Clock, Notifier
from app.bookings.service import BookingService
from app.bookings.sql import SqlUnitOfWork
from app.bookings.unit_of_work import UnitOfWork
from app.clock import SystemClock
from app.main import create_app
from app.notices import LogNotifier
from app.rooms.models import RoomRow
from app.settings import Settings
from container import Container
from fakes import FixedClock, RecordingNotifier
from sqlalchemy.orm import Session, sessionmaker

DAY = date(2099, 3, 2)
EVE = date(2099, 3, 1)
MORNING = Booking("attic", DAY, 9, 11, 6)
ATTIC = {"name": "attic", "seats": 12}
WISH = {"room": "attic", "day": "2099-03-02", "start": 9, "end": 11, "people": 6}


# --8<-- [start:rules]
@pytest.fixture
def clock() -> FixedClock:
    return FixedClock(EVE)


@pytest.fixture
def notifier() -> RecordingNotifier:
    return RecordingNotifier()


@pytest.fixture
def service(clock: FixedClock, notifier: RecordingNotifier) -> BookingService:
    work = MemoryUnitOfWork(Room("attic", seats=12))
    return BookingService(work, Policy(), clock, notifier)


def test_cancelling_ends_with_the_day_before(
    service: BookingService, clock: FixedClock, notifier: RecordingNotifier
):
    booked = service.book(MORNING)
    clock.day = DAY
    with pytest.raises(Conflict, match="until the day before"):
        service.cancel(booked.id)
    clock.day = EVE
    service.cancel(booked.id)
    assert notifier.sent == [("booked", booked), ("cancelled", booked)]


# --8<-- [end:rules]


def test_a_day_that_is_over_cannot_be_booked(
    service: BookingService, clock: FixedClock, notifier: RecordingNotifier
):
    clock.day = date(2099, 3, 3)
    with pytest.raises(Impossible, match="2099-03-02 is over"):
        service.book(MORNING)
    assert notifier.sent == []


# --8<-- [start:contract]
@pytest.fixture(params=[LogNotifier, RecordingNotifier, traps.MailNotifier])
def any_notifier(request: pytest.FixtureRequest) -> Notifier:
    made = request.param()
    return real.Quiet(made) if request.param is traps.MailNotifier else made


def test_telling_never_raises_and_answers_nothing(any_notifier: Notifier):
    booked = replace(MORNING, id=1)
    assert any_notifier.booked(booked) is None
    assert any_notifier.cancelled(booked) is None


@pytest.mark.parametrize("clock", [SystemClock("UTC"), FixedClock(EVE)])
def test_today_is_a_day_and_time_runs_forward(clock: Clock):
    first, second = clock.today(), clock.today()
    assert type(first) is date
    assert first <= second


# --8<-- [end:contract]


async def test_a_past_day_is_refused_over_http(client):
    await client.post("/rooms", json=ATTIC)
    past = await client.post("/bookings", json={**WISH, "day": "2020-03-02"})
    assert (past.status_code, past.json()) == (
        422,
        {"detail": "2020-03-02 is over"},
    )
    booked = await client.post("/bookings", json=WISH)
    assert (booked.status_code, booked.json()) == (201, {**WISH, "id": 1})


# --8<-- [start:override]
async def test_the_clock_is_replaced_in_the_whole_app(client_for):
    app = create_app(Settings(database_url="sqlite://"))
    app.dependency_overrides[get_clock] = lambda: FixedClock(DAY)
    async with client_for(app) as http:
        await http.post("/rooms", json=ATTIC)
        booked = await http.post("/bookings", json=WISH)
        refused = await http.delete("/bookings/1")
    assert (booked.status_code, refused.status_code) == (201, 409)


# --8<-- [end:override]


async def test_the_annotation_is_not_checked_when_a_request_comes(client_for):
    app = create_app(Settings(database_url="sqlite://"))
    app.dependency_overrides[get_clock] = lambda: object()
    async with client_for(app) as http:
        await http.post("/rooms", json=ATTIC)
        assert (await http.get("/bookings?room=attic&day=2099-03-02")).json() == []
        assert (await http.post("/bookings", json=WISH)).status_code == 500


async def test_each_sync_dependency_is_a_trip_to_the_thread_pool(
    client_for, monkeypatch
):
    trips: list[str] = []
    original = fastapi.dependencies.utils.run_in_threadpool

    async def counting(call: Callable[..., Any], *args: Any, **kwargs: Any) -> Any:
        trips.append(call.__name__)
        return await original(call, *args, **kwargs)

    monkeypatch.setattr(fastapi.dependencies.utils, "run_in_threadpool", counting)
    async with client_for(create_app(Settings(database_url="sqlite://"))) as http:
        await http.get("/bookings?room=attic&day=2099-03-02")
    assert trips == [
        "get_work",
        "get_policy",
        "get_clock",
        "get_notifier",
        "get_service",
    ]


def test_on_the_wire_only_the_past_is_new(bundle_dir):
    def answers(topic: str) -> dict[str, tuple[Any, ...]]:
        recorded = json.loads(
            (bundle_dir.parent / topic / "responses.json").read_text()
        )["answers"]
        return {a["name"]: (a["status"], a.get("body")) for a in recorded}

    before, now = answers("settings"), answers("dependency-inversion")
    assert {name: now[name] for name in before} == before
    assert set(now) - set(before) == {"over"}


def imported(file: Path) -> set[str]:
    """The modules that a file imports; of other packages only the name."""
    names: set[str] = set()
    for node in ast.walk(ast.parse(file.read_text())):
        if isinstance(node, ast.ImportFrom) and node.module:
            names.add(node.module)
        elif isinstance(node, ast.Import):
            names.update(alias.name for alias in node.names)
    ours = {name for name in names if name.startswith("app.")}
    others = {name.split(".")[0] for name in names - ours - {"app"}}
    return ours | (others - set(sys.stdlib_module_names))


def short(modules: set[str]) -> str:
    return ", ".join(sorted(name.removeprefix("app.bookings.") for name in modules))


def test_arrows_point_inward(bundle_dir, shown):
    folder = bundle_dir / "app"
    arrows = {
        name: imported(folder / name)
        for name in (
            "bookings/ports.py",
            "bookings/service.py",
            "bookings/sql.py",
            "clock.py",
            "notices.py",
            "bookings/dependencies.py",
        )
    }
    shown(
        "imports",
        "\n".join(
            f"{name}\n    {short(found) or 'nothing of ours'}"
            for name, found in arrows.items()
        ),
    )
    inside = {
        f"app.bookings.{name}"
        for name in ("domain", "errors", "policy", "ports", "unit_of_work")
    }
    assert arrows["bookings/ports.py"] <= inside
    assert arrows["bookings/service.py"] <= inside


def test_the_rules_run_without_a_framework(bundle_dir):
    code = (
        "import sys, app.bookings.service;"
        "print({'fastapi', 'sqlalchemy', 'pydantic'} & set(sys.modules))"
    )
    done = subprocess.run(
        [sys.executable, "-B", "-c", code],
        cwd=bundle_dir,
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stdout.strip() == "set()"


def test_a_type_checker_compares_the_shapes(workdir, shown):
    seen = [
        line
        for line in (workdir / "shapes.py").read_text().splitlines()
        if not line.startswith("# --8")
    ]
    (workdir / "shapes.py").write_text("\n".join(seen) + "\n")
    options = ["--config-file=", "--cache-dir=/dev/null", "--no-error-summary"]
    options.append("--hide-error-codes")
    done = subprocess.run(
        [sys.executable, "-m", "mypy", "--strict", *options, "shapes.py"],
        cwd=workdir,
        capture_output=True,
        text=True,
    )
    shown("mypy", done.stdout.strip())
    errors = [line for line in done.stdout.splitlines() if ": error:" in line]
    names = ["Misspelled", "Text", "InheritsProtocol", "InheritsAbc"]
    for name, line in zip(names, errors, strict=True):
        assert f'"{name}"' in line
    assert "Moment" not in done.stdout


def test_isinstance_compares_names_only():
    assert not isinstance(shapes.Misspelled(), shapes.CheckableClock)
    assert isinstance(shapes.Text(), shapes.CheckableClock)


@pytest.fixture
def container() -> Container:
    container = Container()
    container.provide(UnitOfWork, lambda: MemoryUnitOfWork(Room("attic", 12)))
    container.provide(Policy, lambda: Policy())
    container.provide(Clock, lambda: FixedClock(EVE))
    container.provide(BookingService, BookingService)
    return container


def test_a_container_builds_the_service(container):
    container.provide(Notifier, RecordingNotifier)
    assert container.get(BookingService).book(MORNING).id == 1


def test_a_container_misses_a_binding_when_it_is_asked(container):
    with pytest.raises(LookupError, match="nothing provides Notifier"):
        container.get(BookingService)


# --- gotchas


async def test_protocol_becomes_query_parameters(client_for):
    async def answer(path: str) -> tuple[int, list[str]]:
        async with client_for(traps.app) as http:
            response = await http.get(path)
        errors = response.json()["detail"] if response.is_error else []
        return response.status_code, [error["loc"][-1] for error in errors]

    assert await answer("/trap") == (422, ["args", "kwargs"])
    assert await answer("/fix") == (200, [])


def test_inherited_stub_answers_none():
    def noticed(kind: type[Any]) -> str:
        """When the missing method is noticed."""
        try:
            clock = kind()
        except TypeError:
            return "when it is made"
        try:
            return f"never: {clock.today()}"
        except AttributeError:
            return "when it is called"

    assert noticed(shapes.InheritsProtocol) == "never: None"
    assert noticed(shapes.InheritsAbc) == "when it is made"
    assert noticed(shapes.Misspelled) == "when it is called"


def test_datetime_fits_and_fails():
    def outcome(clock: Clock) -> str:
        work = MemoryUnitOfWork(Room("attic", seats=12))
        service = BookingService(work, Policy(), clock, RecordingNotifier())
        try:
            return f"booking {service.book(MORNING).id}"
        except TypeError as error:
            return str(error)

    assert outcome(shapes.Moment()) in {
        "can't compare datetime.datetime to datetime.date",
        "'<' not supported between instances of 'datetime.date' and "
        "'datetime.datetime'",  # as Python 3.13 and later say it
    }
    assert outcome(FixedClock(EVE)) == "booking 1"


def test_mock_answers_everything():
    def green(notifier: Notifier) -> bool:
        """Whether a test of `remind` would pass, which calls what is not there."""
        try:
            traps.remind(notifier, MORNING)
        except AttributeError:
            return False
        return True

    assert green(Mock()) is True
    assert green(create_autospec(Notifier, instance=True)) is False
    assert green(RecordingNotifier()) is False


async def test_adapter_breaks_the_promise(client_for, caplog):
    async def booked_with(notifier: Notifier) -> tuple[int, int]:
        """The status of a booking, and how many bookings there are then."""
        app = create_app(Settings(database_url="sqlite://"))
        app.dependency_overrides[get_notifier] = lambda: notifier
        async with client_for(app) as http:
            await http.post("/rooms", json=ATTIC)
            answer = await http.post("/bookings", json=WISH)
            day = await http.get("/bookings?room=attic&day=2099-03-02")
        return answer.status_code, len(day.json())

    assert await booked_with(traps.MailNotifier()) == (500, 1)
    with caplog.at_level(logging.ERROR, "rooms.notices"):
        assert await booked_with(real.Quiet(traps.MailNotifier())) == (201, 1)
    assert "nobody was told about booking 1" in caplog.text


@contextmanager
def sessions_on(url: str) -> Iterator[sessionmaker[Session]]:
    with database.opened(url) as sessions:
        with sessions() as session:
            session.add(RoomRow(name="attic", seats=12))
            session.commit()
        yield sessions


def test_one_unit_of_work_for_all(tmp_path):
    def stored(file: str, shared: bool) -> int:
        """How many bookings remain when two requests overlap."""
        with sessions_on(f"sqlite:///{tmp_path / file}") as sessions:
            kept = SqlUnitOfWork(sessions)

            def get_work() -> UnitOfWork:
                return kept if shared else SqlUnitOfWork(sessions)

            with get_work() as first:
                first.bookings.add(MORNING)
                with get_work() as second:
                    second.bookings.of_day("attic", DAY)
                first.commit()
            with SqlUnitOfWork(sessions) as work:
                return len(work.bookings.of_day("attic", DAY))

    assert stored("shared.db", shared=True) == 0
    assert stored("own.db", shared=False) == 1


async def test_every_request_gets_a_unit_of_work_of_its_own(client_for):
    seen: list[UnitOfWork] = []
    app = create_app(Settings(database_url="sqlite://"))

    @app.get("/work")
    def work(work: traps.WorkDep) -> None:
        seen.append(work)

    async with client_for(app) as http:
        await http.get("/work")
        await http.get("/work")
    assert seen[0] is not seen[1]


def test_depends_outside_a_request(tmp_path):
    url = f"sqlite:///{tmp_path / 'rooms.db'}"

    def outcome(book: Callable[[], int]) -> str:
        try:
            return f"booking {book()}"
        except TypeError as error:
            return str(error)

    def trap() -> int:
        return get_service().book(MORNING).id  # type: ignore[call-arg]

    def fix() -> int:
        with real.opened_service(Settings(database_url=url)) as service:
            return service.book(MORNING).id

    with sessions_on(url):
        assert outcome(trap) == (
            "get_service() missing 4 required positional arguments: "
            "'work', 'policy', 'clock', and 'notifier'"
        )
        assert outcome(fix) == "booking 1"
