import asyncio
import inspect
import threading
from contextlib import contextmanager, suppress
from typing import Annotated

import main
import pytest
import real
from fastapi import (
    APIRouter,
    BackgroundTasks,
    Depends,
    FastAPI,
    HTTPException,
    Security,
)
from fastapi.exceptions import DependencyScopeError, FastAPIError
from fastapi.responses import PlainTextResponse, StreamingResponse
from sqlalchemy import QueuePool, create_engine, text
from sqlalchemy.exc import TimeoutError as PoolTimeoutError
from sqlalchemy.orm import Session

ADA = {"X-User": "ada"}
KEY = {"X-Key": "key-of-ada"}


def app_with(endpoint, **options):
    api = FastAPI()
    api.add_api_route("/", endpoint, **options)
    return api


def watched(app, events):
    """The same app; what it sends is noted in `events`."""

    async def asgi(scope, receive, send):
        async def note(message):
            if message["type"] == "http.response.start":
                events.append(f"status {message['status']} is sent")
            if message.get("body"):
                events.append(f"body is sent: {message['body'].decode()}")
            await send(message)

        await app(scope, receive, note if scope["type"] == "http" else send)

    return asgi


@pytest.fixture
def get(client_for):
    async def get(app, path="/", **options):
        async with client_for(app) as http:
            return await http.get(path, **options)

    return get


@pytest.fixture
def diary():
    main.diary.clear()
    return main.diary


# How the small app behaves


async def test_user_and_route_share_one_session(client, diary):
    answer = await client.get("/notes", headers=ADA)
    assert (answer.status_code, answer.json()) == (200, "the notes of ada")
    steps = [line.rstrip("0123456789 ") for line in diary]
    assert steps[1:3] == ["get_user asks session", "the route asks session"]
    assert len({line.split()[-1] for line in diary[1:3]}) == 1


async def test_the_next_request_gets_a_session_of_its_own(client, diary):
    for _ in range(2):
        await client.get("/notes", headers=ADA)
    opened = [line for line in diary if line.endswith("opens")]
    assert len(set(opened)) == 2


async def test_a_refused_request_never_reaches_the_route(client, diary):
    answer = await client.get("/notes", headers={"X-User": "eve"})
    assert (answer.status_code, answer.json()) == (401, {"detail": "Unknown user"})
    assert [line.split()[0] for line in diary] == ["session", "get_user", "session"]


async def test_parameters_of_dependencies_are_in_openapi(client):
    openapi = (await client.get("/openapi.json")).json()
    (parameter,) = openapi["paths"]["/notes"]["get"]["parameters"]
    assert (parameter["name"], parameter["in"]) == ("x-user", "header")


# What happens when: the graph, the cache, the order


async def test_a_route_is_inspected_once_and_an_override_every_time(
    monkeypatch, get, shown
):
    def get_session():
        return "session"

    def get_settings():
        return "settings"

    def fake_session():
        return "fake"

    def route(
        session: Annotated[str, Depends(get_session)],
        settings: Annotated[str, Depends(get_settings)],
    ) -> str:
        return session

    functions = (get_session, get_settings, fake_session, route)
    calls = []
    signature = inspect.signature

    def counting(function, **options):
        if function in functions:
            calls.append(function)
        return signature(function, **options)

    monkeypatch.setattr(inspect, "signature", counting)
    lines = []

    def note(what):
        seen = sorted({each.__name__ for each in calls})
        lines.append(f"{what:33} {', '.join(seen) or 'nothing'}")
        calls.clear()

    api = FastAPI()
    api.get("/")(route)
    note("@app.get")
    for number in (1, 2):
        await get(api)
        note(f"request {number}")
    router = APIRouter()
    router.get("/")(route)
    note("@router.get")
    included = FastAPI()
    included.include_router(router)
    note("include_router")
    for number in (1, 2):
        await get(included)
        note(f"request {number} to the included route")
    api.dependency_overrides[get_session] = fake_session
    for number in (1, 2):
        await get(api)
        note(f"request {number} with an override")
    shown("inspected", "\n".join(lines))


