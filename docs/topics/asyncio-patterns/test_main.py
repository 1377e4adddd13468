import asyncio
import gc
import weakref
from collections.abc import Awaitable, Callable, Coroutine
from typing import Any

import main
import pytest
import real
from fastapi import FastAPI, HTTPException
from fastapi.responses import JSONResponse


@pytest.fixture(autouse=True)
def clean_kitchen():
    real.cooked.clear()


async def test_two_answers_become_one(client):
    response = await client.get("/dishes/soup")
    assert (response.status_code, response.json()) == (
        200,
        {"available": True, "price": 450},
    )


async def test_who_is_too_slow_is_a_504(client):
    response = await client.get("/dishes/soup", params={"patience": 0.001})
    assert response.status_code == 504
    assert response.json() == {"detail": "the kitchen did not answer in time"}
    assert (await client.get("/dishes/stone")).status_code == 404


async def test_both_questions_are_asked_before_one_is_answered(client, monkeypatch):
    asked: list[str] = []
    both = asyncio.Event()

    async def ask(whom: str, answer: int) -> int:
        asked.append(whom)
        if len(asked) == 2:
            both.set()
        await both.wait()
        return answer

    monkeypatch.setattr(main, "ask_kitchen", lambda dish: ask("kitchen", True))
    monkeypatch.setattr(main, "ask_till", lambda dish: ask("till", 450))
    response = await client.get("/dishes/soup")
    assert response.json() == {"available": True, "price": 450}
    assert asked == ["kitchen", "till"]


async def test_the_deadline_cancels_both_questions(client, monkeypatch):
    cancelled: list[str] = []

    async def ask(dish: str) -> int:
        try:
            await asyncio.Event().wait()
        except asyncio.CancelledError:
            cancelled.append(dish)
            raise

    monkeypatch.setattr(main, "ask_kitchen", ask)
    monkeypatch.setattr(main, "ask_till", ask)
    response = await client.get("/dishes/soup", params={"patience": 0.01})
    assert response.status_code == 504
    assert cancelled == ["soup", "soup"]


# --- real.py


async def test_an_order_is_cooked_after_its_answer(client_for):
    async with client_for(real.app) as http:
        assert (
            await http.post("/orders", params={"dish": "soup"})
        ).status_code == 202
        assert (
            await http.post("/orders", params={"dish": "bread"})
        ).status_code == 202
    assert sorted(real.cooked) == ["bread", "soup"]


async def test_a_failed_order_is_in_the_log_under_its_name(client_for, caplog):
    async with client_for(real.app) as http:
        await http.post("/orders", params={"dish": "stone"})
    [record] = [r for r in caplog.records if r.name == "orders"]
    assert record.message == "cook stone failed"
    assert "cannot be cooked" in caplog.text


async def test_one_failure_of_many_stands_in_its_place(client_for):
    async with client_for(real.app) as http:
        menu = await http.get("/menu")
    assert menu.json() == {"soup": True, "stone": False, "bread": True}


async def test_shutdown_waits_for_the_orders(client_for, monkeypatch):
    async def slow(dish: str) -> None:
        for _ in range(100):
            await asyncio.sleep(0)
        real.cooked.append(dish)

    monkeypatch.setattr(real, "cook", slow)
    async with client_for(real.app) as http:
        await http.post("/orders", params={"dish": "soup"})
        assert real.cooked == []
    assert real.cooked == ["soup"]


async def test_the_keeper_lets_go_of_what_has_ended():
    keeper = real.Keeper()
    keeper.start(asyncio.sleep(0), "short")
    [task] = keeper._tasks
    await task
    await asyncio.sleep(0)
    assert keeper._tasks == set()


async def test_what_does_not_end_in_time_is_cancelled():
    keeper = real.Keeper()
    ended: list[str] = []

    async def stubborn() -> None:
        try:
            await asyncio.Event().wait()
        finally:
            ended.append("cleaned up")

    keeper.start(stubborn(), "stubborn")
    await asyncio.sleep(0)
    assert await keeper.close(grace=0.01) == 1
    assert ended == ["cleaned up"]
    assert await real.Keeper().close(grace=0) == 0


async def test_waiting_for_a_slot_counts_against_the_deadline():
    upstream = real.Upstream(limit=1, seconds=0.02)
    called: list[str] = []

    async def call() -> None:
        called.append("called")

    await upstream._slots.acquire()
    waiting = asyncio.create_task(upstream.call(call))
    await asyncio.wait([waiting], timeout=5)
    assert waiting.done()
    assert isinstance(waiting.exception(), TimeoutError)
    assert called == []


async def test_no_more_calls_at_a_time_than_the_limit():
    upstream = real.Upstream(limit=2, seconds=5)
    inside, most = 0, 0

    async def call(item: int) -> int:
        nonlocal inside, most
        inside += 1
        most = max(most, inside)
        await asyncio.sleep(0)
        inside -= 1
        return item

    assert await upstream.each(call, range(8)) == list(range(8))
    assert most == 2


# --- how it works


async def test_a_cancellation_arrives_at_the_next_await(shown):
    steps: list[str] = []

    async def work() -> None:
        try:
            steps.append("works, no await: cannot be stopped here")
            await asyncio.sleep(0)
            steps.append("awaits")
            await asyncio.Event().wait()
        except asyncio.CancelledError:
            steps.append("CancelledError at the await")
            raise
        finally:
            steps.append("finally runs, and may await")
            await asyncio.sleep(0)
            steps.append("finally is done")

    task = asyncio.create_task(work())
    await asyncio.sleep(0)
    await asyncio.sleep(0)
    task.cancel()
    steps.append("cancel() was called, nothing has happened yet")
    await asyncio.gather(task, return_exceptions=True)
    assert task.cancelled()
    shown("cancel", "\n".join(f"{n}. {step}" for n, step in enumerate(steps, 1)))
    assert steps[2] == "cancel() was called, nothing has happened yet"
    assert steps[-1] == "finally is done"


