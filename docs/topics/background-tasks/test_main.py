import asyncio
import gc
import threading
from collections.abc import AsyncIterator, Callable
from typing import Annotated, Any

import main
import pytest
import real
from fastapi import BackgroundTasks, Depends, FastAPI, HTTPException
from fastapi.responses import JSONResponse
from sqlalchemy import QueuePool, create_engine
from sqlalchemy.orm import Session
from starlette.background import BackgroundTask


@pytest.fixture(autouse=True)
def nothing_left():
    for stored in (main.orders, main.mailbox, real.jobs):
        stored.clear()


ORDER = {"dish": "lentil soup", "email": "ada@example.com"}


async def test_the_receipt_is_sent_after_the_order_was_answered(client):
    response = await client.post("/orders", json=ORDER)
    assert response.status_code == 201
    assert response.json() == {"number": 1, "receipt": "on its way"}
    sent = await client.get("/mailbox")
    assert sent.json() == ["to ada@example.com: receipt for order 1, lentil soup"]


async def test_a_refused_order_sends_nothing(client):
    refused = await client.post("/orders", json={**ORDER, "dish": ""})
    assert refused.status_code == 422
    assert (await client.get("/mailbox")).json() == []


class Wire:
    """Runs one request at the ASGI level and notes what happened in which order."""

    def __init__(self) -> None:
        self.events: list[str] = []

    def note(self, event: str) -> None:
        self.events.append(event)

    async def get(self, app: FastAPI, path: str = "/") -> list[str]:
        async def receive() -> dict[str, Any]:
            return {"type": "http.request", "body": b"", "more_body": False}

        async def send(message: dict[str, Any]) -> None:
            if message["type"] == "http.response.start":
                self.note(f"answer {message['status']}")
            elif not message.get("more_body"):
                self.note("answer ends")

        scope = {
            "type": "http",
            "asgi": {"version": "3.0"},
            "http_version": "1.1",
            "method": "GET",
            "path": path,
            "query_string": b"",
            "headers": [],
            "client": ("127.0.0.1", 50000),
            "server": ("test", 80),
            "scheme": "http",
            "root_path": "",
        }
        try:
            await app(scope, receive, send)
        except Exception as error:
            self.note(f"{type(error).__name__} reaches the server")
        return self.events


def with_dependency(wire: Wire, **depends: Any) -> FastAPI:
    app = FastAPI()

    async def session() -> AsyncIterator[None]:
        wire.note("dependency opens")
        yield
        wire.note("dependency closes")

    @app.get("/")
    async def route(
        tasks: BackgroundTasks, opened: Annotated[None, Depends(session, **depends)]
    ) -> None:
        wire.note("route runs")
        tasks.add_task(wire.note, "first task")
        tasks.add_task(wire.note, "second task")

    return app


async def test_tasks_run_one_after_the_other_behind_the_answer(shown):
    wire = Wire()
    seen = await wire.get(with_dependency(wire))
    assert seen == [
        "dependency opens",
        "route runs",
        "answer 200",
        "answer ends",
        "first task",
        "second task",
        "dependency closes",
    ]
    shown("order", "\n".join(f"{n}. {event}" for n, event in enumerate(seen, 1)))


async def test_a_def_task_runs_in_a_thread_and_an_async_one_on_the_loop(client_for):
    app, where = FastAPI(), {}

    def in_def() -> None:
        where["def"] = threading.get_ident()

    async def in_async() -> None:
        where["async def"] = threading.get_ident()

    @app.get("/")
    async def route(tasks: BackgroundTasks) -> None:
        tasks.add_task(in_def)
        tasks.add_task(in_async)

    async with client_for(app) as http:
        await http.get("/")
    assert where["async def"] == threading.get_ident()
    assert where["def"] != threading.get_ident()