async def test_how_often_a_dependency_runs(get, shown):
    calls = []

    def dep():
        calls.append(1)

    def opening():
        calls.append(1)
        yield

    class Rule:
        def __call__(self):
            calls.append(1)

    def maker():
        def made():
            calls.append(1)

        return made

    def two(first, second):
        def endpoint(a: Annotated[None, first], b: Annotated[None, second]) -> None:
            pass

        return app_with(endpoint)

    def decorated(endpoint_dep, list_dep):
        def endpoint(a: Annotated[None, endpoint_dep]) -> None:
            pass

        return app_with(endpoint, dependencies=[list_dep])

    one = Rule()
    rows = [
        ("the same function twice", two(Depends(dep), Depends(dep))),
        (
            "once in the route, once in dependencies=[…]",
            decorated(Depends(dep), Depends(dep)),
        ),
        ("the same instance twice", two(Depends(one), Depends(one))),
        ("use_cache=False", two(Depends(dep), Depends(dep, use_cache=False))),
        (
            'one with scope="function"',
            two(Depends(opening), Depends(opening, scope="function")),
        ),
        (
            "Security with other scopes",
            two(Security(dep, scopes=["a"]), Security(dep, scopes=["b"])),
        ),
        ("two instances of a class", two(Depends(Rule()), Depends(Rule()))),
        ("two calls of a factory", two(Depends(maker()), Depends(maker()))),
    ]
    lines = ["calls  asked for"]
    for name, api in rows:
        calls.clear()
        assert (await get(api)).status_code == 200
        lines.append(f"{len(calls):5}  {name}")
    calls.clear()
    for _ in range(2):
        await get(rows[0][1])
    lines.append(f"{len(calls):5}  the same function twice, two requests")
    shown("cache", "\n".join(lines))


async def test_dependencies_of_app_router_and_route_run_from_outside_in(get, shown):
    ran = []

    def note(place):
        def dep():
            ran.append(place)

        return Depends(dep)

    api = FastAPI(dependencies=[note("FastAPI(dependencies=[…])")])
    router = APIRouter(dependencies=[note("APIRouter(dependencies=[…])")])

    @router.get("/", dependencies=[note("@router.get(dependencies=[…])")])
    def endpoint(value: Annotated[None, note("a parameter of the route")]) -> None:
        ran.append("the route")

    api.include_router(
        router, dependencies=[note("include_router(dependencies=[…])")]
    )
    assert (await get(api)).status_code == 200
    shown("layers", "\n".join(ran))


async def timeline(get, scope, stream=False):
    events = []

    def session():
        events.append("session opens")
        try:
            yield
        finally:
            events.append("session closes")

    def user(session: Annotated[None, Depends(session, scope=scope)]) -> str:
        events.append("user is read")
        return "ada"

    def plain(
        user: Annotated[str, Depends(user)], tasks: BackgroundTasks
    ) -> PlainTextResponse:
        events.append("route runs")
        tasks.add_task(lambda: events.append("background task runs"))
        return PlainTextResponse("notes")

    async def chunks():
        for chunk in ("one", "two"):
            events.append(f"generator makes {chunk}")
            yield chunk

    async def streamed(user: Annotated[str, Depends(user)]) -> StreamingResponse:
        events.append("route runs")
        return StreamingResponse(chunks())

    await get(watched(app_with(streamed if stream else plain), events))
    return events


def side_by_side(first, second):
    rows = [
        ("default: request", 'scope="function"'),
        *zip(first, second, strict=True),
    ]
    return "\n".join(f"{one:26} {other}" for one, other in rows)