def test_cancelled_error_is_no_exception():
    assert not issubclass(asyncio.CancelledError, Exception)
    assert issubclass(TimeoutError, Exception)
    assert asyncio.TimeoutError is TimeoutError


# --- gotchas


async def test_gather_leaves_the_others_running():
    async def finished_after_the_failure(
        run: Callable[..., Awaitable[Any]],
    ) -> list[str]:
        finished: list[str] = []
        go_on = asyncio.Event()

        async def slow() -> None:
            await go_on.wait()
            finished.append("slow")

        async def failing() -> None:
            raise ConnectionError("refused")

        try:
            await run(slow(), failing())
        except* ConnectionError:
            pass
        go_on.set()
        for _ in range(3):
            await asyncio.sleep(0)
        return finished

    async def trap(*work: Any) -> None:
        await asyncio.gather(*work)

    async def fix(*work: Any) -> None:
        async with asyncio.TaskGroup() as group:
            for each in work:
                group.create_task(each)

    assert await finished_after_the_failure(trap) == ["slow"]
    assert await finished_after_the_failure(fix) == []


async def test_task_nobody_holds_is_collected():
    async def alive_after_a_collection(start: Callable[[Any], Any]) -> bool:
        told: list[str] = []
        loop = asyncio.get_running_loop()
        loop.set_exception_handler(
            lambda _, context: told.append(context["message"])
        )

        async def waits_for_itself() -> None:
            await loop.create_future()

        work = waits_for_itself()
        watched = weakref.ref(start(work))
        del work
        await asyncio.sleep(0)
        gc.collect()
        loop.set_exception_handler(None)
        alive = watched() is not None
        assert alive or told == ["Task was destroyed but it is pending!"]
        return alive

    def trap(work: Any) -> Any:
        return asyncio.create_task(work)

    keeper = real.Keeper()

    def fix(work: Any) -> Any:
        keeper.start(work, "kept")
        [task] = keeper._tasks
        return task

    assert await alive_after_a_collection(trap) is False
    assert await alive_after_a_collection(fix) is True
    assert await keeper.close(grace=0) == 1


async def test_semaphore_made_in_the_route_limits_nothing():
    async def most_at_a_time(slots_of: Callable[[], asyncio.Semaphore]) -> int:
        inside, most = 0, 0

        async def request() -> None:
            nonlocal inside, most
            async with slots_of():
                inside += 1
                most = max(most, inside)
                await asyncio.sleep(0)
                inside -= 1

        await asyncio.gather(*(request() for _ in range(8)))
        return most

    shared = asyncio.Semaphore(2)
    assert await most_at_a_time(lambda: asyncio.Semaphore(2)) == 8
    assert await most_at_a_time(lambda: shared) == 2


async def test_group_hides_the_error_from_its_handler(client_for):
    class SoldOutError(Exception):
        pass

    async def sold_out() -> None:
        raise SoldOutError

    async def status(call: Callable[[], Awaitable[None]]) -> int:
        app = FastAPI()

        @app.exception_handler(SoldOutError)
        async def answer(request: Any, error: Exception) -> JSONResponse:
            return JSONResponse({"detail": "sold out"}, 409)

        app.get("/")(call)
        async with client_for(app) as http:
            return (await http.get("/")).status_code

    async def trap() -> None:
        async with asyncio.TaskGroup() as group:
            group.create_task(sold_out())

    async def fix() -> None:
        try:
            await trap()
        except* SoldOutError as group:
            found = group.exceptions[0]
        else:
            return
        raise found

    assert await status(trap) == 500
    assert await status(fix) == 409


async def test_bare_except_swallows_the_timeout():
    async def told(caught: type[BaseException]) -> bool:
        """Whether the caller learns that time was up."""

        async def work() -> None:
            try:
                await asyncio.Event().wait()
            except caught:
                return

        try:
            async with asyncio.timeout(0.01):
                await work()
        except TimeoutError:
            return True
        return False

    assert await told(BaseException) is False
    assert await told(Exception) is True


async def test_timeout_cuts_the_second_step():
    async def done_after_a_timeout(
        save: Callable[[Coroutine[Any, Any, None]], Awaitable[None]],
    ) -> list[str]:
        steps: list[str] = []
        bank = asyncio.Event()

        async def both_steps() -> None:
            steps.append("money taken")
            await bank.wait()
            steps.append("order stored")

        try:
            async with asyncio.timeout(0.01):
                await save(both_steps())
        except TimeoutError:
            pass
        bank.set()
        for _ in range(3):
            await asyncio.sleep(0)
        return steps

    async def trap(work: Coroutine[Any, Any, None]) -> None:
        await work

    kept: set[asyncio.Task[None]] = set()

    async def fix(work: Coroutine[Any, Any, None]) -> None:
        task = asyncio.create_task(work)
        kept.add(task)
        task.add_done_callback(kept.discard)
        await asyncio.shield(task)

    assert await done_after_a_timeout(trap) == ["money taken"]
    assert await done_after_a_timeout(fix) == ["money taken", "order stored"]


async def test_http_exception_in_a_group_is_a_500(client_for):
    app = FastAPI()

    async def missing() -> None:
        raise HTTPException(404)

    @app.get("/")
    async def route() -> None:
        async with asyncio.TaskGroup() as group:
            group.create_task(missing())

    async with client_for(app) as http:
        assert (await http.get("/")).status_code == 500