async def test_tasks_of_dependencies_and_route_share_one_list(client_for):
    app, ran = FastAPI(), []

    def audit(tasks: BackgroundTasks) -> None:
        tasks.add_task(ran.append, "dependency")

    @app.get("/", dependencies=[Depends(audit)])
    async def route(tasks: BackgroundTasks) -> None:
        tasks.add_task(ran.append, "route")

    async with client_for(app) as http:
        await http.get("/")
    assert ran == ["dependency", "route"]


async def test_a_task_may_add_another_task(client_for):
    app, ran = FastAPI(), []

    @app.get("/")
    async def route(tasks: BackgroundTasks) -> None:
        tasks.add_task(tasks.add_task, ran.append, "the next one")

    async with client_for(app) as http:
        await http.get("/")
    assert ran == ["the next one"]


# --- real.py


async def test_a_report_is_accepted_and_found_when_it_is_done(client_for):
    async with client_for(real.app) as http:
        accepted = await http.post("/reports", params={"top": 3})
        assert accepted.status_code == 202
        assert accepted.json()["state"] == "waiting"
        found = await http.get(accepted.headers["location"])
        assert found.json() == {**accepted.json(), "state": "done", "rows": 3}


async def test_an_unknown_report_says_to_ask_again(client_for):
    async with client_for(real.app) as http:
        unknown = await http.get("/reports/6f9619ff-8b86-d011-b42d-00c04fc964ff")
    assert unknown.status_code == 404
    assert unknown.json() == {"detail": "unknown report: ask for it again"}


async def test_a_guarded_task_is_tried_again_and_leaves_its_name_in_the_log(caplog):
    tries = []

    async def deliver(number: int) -> None:
        tries.append(number)
        if len(tries) < 3:
            raise ConnectionError("mail server is away")

    await real.guarded(deliver)(7)
    assert tries == [7, 7, 7]
    assert [record.message for record in caplog.records] == [
        "deliver(7,) failed, 1/3",
        "deliver(7,) failed, 2/3",
    ]


async def test_a_report_says_failed_only_when_no_attempt_is_left(
    client_for, monkeypatch, caplog
):
    seen = []

    def no_database(top: int) -> None:
        seen.extend(job.state for job in real.jobs.values())
        raise ConnectionError("no database")

    monkeypatch.setattr(real, "count_rows", no_database)
    async with client_for(real.app) as http:
        accepted = await http.post("/reports", params={"top": 1})
        found = await http.get(accepted.headers["location"])
    assert found.json()["state"] == "failed"
    assert seen == ["running"] * 3
    assert len(caplog.records) == 3


async def test_the_query_of_a_report_runs_in_a_thread(monkeypatch):
    where = []
    monkeypatch.setattr(
        real, "count_rows", lambda top: where.append(threading.get_ident())
    )
    await real.make_report(real.Job(), 1)
    assert where != [threading.get_ident()]


async def test_at_most_two_reports_run_at_a_time(monkeypatch):
    jobs, running = [real.Job() for _ in range(5)], []

    async def query(*_: Any) -> None:
        for _ in range(len(jobs)):  # everybody who may start does
            await asyncio.sleep(0)
        running.append([job.state for job in jobs].count("running"))

    monkeypatch.setattr(real, "run_in_threadpool", query)
    await asyncio.gather(*(real.make_report(job, 1) for job in jobs))
    assert running[0] == max(running) == 2
    assert {job.state for job in jobs} == {"done"}


# --- gotchas


def three_tasks(second: Any, ran: list[str]) -> FastAPI:
    app = FastAPI()

    @app.get("/")
    async def route(tasks: BackgroundTasks) -> None:
        tasks.add_task(ran.append, "first")
        tasks.add_task(second)
        tasks.add_task(ran.append, "third")

    return app


async def failing() -> None:
    raise ConnectionError("mail server is away")