async def test_when_a_session_closes_around_response_and_task(get, shown):
    default = await timeline(get, None)
    function = await timeline(get, "function")
    assert default[-2:] == ["background task runs", "session closes"]
    assert function[3:5] == ["session closes", "status 200 is sent"]
    shown("order", side_by_side(default, function))


async def test_when_a_session_closes_around_a_stream(get, shown):
    default = await timeline(get, "request", stream=True)
    function = await timeline(get, "function", stream=True)
    assert default[-2:] == ["body is sent: two", "session closes"]
    assert function.index("session closes") < function.index("generator makes one")
    shown("stream", side_by_side(default, function))


async def test_dependencies_exit_in_reverse_order(get):
    events = []

    def note(name):
        def dep():
            events.append(f"{name} opens")
            yield
            events.append(f"{name} closes")

        return Depends(dep)

    def endpoint(a: Annotated[None, note("a")], b: Annotated[None, note("b")]):
        pass

    await get(app_with(endpoint))
    assert events == ["a opens", "b opens", "b closes", "a closes"]


async def test_what_the_code_after_yield_sees_of_an_error(get, caplog, shown):
    def again(error):
        raise error

    def other(error):
        raise HTTPException(418)

    def swallow(error):
        pass

    handlers = {"raise": again, "raise HTTPException(418)": other, "pass": swallow}

    async def probe(raised, handle):
        seen = []

        def dep():
            try:
                yield
            except Exception as error:
                seen.append(error)
                handle(error)

        def endpoint(value: Annotated[None, Depends(dep)]):
            raise raised

        status = (await get(app_with(endpoint))).status_code
        assert seen == [raised]
        return status

    lines = [f"{'the route raises':20} {'except Exception:':26} client gets"]
    for raised in (HTTPException(409), KeyError("x")):
        name = "KeyError" if isinstance(raised, KeyError) else "HTTPException(409)"
        for code, handle in handlers.items():
            lines.append(f"{name:20} {code:26} {await probe(raised, handle)}")
    assert caplog.text.count("FastAPIError: Response not awaited") == 2
    shown("errors", "\n".join(lines))


async def test_a_swallowed_error_names_the_dependency_as_the_suspect(client_for):
    def dep():
        with suppress(Exception):
            yield

    def endpoint(value: Annotated[None, Depends(dep)]):
        raise HTTPException(404)

    async with client_for(app_with(endpoint), raise_app_exceptions=True) as http:
        with pytest.raises(FastAPIError, match="Response not awaited"):
            await http.get("/")


async def test_an_error_of_a_later_dependency_or_a_422_arrives_at_the_yield(get):
    seen = []

    def first():
        try:
            yield
        except Exception as error:
            seen.append(type(error).__name__)
            raise

    def second():
        raise HTTPException(403)

    def refused(
        a: Annotated[None, Depends(first)], b: Annotated[None, Depends(second)]
    ):
        pass

    def invalid(a: Annotated[None, Depends(first)], number: int):
        pass

    assert (await get(app_with(refused))).status_code == 403
    assert (await get(app_with(invalid))).status_code == 422
    assert seen == ["HTTPException", "RequestValidationError"]


async def answers_when_the_exit_fails(get, scope, error):
    def dep():
        yield
        raise error

    def endpoint(value: Annotated[None, Depends(dep, scope=scope)]) -> str:
        return "saved"

    return (await get(app_with(endpoint))).status_code


async def test_an_error_after_the_response_cannot_change_it(get):
    refuse = HTTPException(409)
    assert await answers_when_the_exit_fails(get, None, refuse) == 200
    assert await answers_when_the_exit_fails(get, "function", refuse) == 409


async def test_a_dependency_waits_for_the_one_before_and_def_runs_in_a_thread(get):
    events = []

    async def slow():
        events.append("slow starts")
        await asyncio.sleep(0)
        events.append(threading.current_thread())

    def blocking():
        events.append(threading.current_thread())

    def endpoint(
        a: Annotated[None, Depends(slow)], b: Annotated[None, Depends(blocking)]
    ) -> None:
        pass

    await get(app_with(endpoint))
    start, in_slow, in_blocking = events
    assert start == "slow starts"
    assert in_slow is threading.current_thread()
    assert in_blocking is not in_slow


