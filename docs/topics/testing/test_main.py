import asyncio
import importlib.util
import inspect
import itertools
import os
import re
import shutil
import sys
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from datetime import date
from unittest.mock import Mock, create_autospec, patch

import anyio
import httpx2
import main
import pytest
import starlette.testclient
from asgi_lifespan import LifespanManager
from fastapi import APIRouter, Depends, FastAPI, Request, WebSocket
from fastapi.responses import RedirectResponse
from fastapi.sse import EventSourceResponse
from fastapi.testclient import TestClient
from sqlalchemy import StaticPool, String, create_engine, func, select, text
from sqlalchemy.exc import DataError, OperationalError
from sqlalchemy.ext.asyncio import create_async_engine
from sqlalchemy.orm import DeclarativeBase, Mapped, Session, mapped_column
from starlette.exceptions import StarletteDeprecationWarning
from starlette.websockets import WebSocketDisconnect, WebSocketDisconnected

IMPORTS = (
    "asgi_lifespan",
    "fastapi.testclient",
    "sqlalchemy.orm",
    "sqlalchemy.dialects.sqlite",
)
ORDER = {"tea": "assam", "grams": 100}
SATURDAY = date(2026, 11, 28)


class Base(DeclarativeBase):
    pass


class Tea(Base):
    __tablename__ = "teas"
    name: Mapped[str] = mapped_column(String(5), primary_key=True)


@contextmanager
def async_client(app):
    """A client on the plain transport, without anything that runs the lifespan."""
    transport = httpx2.ASGITransport(app)
    yield httpx2.AsyncClient(transport=transport, base_url="http://test")


@pytest.fixture
def run_pytest(warm):
    """Start pytest in a folder, as a reader would, in a process of its own."""
    process = warm(*IMPORTS)

    def start(folder, *arguments):
        plain = ["--no-header", "-v", "-p", "no:cacheprovider", "-p", "anyio"]
        # This process has imported anyio already, as a reader's has not.
        plain += ["-W", "ignore:Module already imported"]
        env = os.environ | {"PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1"}
        return process.start("pytest", *plain, *arguments, cwd=folder, env=env)

    return start


def printed_by(run):
    out, errors = run.communicate()
    return re.sub(r" in \d+\.\d+s", "", out + errors)


# How the app behaves, and how its tests do


async def test_an_order_has_a_price_and_a_day(client, monkeypatch):
    overrides = main.app.dependency_overrides
    for day, arrives in [(28, 30), (27, 28)]:
        monkeypatch.setitem(
            overrides, main.today, lambda day=day: date(2026, 11, day)
        )
        answer = await client.post("/orders", json=ORDER)
        assert answer.status_code == 201
        assert answer.json() == {"cents": 700, "arrives": f"2026-11-{arrives}"}


async def test_an_unknown_tea_is_not_found(client):
    answer = await client.post("/orders", json=ORDER | {"tea": "coffee"})
    assert answer.status_code == 404
    assert answer.json() == {"detail": "We do not sell this tea"}


async def test_an_order_of_nothing_is_refused(client):
    answer = await client.post("/orders", json=ORDER | {"grams": 0})
    assert answer.status_code == 422
    assert answer.json()["detail"][0]["loc"] == ["body", "grams"]


async def test_the_real_clock_is_asked_when_nothing_is_overridden(client):
    before = main.today()
    answer = await client.post("/orders", json=ORDER)
    assert date.fromisoformat(answer.json()["arrives"]) > before


def test_the_tests_of_the_shop_pass(run_pytest, workdir, shown):
    orders = run_pytest(workdir, "orders_test.py")
    shop = run_pytest(workdir / "real")
    first, second = printed_by(orders), printed_by(shop)
    assert (orders.returncode, shop.returncode) == (0, 0), first + second
    shown("orders-test", results(first))
    assert "5 passed" in second


def test_the_tests_find_a_shop_that_is_broken(
    run_pytest, bundle_dir, tmp_path, shown
):
    source = (bundle_dir / "real/shop.py").read_text()
    charge = "    till.charge(order.grams * CENTS_PER_GRAM)\n"
    commit = "    db.commit()\n    return order\n"
    take = source[source.index("    take = (") : source.index(charge)]

    def start(name, right, wrong):
        assert right in source
        copy = tmp_path / name
        shutil.copytree(bundle_dir / "real", copy)
        (copy / "shop.py").write_text(source.replace(right, wrong))
        return run_pytest(copy, "--tb=line")

    early = "    db.commit()\n" + charge + "    return order\n"
    commits_early = start("early", charge + commit, early)
    wrong_address = start("address", '"/charges"', '"/charge"')
    oversells = start("oversells", take, READ_THEN_WRITE)

    shown("broken-shop", results(printed_by(commits_early)))
    assert "leaves_the_stock FAILED" in printed_by(wrong_address)
    output = printed_by(oversells)
    assert "test_the_last_tea_is_sold_once FAILED" in output
    assert "1 failed, 4 passed" in output