async def test_failed_task_skips_the_rest(client_for, caplog):
    async def tasks_that_ran(second: Any) -> tuple[int, list[str]]:
        ran: list[str] = []
        async with client_for(three_tasks(second, ran)) as http:
            return (await http.get("/")).status_code, ran

    assert await tasks_that_ran(failing) == (200, ["first"])
    assert await tasks_that_ran(real.guarded(failing)) == (200, ["first", "third"])


async def test_the_error_of_a_task_comes_after_the_answer(shown):
    wire = Wire()
    seen = await wire.get(three_tasks(failing, wire.events))
    shown("failed", "\n".join(seen))
    assert seen[:2] == ["answer 200", "answer ends"]
    assert seen[-1] == "ConnectionError reaches the server"


async def test_a_handler_of_the_error_comes_too_late():
    app = three_tasks(failing, [])

    @app.exception_handler(ConnectionError)
    async def handler(request: Any, error: Exception) -> JSONResponse:
        return JSONResponse({}, 503)

    seen = await Wire().get(app)
    assert seen == ["answer 200", "answer ends", "RuntimeError reaches the server"]


async def test_refused_request_drops_its_tasks(client_for):
    async def audited(
        refuse: Callable[[BackgroundTasks], Any],
    ) -> tuple[int, list[str]]:
        app, ran = FastAPI(), []

        @app.get("/")
        async def route(tasks: BackgroundTasks) -> Any:
            tasks.add_task(ran.append, "audit")
            return refuse(tasks)

        async with client_for(app) as http:
            return (await http.get("/")).status_code, ran

    def raised(tasks: BackgroundTasks) -> None:
        raise HTTPException(403)

    def returned(tasks: BackgroundTasks) -> JSONResponse:
        return JSONResponse({"detail": "Forbidden"}, 403, background=tasks)

    assert await audited(raised) == (403, [])
    assert await audited(returned) == (403, ["audit"])


async def test_own_background_replaces_the_tasks(client_for):
    async def ran_with(answer: Callable[[BackgroundTasks, Any], Any]) -> list[str]:
        app, ran = FastAPI(), []

        @app.get("/")
        async def route(tasks: BackgroundTasks) -> Any:
            tasks.add_task(ran.append, "injected")
            return answer(tasks, BackgroundTask(ran.append, "own"))

        async with client_for(app) as http:
            await http.get("/")
        return ran

    def trap(tasks: BackgroundTasks, own: BackgroundTask) -> JSONResponse:
        return JSONResponse({}, background=own)

    def fix(tasks: BackgroundTasks, own: BackgroundTask) -> JSONResponse:
        tasks.tasks.append(own)
        return JSONResponse({})

    assert await ran_with(trap) == ["own"]
    assert await ran_with(fix) == ["injected", "own"]


async def test_blocking_async_task_stalls_the_loop(client_for):
    async def others_meanwhile(make: Callable[[threading.Event], Any]) -> bool:
        """Whether another request is answered while the task works."""
        app, answered = FastAPI(), threading.Event()
        seen: list[bool] = []

        @app.get("/slow")
        async def slow(tasks: BackgroundTasks) -> None:
            tasks.add_task(make(answered), seen)

        @app.get("/other")
        async def other() -> None:
            answered.set()

        async with client_for(app) as http:
            await asyncio.gather(http.get("/slow"), http.get("/other"))
        return seen[0]

    def trap(answered: threading.Event) -> Any:
        async def work(seen: list[bool]) -> None:
            seen.append(answered.wait(0.05))

        return work

    def fix(answered: threading.Event) -> Any:
        def work(seen: list[bool]) -> None:
            seen.append(answered.wait(5))

        return work

    assert await others_meanwhile(trap) is False
    assert await others_meanwhile(fix) is True