def test_a_default_yield_dependency_cannot_build_on_a_shorter_one():
    def short():
        yield

    def long(value: Annotated[None, Depends(short, scope="function")]):
        yield

    def endpoint(value: Annotated[None, Depends(long)]) -> None:
        pass

    with pytest.raises(DependencyScopeError, match="cannot depend on"):
        app_with(endpoint)


async def test_404s_docs_and_mounts_run_no_dependency_of_the_app(get):
    ran = []
    api = FastAPI(dependencies=[Depends(lambda: ran.append("dependency"))])
    api.add_api_route("/", lambda: "ok")
    api.mount("/mounted", app_with(lambda: "ok"))
    for path, status in (("/elsewhere", 404), ("/docs", 200), ("/mounted/", 200)):
        assert (await get(api, path)).status_code == status
    assert ran == []
    assert (await get(api)).status_code == 200
    assert ran == ["dependency"]


async def test_an_override_does_not_reach_into_a_mounted_app(get):
    def dep():
        return "original"

    def endpoint(value: Annotated[str, Depends(dep)]) -> str:
        return value

    inner, outer = app_with(endpoint), FastAPI()
    outer.mount("/inner", inner)
    outer.dependency_overrides[dep] = lambda: "override"
    assert (await get(outer, "/inner/")).json() == "original"
    inner.dependency_overrides[dep] = lambda: "override"
    assert (await get(outer, "/inner/")).json() == "override"


def test_without_depends_a_session_is_taken_for_a_field():
    def endpoint(session: Session) -> None:
        pass

    with pytest.raises(FastAPIError, match="Invalid args for response field"):
        app_with(endpoint)


def test_a_header_is_a_plain_argument_when_you_call_the_function_yourself():
    assert main.get_user(session=7, x_user="ada") == "ada"


# How the app one would ship behaves


@pytest.fixture
def notes(client_for):
    with real.transaction() as session:
        real.Base.metadata.drop_all(session.connection())
    return lambda: client_for(real.app, headers=KEY)


async def test_a_note_is_stored_for_the_user_of_the_key(notes):
    async with notes() as http:
        written = await http.post("/notes", json={"text": "tea"})
        read = await http.get("/notes")
    assert (written.status_code, written.json()) == (201, {"text": "tea", "id": 1})
    assert read.json() == [{"text": "tea", "id": 1}]
    assert read.headers["cache-control"] == "no-store"


async def test_the_dependency_of_the_router_guards_every_route(notes):
    async with notes() as http:
        for path in ("/notes", "/notes/count"):
            assert (await http.get(path)).json() == 0 or path == "/notes"
            answer = await http.get(path, headers={"X-Key": "stolen"})
            assert (answer.status_code, answer.json()) == (
                401,
                {"detail": "Unknown key"},
            )


async def test_one_request_has_one_transaction_and_one_user(notes, monkeypatch):
    begun = []

    @contextmanager
    def counting():
        begun.append(1)
        with transaction() as session:
            yield session

    transaction = real.transaction
    async with notes() as http:
        monkeypatch.setattr(real, "transaction", counting)
        assert (await http.get("/notes")).status_code == 200
    assert len(begun) == 1


async def test_the_newest_notes_come_first_and_only_those_of_the_user(notes):
    async with notes() as http:
        for text_of_note in ("tea", "milk"):
            await http.post("/notes", json={"text": text_of_note})
        with real.transaction() as session:
            session.add(real.Note(owner="eve", text="not for ada"))
        read = await http.get("/notes")
        assert (await http.get("/notes/count")).json() == 3
    assert [note["text"] for note in read.json()] == ["milk", "tea"]