READ_THEN_WRITE = """
    tea = db.get(Tea, order.tea)
    if tea is None or tea.grams < order.grams:
        raise HTTPException(409, "Not enough in stock")
    tea.grams -= order.grams
"""


def test_an_async_test_without_a_plugin_fails(run_pytest, tmp_path):
    empty = "async def test_it():\n    pass\n"
    (tmp_path / "plain_test.py").write_text(empty)
    strict = run_pytest(tmp_path, "plain_test.py")
    auto = run_pytest(tmp_path, "plain_test.py", "-o", "anyio_mode=auto")
    output = printed_by(strict)
    assert strict.returncode == 1
    assert "async def functions are not natively supported" in output
    assert "plain_test.py::test_it[asyncio] PASSED" in printed_by(auto)


def results(output):
    kept = r"(\w+_test\.py::.*?) +\[.*\]|(E  .*)|=+ (\d+ (?:passed|failed).*) =+"
    found = (re.fullmatch(kept, line) for line in output.splitlines())
    return "\n".join(next(filter(None, each.groups())) for each in found if each)


def test_anyio_takes_every_event_loop_library_that_is_installed():
    installed = importlib.util.find_spec("trio") is not None
    assert anyio.get_all_backends() == ("asyncio", "trio")
    assert ("trio" in anyio.get_available_backends()) is installed


# What each client does


def test_what_the_clients_do(shown):
    started = []

    @asynccontextmanager
    async def lifespan(app):
        started.append(True)
        yield

    app = FastAPI(lifespan=lifespan)

    @app.get("/broken")
    async def broken():
        raise ZeroDivisionError("broken")

    @app.get("/old")
    async def old() -> RedirectResponse:
        return RedirectResponse("/docs")

    @app.get("/loop")
    async def loop() -> int:
        loops.append(asyncio.get_running_loop())
        return len(loops)

    async def ask(ask_get):
        answer = ask_get
        return await answer if inspect.isawaitable(answer) else answer

    async def facts(http):
        started.clear()
        redirect = await ask(http.get("/old"))
        try:
            await ask(http.get("/broken"))
            error = "500"
        except ZeroDivisionError:
            error = "raised in the test"
        loops.clear()
        await ask(http.get("/loop"))
        await ask(http.get("/loop"))
        own = asyncio.get_running_loop()
        return {
            "base address": str(http.base_url),
            "redirect": "followed" if redirect.history else "returned",
            "error in a route": error,
            "event loop": "the test's"
            if loops == [own, own]
            else ("its own" if loops[0] is loops[1] else "a new one each request"),
            "web sockets": "yes" if hasattr(http, "websocket_connect") else "no",
        }

    loops = []

    async def all_facts():
        seen = [await facts(TestClient(app))]
        ran = [bool(started)]
        with TestClient(app) as http:
            ran.append(bool(started))
            seen.append(await facts(http))
        with async_client(app) as http:
            seen.append(await facts(http))
            ran.append(bool(started))
        for each, startup in zip(seen, ran, strict=True):
            each["lifespan"] = "runs" if startup else "does not run"
        return seen

    names = ["TestClient(app)", "with TestClient(app)", "AsyncClient"]
    seen = asyncio.run(all_facts())
    lines = [f"{'':18}" + "".join(f"{name:24}" for name in names).rstrip()]
    for fact in seen[0]:
        cells = "".join(f"{each[fact]:24}" for each in seen)
        lines.append(f"{fact:18}{cells}".rstrip())
    shown("clients", "\n".join(lines))


def test_testclient_is_an_httpx2_client_and_so_are_its_answers():
    client = TestClient(main.app)
    assert isinstance(client, httpx2.Client)
    assert isinstance(client.post("/orders", json=ORDER), httpx2.Response)


def test_without_httpx2_testclient_falls_back_to_httpx_and_warns(monkeypatch):
    def import_again():
        file = starlette.testclient.__file__
        spec = importlib.util.spec_from_file_location("testclient_again", file)
        module = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(module)

    monkeypatch.setitem(sys.modules, "httpx", httpx2)
    import_again()
    monkeypatch.setitem(sys.modules, "httpx2", None)
    with pytest.warns(
        StarletteDeprecationWarning, match="install `httpx2` instead"
    ):
        import_again()
    monkeypatch.setitem(sys.modules, "httpx", None)
    with pytest.raises(RuntimeError, match="requires the httpx2 package"):
        import_again()
    assert issubclass(StarletteDeprecationWarning, UserWarning)