async def test_called_task_runs_before_the_answer():
    async def order_of(add: Callable[[BackgroundTasks, Wire], None]) -> list[str]:
        app, wire = FastAPI(), Wire()

        @app.get("/")
        async def route(tasks: BackgroundTasks) -> None:
            add(tasks, wire)

        return await wire.get(app)

    def trap(tasks: BackgroundTasks, wire: Wire) -> None:
        tasks.add_task(wire.note("task"))  # type: ignore[func-returns-value]

    def fix(tasks: BackgroundTasks, wire: Wire) -> None:
        tasks.add_task(wire.note, "task")

    answer = ["answer 200", "answer ends"]
    assert await order_of(trap) == ["task", *answer, "TypeError reaches the server"]
    assert await order_of(fix) == [*answer, "task"]


def test_a_coroutine_given_as_task_is_never_awaited():
    async def deliver() -> None: ...

    def run_the_task() -> None:
        tasks = BackgroundTasks()
        tasks.add_task(deliver())
        with pytest.raises(TypeError, match="must be callable"):
            asyncio.run(tasks())
        del tasks
        gc.collect()

    with pytest.warns(RuntimeWarning, match="deliver' was never awaited"):
        run_the_task()


async def test_request_session_is_held_by_its_tasks(client_for):
    async def connections_in_use(route: Callable[..., Any]) -> int:
        """How many connections of the pool are taken while a task works."""
        engine = create_engine(
            "sqlite://",
            poolclass=QueuePool,
            connect_args={"check_same_thread": False},
        )
        seen: list[int] = []

        async def session() -> AsyncIterator[Session]:
            with Session(engine) as opened:
                opened.connection()
                yield opened

        def work() -> None:
            seen.append(engine.pool.checkedout())

        async with client_for(route(session, work)) as http:
            await http.get("/")
        engine.dispose()
        return seen[0]

    def app_with(**depends: Any) -> Callable[..., FastAPI]:
        def build(session: Any, work: Any) -> FastAPI:
            app = FastAPI()

            @app.get("/")
            async def route(
                tasks: BackgroundTasks,
                opened: Annotated[Session, Depends(session, **depends)],
            ) -> None:
                tasks.add_task(work)

            return app

        return build

    assert await connections_in_use(app_with()) == 1
    assert await connections_in_use(app_with(scope="function")) == 0


async def test_added_after_yield_never_runs(client_for):
    async def ran_with(dependency: Callable[[list[str]], Any]) -> list[str]:
        app, ran = FastAPI(), []

        @app.get("/", dependencies=[Depends(dependency(ran))])
        async def route() -> None: ...

        async with client_for(app) as http:
            await http.get("/")
        return ran

    def trap(ran: list[str]) -> Any:
        async def audit(tasks: BackgroundTasks) -> AsyncIterator[None]:
            yield
            tasks.add_task(ran.append, "audit")

        return audit

    def fix(ran: list[str]) -> Any:
        async def audit(tasks: BackgroundTasks) -> AsyncIterator[None]:
            tasks.add_task(ran.append, "audit")
            yield

        return audit

    assert await ran_with(trap) == []
    assert await ran_with(fix) == ["audit"]


APP_THAT_WAITS = """
import asyncio
from pathlib import Path
from fastapi import BackgroundTasks, FastAPI

app = FastAPI()

async def work():
    Path("started").touch()
    while not Path("go").exists():
        await asyncio.sleep(0.01)
    Path("finished").touch()

@app.get("/")
async def route(tasks: BackgroundTasks) -> None:
    tasks.add_task(work)
"""


async def test_killed_server_forgets_its_tasks(server, tmp_path):
    async def finished_after(signal: str) -> bool:
        home = tmp_path / signal
        home.mkdir()
        (home / "waits.py").write_text(APP_THAT_WAITS)
        async with server("waits:app", cwd=home) as url, url.client() as http:
            assert (await http.get("/")).status_code == 200
            while not (home / "started").exists():
                await asyncio.sleep(0.01)
            getattr(url.process, signal)()
            if signal == "kill":
                url.process.wait()
            (home / "go").touch()
            await asyncio.to_thread(url.process.wait)
        return (home / "finished").exists()

    assert await finished_after("kill") is False
    assert await finished_after("terminate") is True