async def test_a_commit_that_fails_is_a_500_and_not_a_201(notes, monkeypatch):
    @contextmanager
    def disk_full():
        with transaction() as session:
            yield session
            raise OSError("disk full")

    transaction = real.transaction
    async with notes() as http:
        assert (await http.post("/notes", json={"text": "x"})).status_code == 201
        monkeypatch.setattr(real, "transaction", disk_full)
        assert (await http.post("/notes", json={"text": "y"})).status_code == 500
        monkeypatch.undo()
        assert (await http.get("/notes/count")).json() == 1


async def test_a_failing_route_leaves_nothing_behind(notes, monkeypatch):
    add = real.Notes.add

    def add_and_fail(self, text):
        add(self, text)
        raise HTTPException(409, "Too late")

    async with notes() as http:
        monkeypatch.setattr(real.Notes, "add", add_and_fail)
        assert (await http.post("/notes", json={"text": "x"})).status_code == 409
        assert (await http.get("/notes/count")).json() == 0


# --8<-- [start:override]
@pytest.fixture
def as_grace():
    overrides = real.app.dependency_overrides
    overrides[real.get_user] = lambda: real.User(name="grace")
    yield
    del overrides[real.get_user]


async def test_grace_has_notes_of_her_own(notes, as_grace):
    async with notes() as http:
        await http.post("/notes", json={"text": "mine"}, headers={"X-Key": "none"})
        assert (await http.get("/notes")).json() == [{"text": "mine", "id": 1}]
        # --8<-- [end:override]


# One proof per gotcha


async def test_commit_after_the_response(client_for, caplog):
    def api_with(scope, table, error=None):
        def get_session():
            new_rows = []
            yield new_rows
            if error:
                raise error
            table.extend(new_rows)

        def write(
            rows: Annotated[list[str], Depends(get_session, scope=scope)],
        ) -> str:
            rows.append("tea")
            return "saved"

        return app_with(write)

    async def probe(scope):
        table, stored_when_answered = [], []

        class Seen(list):
            def append(self, event):
                stored_when_answered.append(list(table))

        async with client_for(watched(api_with(scope, table), Seen())) as http:
            await http.get("/")
        answers = []
        for error in (OSError("disk full"), HTTPException(409)):
            async with client_for(api_with(scope, [], error)) as http:
                answers.append((await http.get("/")).status_code)
        return stored_when_answered[0], answers

    assert await probe("request") == ([], [200, 200])
    assert "Caught handled exception, but response already started" in caplog.text
    assert await probe("function") == (["tea"], [500, 409])


async def test_cleanup_without_finally(get):
    async def probe(wrap):
        closed = []

        def endpoint(session: Annotated[None, Depends(wrap(closed))]):
            raise HTTPException(404)

        assert (await get(app_with(endpoint))).status_code == 404
        return closed

    def trap(closed):
        def get_session():
            yield
            closed.append("session")

        return get_session

    def fix(closed):
        def get_session():
            try:
                yield
            finally:
                closed.append("session")

        return get_session

    assert await probe(trap) == []
    assert await probe(fix) == ["session"]


async def test_helper_gets_a_depends_object(get):
    def get_db():
        return {"ada": 3}

    def trap_helper(name: str, db: dict[str, int] = Depends(get_db)) -> int:
        return db.get(name, 0)

    def fix_helper(name: str, db: dict[str, int]) -> int:
        return db.get(name, 0)

    def trap() -> int:
        return trap_helper("ada")

    def fix(db: Annotated[dict[str, int], Depends(get_db)]) -> int:
        return fix_helper("ada", db)

    async def probe(endpoint):
        answer = await get(app_with(endpoint))
        return answer.json() if answer.is_success else answer.status_code

    assert await probe(trap) == 500
    assert await probe(fix) == 3
    with pytest.raises(
        AttributeError, match="'Depends' object has no attribute 'get'"
    ):
        trap()
    with pytest.raises(TypeError, match="missing 1 required positional argument"):
        fix()