def test_the_app_shortcut_of_asyncclient_is_gone():
    with pytest.raises(TypeError, match="unexpected keyword argument 'app'"):
        httpx2.AsyncClient(app=main.app)


def test_cookies_and_timeout_of_a_single_request_warn():
    client = TestClient(main.app)
    with pytest.warns(DeprecationWarning, match="per-request cookies"):
        client.post("/orders", json=ORDER, cookies={"seen": "1"})
    with pytest.warns(StarletteDeprecationWarning, match="'timeout' argument"):
        client.post("/orders", json=ORDER, timeout=1)
    client.cookies.set("seen", "1")
    assert client.post("/orders", json=ORDER).request.headers["cookie"] == "seen=1"


def test_a_route_that_sends_after_its_close_gets_a_runtime_error():
    app = FastAPI()
    seen = []

    @app.websocket("/")
    async def late(socket: WebSocket):
        await socket.accept()
        await socket.close()
        try:
            await socket.send_text("too late")
        except WebSocketDisconnected as error:
            seen.append(error)

    with (
        TestClient(app) as client,
        client.websocket_connect("/") as socket,
        pytest.raises(WebSocketDisconnect),
    ):
        socket.receive_text()
    assert isinstance(seen[0], RuntimeError)
    assert "once a close message has been sent" in str(seen[0])


def test_receive_has_no_timeout():
    receive = starlette.testclient.WebSocketTestSession.receive_json
    assert list(inspect.signature(receive).parameters) == ["self", "mode"]


def test_subtests_come_with_pytest(subtests):
    assert type(subtests).__module__ == "_pytest.subtests"


def test_an_error_of_the_app_reaches_the_test_or_the_client():
    app = FastAPI()

    @app.get("/")
    async def broken():
        raise ZeroDivisionError("broken")

    with pytest.raises(ZeroDivisionError, match="broken"):
        TestClient(app).get("/")
    answer = TestClient(app, raise_server_exceptions=False).get("/")
    assert (answer.status_code, answer.text) == (500, "Internal Server Error")


# What an override replaces


def test_an_override_reaches_routers_sub_dependencies_and_web_sockets():
    def clock() -> str:
        return "real"

    def user(time: str = Depends(clock)) -> str:
        return f"user at {time} time"

    router = APIRouter()

    @router.get("/")
    async def read(user: str = Depends(user)) -> str:
        return user

    @router.websocket("/live")
    async def live(socket: WebSocket, user: str = Depends(user)):
        await socket.accept()
        await socket.send_text(user)
        await socket.close()

    app = FastAPI()
    app.include_router(router)
    app.dependency_overrides[clock] = lambda: "fixed"
    client = TestClient(app)
    assert client.get("/").json() == "user at fixed time"
    with client.websocket_connect("/live") as socket:
        assert socket.receive_text() == "user at fixed time"


def test_an_overridden_dependency_takes_its_own_dependencies_away():
    asked = []

    def database() -> None:
        asked.append("database")

    def user(db: None = Depends(database)) -> str:
        return "real"

    app = FastAPI()

    @app.get("/")
    async def read(user: str = Depends(user)) -> str:
        return user

    app.dependency_overrides[user] = lambda: "fake"
    assert TestClient(app).get("/").json() == "fake"
    assert asked == []


def test_an_override_may_have_parameters_and_cleanup_of_its_own():
    def user() -> str:
        return "real"

    def clock() -> str:
        return "noon"

    def named(name: str, time: str = Depends(clock)) -> Iterator[str]:
        yield f"{name} at {time}"
        closed.append(name)

    closed = []
    app = FastAPI()

    @app.get("/")
    async def read(user: str = Depends(user)) -> str:
        return user

    app.dependency_overrides[user] = named
    client = TestClient(app)
    assert client.get("/?name=Ada").json() == "Ada at noon"
    assert client.get("/").status_code == 422
    assert closed == ["Ada"]


def test_a_direct_call_of_a_route_skips_validation():
    free = main.Order.model_construct(tea="assam", grams=0)
    assert main.place_order(free, SATURDAY).cents == 0


def test_patching_the_name_changes_nothing(monkeypatch):
    def probe():
        return TestClient(main.app).post("/orders", json=ORDER).json()["arrives"]

    with patch("main.today", return_value=SATURDAY):
        assert probe() != "2026-11-30"
    overrides = main.app.dependency_overrides
    monkeypatch.setitem(overrides, main.today, lambda: SATURDAY)
    assert probe() == "2026-11-30"