def test_called_instead_of_named():
    def get_db():
        yield {}

    def probe(what):
        def endpoint(db: Annotated[dict[str, int], Depends(what)]) -> int:
            return len(db)

        try:
            app_with(endpoint)
        except TypeError as error:
            return "is not a callable object" in str(error)
        return "starts"

    assert probe(get_db()) is True
    assert probe(get_db) == "starts"


async def test_slow_response_keeps_the_session(client_for, tmp_path):
    def api_with(scope):
        engine = create_engine(
            f"sqlite:///{tmp_path}/notes.db",
            poolclass=QueuePool,
            pool_size=1,
            max_overflow=0,
            pool_timeout=0,
        )
        seen = []

        def get_session():
            with Session(engine) as session:
                yield session

        opened = Depends(get_session, scope=scope)

        def ask():
            try:
                with Session(engine) as session:
                    seen.append(session.scalar(text("select 1")))
            except PoolTimeoutError as error:
                seen.append(str(error).split(",")[0])

        api = FastAPI()

        @api.get("/task")
        def task(
            session: Annotated[Session, opened], tasks: BackgroundTasks
        ) -> None:
            session.scalar(text("select 1"))
            tasks.add_task(ask)

        @api.get("/stream")
        def stream(session: Annotated[Session, opened]) -> StreamingResponse:
            session.scalar(text("select 1"))
            return StreamingResponse(str(ask()) for _ in range(1))

        return api, seen, engine

    async def probe(scope):
        api, seen, engine = api_with(scope)
        async with client_for(api) as http:
            await http.get("/task")
            await http.get("/stream")
        engine.dispose()
        return seen

    full = "QueuePool limit of size 1 overflow 0 reached"
    assert await probe("request") == [full, full]
    assert await probe("function") == [1, 1]


async def test_factory_makes_a_new_dependency(get):
    def allow(role):
        def check():
            raise HTTPException(403)

        return check

    def trap_app():
        def endpoint(ok: Annotated[None, Depends(allow("admin"))]) -> str:
            return "ok"

        return app_with(endpoint), allow("admin")

    def fix_app():
        admin = allow("admin")

        def endpoint(ok: Annotated[None, Depends(admin)]) -> str:
            return "ok"

        return app_with(endpoint), admin

    async def probe(api, key):
        api.dependency_overrides[key] = lambda: None
        return (await get(api)).status_code

    assert await probe(*trap_app()) == 403
    assert await probe(*fix_app()) == 200


async def test_a_body_that_is_no_json_is_refused_before_any_dependency(client_for):
    ran = []

    def endpoint(body: dict[str, int]) -> None:
        pass

    api = FastAPI(dependencies=[Depends(lambda: ran.append("dependency"))])
    api.add_api_route("/", endpoint, methods=["POST"])
    async with client_for(api) as http:
        for content, seen in (("{", []), ('{"a": "x"}', ["dependency"])):
            headers = {"Content-Type": "application/json"}
            answer = await http.post("/", content=content, headers=headers)
            assert (answer.status_code, ran) == (422, seen)


async def test_invalid_request_still_runs_dependencies(get):
    async def probe(build):
        ran = []

        def send_mail():
            ran.append("mail")

        answer = await get(build(send_mail), "/?limit=many")
        assert answer.status_code == 422
        return ran

    def trap(send_mail):
        def endpoint(limit: int, sent: Annotated[None, Depends(send_mail)]):
            pass

        return app_with(endpoint)

    def fix(send_mail):
        def checked(limit: int) -> None:
            send_mail()

        def endpoint(limit: int, sent: Annotated[None, Depends(checked)]):
            pass

        return app_with(endpoint)

    assert await probe(trap) == ["mail"]
    assert await probe(fix) == []