# A database for each test


@pytest.fixture
def real(bundle_dir, monkeypatch):
    monkeypatch.syspath_prepend(bundle_dir / "real")
    import rollback
    import shop

    return shop, rollback


def test_a_rollback_takes_back_what_the_routes_committed(real, postgres):
    shop, rollback = real
    url = postgres.replace("postgresql://", "postgresql+psycopg://")
    engine = create_engine(url)
    shop.Base.metadata.create_all(engine)
    app = shop.create_app(url)

    @app.post("/change-your-mind")
    def change_your_mind(db: shop.DB) -> None:
        db.merge(shop.Tea(name="sencha", grams=1))
        db.rollback()

    with rollback.rolled_back(app, engine), TestClient(app) as client:
        client.put("/teas/assam", json={"grams": 50})
        refused = client.post("/orders", json=ORDER)
        assert refused.status_code == 409
        assert client.post("/change-your-mind").status_code == 200
        assert client.get("/teas/sencha").status_code == 404
        assert client.get("/teas/assam").json() == {"grams": 50}
    with Session(engine) as session:
        assert session.scalar(select(func.count()).select_from(shop.Tea)) == 0
    assert app.dependency_overrides == {}
    engine.dispose()


def test_sqlite_accepts_what_postgresql_refuses(postgres):
    def probe(url):
        engine = create_engine(url)
        Base.metadata.create_all(engine)
        try:
            with Session(engine) as session:
                session.add(Tea(name="darjeeling"))
                session.commit()
                return "stored"
        except DataError as error:
            return str(error.orig)
        finally:
            engine.dispose()

    assert probe("sqlite://") == "stored"
    url = postgres.replace("postgresql://", "postgresql+psycopg://")
    assert "value too long for type character varying(5)" in probe(url)


def test_a_database_can_be_copied_from_a_template(postgres):
    server, _, template = postgres.rpartition("/")
    url = server.replace("postgresql://", "postgresql+psycopg://")
    engine = create_engine(f"{url}/{template}")
    Base.metadata.create_all(engine)
    engine.dispose()

    admin = create_engine(f"{url}/postgres", isolation_level="AUTOCOMMIT")
    copy = create_engine(f"{url}/{template}_copy")
    with admin.connect() as connection:
        create = f"CREATE DATABASE {template}_copy TEMPLATE {template}"
        connection.execute(text(create))
        try:
            with Session(copy) as session:
                assert session.scalars(select(Tea)).all() == []
        finally:
            copy.dispose()
            connection.execute(text(f"DROP DATABASE {template}_copy"))
    admin.dispose()


# One proof per gotcha


def test_startup_never_runs():
    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[dict[str, str]]:
        yield {"db": "open"}

    app = FastAPI(lifespan=lifespan)

    @app.get("/")
    async def read(request: Request) -> str:
        return request.state.db

    def probe(http):
        try:
            return http.get("/").json()
        except AttributeError as error:
            return str(error)

    async def async_probe(app):
        with async_client(app) as http:
            try:
                return (await http.get("/")).json()
            except AttributeError as error:
                return str(error)

    async def with_lifespan_context():
        async with app.router.lifespan_context(app):
            return await async_probe(app)

    async def with_manager():
        async with LifespanManager(app) as running:
            return await async_probe(running.app)

    missing = "'State' object has no attribute 'db'"
    assert probe(TestClient(app)) == missing
    with TestClient(app) as http:
        assert probe(http) == "open"
    assert asyncio.run(async_probe(app)) == missing
    assert asyncio.run(with_lifespan_context()) == missing
    assert asyncio.run(with_manager()) == "open"


def test_override_is_never_called():
    def needs(role):
        def check() -> str:
            return "the real check"

        return check

    staff = needs("staff")
    app = FastAPI()

    @app.get("/")
    async def read(checked: str = Depends(staff)) -> str:
        return checked

    def probe(overridden, key, path="/"):
        overridden.dependency_overrides[key] = lambda: "the test's"
        answer = TestClient(app).get(path).json()
        overridden.dependency_overrides.clear()
        return answer

    assert probe(app, needs) == "the real check"
    assert probe(app, needs("staff")) == "the real check"
    assert probe(app, staff) == "the test's"

    mounted = FastAPI()
    mounted.get("/")(read)
    app.mount("/mounted", mounted)
    assert probe(app, staff, "/mounted/") == "the real check"
    assert probe(mounted, staff, "/mounted/") == "the test's"


def test_override_outlives_its_test():
    def user() -> str:
        return "nobody"

    def today() -> str:
        return "Monday"

    def forgets(app: FastAPI) -> Iterator[None]:
        app.dependency_overrides[today] = lambda: "Saturday"
        yield

    def clears(app: FastAPI) -> Iterator[None]:
        app.dependency_overrides[today] = lambda: "Saturday"
        yield
        app.dependency_overrides.clear()

    def restores(app: FastAPI) -> Iterator[None]:
        with pytest.MonkeyPatch.context() as monkeypatch:
            overrides = app.dependency_overrides
            monkeypatch.setitem(overrides, today, lambda: "Saturday")
            yield

    def probe(fixture):
        """Run a test with this fixture; return what the next test sees."""
        app = FastAPI()

        @app.get("/")
        async def read(
            user: str = Depends(user), day: str = Depends(today)
        ) -> list[str]:
            return [user, day]

        app.dependency_overrides[user] = lambda: "Ada, for the whole module"
        running = fixture(app)
        next(running)
        assert TestClient(app).get("/").json()[1] == "Saturday"
        assert next(running, "done") == "done"
        return TestClient(app).get("/").json()

    assert probe(forgets) == ["Ada, for the whole module", "Saturday"]
    assert probe(clears) == ["nobody", "Monday"]
    assert probe(restores) == ["Ada, for the whole module", "Monday"]


def test_mock_asks_for_args():
    def probe(override):
        with pytest.MonkeyPatch.context() as monkeypatch:
            overrides = main.app.dependency_overrides
            monkeypatch.setitem(overrides, main.today, override)
            answer = TestClient(main.app).post("/orders", json=ORDER)
        if answer.status_code == 422:
            return [error["loc"] for error in answer.json()["detail"]]
        return answer.json()["arrives"]

    mock = Mock(return_value=SATURDAY)
    assert probe(mock) == [["query", "args"], ["query", "kwargs"]]
    assert probe(lambda: mock()) == "2026-11-30"
    autospec = create_autospec(main.today, return_value=SATURDAY)
    assert probe(autospec) == "2026-11-30"


def test_memory_database_without_tables():
    def probe(**options):
        engine = create_engine("sqlite://", **options)
        Base.metadata.create_all(engine)
        app = FastAPI()

        @app.get("/")
        def count() -> int | None:
            with Session(engine) as session:
                return session.scalar(select(func.count()).select_from(Tea))

        try:
            return TestClient(app).get("/").json()
        except OperationalError as error:
            return str(error.orig)
        finally:
            engine.dispose()

    shared = {"check_same_thread": False}
    assert probe() == "no such table: teas"
    assert probe(connect_args=shared) == "no such table: teas"
    assert probe(connect_args=shared, poolclass=StaticPool) == 0


def test_loop_of_another_request(postgres):
    url = postgres.replace("postgresql://", "postgresql+asyncpg://")

    def app_with_an_engine():
        engine = create_async_engine(url)
        app = FastAPI()

        @app.get("/")
        async def one() -> int:
            async with engine.connect() as connection:
                return await connection.scalar(text("SELECT 1"))

        return app

    def probe(http):
        assert http.get("/").json() == 1
        try:
            return http.get("/").json()
        except RuntimeError as error:
            return str(error)

    assert "attached to a different loop" in probe(TestClient(app_with_an_engine()))
    with TestClient(app_with_an_engine()) as http:
        assert probe(http) == 1


def test_stream_arrives_at_the_end():
    made = []
    app = FastAPI()

    @app.get("/events", response_class=EventSourceResponse)
    async def events() -> AsyncIterator[int]:
        for number in range(10):
            made.append(number)
            yield number

    async def buffered():
        made.clear()
        with async_client(app) as http:
            async with http.stream("GET", "/events") as answer:
                first = await anext(answer.aiter_lines())
                return first, len(made)

    def streamed():
        made.clear()
        with TestClient(app).stream("GET", "/events") as answer:
            first = next(answer.iter_lines())
            return first, len(made)

    assert asyncio.run(buffered()) == ("data: 0", 10)
    first, number = streamed()
    assert first == "data: 0"
    assert number < 10
    with TestClient(app).sse("/events") as source:
        assert [event.data for event in source] == [str(each) for each in range(10)]


def test_leaving_a_stream_early_cancels_the_route():
    app = FastAPI()
    seen = []

    @app.get("/events", response_class=EventSourceResponse)
    async def events() -> AsyncIterator[int]:
        try:
            for number in itertools.count():
                yield number
        finally:
            seen.append("ended")

    with TestClient(app).stream("GET", "/events") as answer:
        lines = answer.iter_lines()
        assert next(lines) == "data: 0"
        assert seen == []
    assert seen == ["ended"]
