import asyncio
import logging
from collections.abc import AsyncIterator, Awaitable, Callable, Coroutine, Iterable
from contextlib import asynccontextmanager
from typing import Any, TypeVar

from fastapi import FastAPI, HTTPException, Request

log = logging.getLogger("orders")
Item = TypeVar("Item")
Result = TypeVar("Result")


# --8<-- [start:bounded]
class Upstream:
    """One neighbor: at most `limit` calls at a time, each with a deadline."""

    def __init__(self, limit: int, seconds: float) -> None:
        self._slots = asyncio.Semaphore(limit)
        self._seconds = seconds

    async def call(self, work: Callable[[], Awaitable[Result]]) -> Result:
        async with asyncio.timeout(self._seconds), self._slots:
            return await work()

    async def each(
        self, work: Callable[[Item], Awaitable[Result]], items: Iterable[Item]
    ) -> list[Result | Exception]:
        """Call for each item; a failure stands in its place and stops no other."""

        async def one(item: Item) -> Result | Exception:
            try:
                return await self.call(lambda: work(item))
            except Exception as error:
                return error

        async with asyncio.TaskGroup() as group:
            tasks = [group.create_task(one(item)) for item in items]
        return [task.result() for task in tasks]


# --8<-- [end:bounded]


# --8<-- [start:keeper]
class Keeper:
    """Holds on to tasks that nobody waits for, reads their errors, ends them."""

    def __init__(self) -> None:
        self._tasks: set[asyncio.Task[None]] = set()

    def start(self, work: Coroutine[Any, Any, None], name: str) -> None:
        task = asyncio.create_task(work, name=name)
        self._tasks.add(task)
        task.add_done_callback(self._done)

    def _done(self, task: asyncio.Task[None]) -> None:
        self._tasks.discard(task)
        if not task.cancelled() and (error := task.exception()):
            log.error("%s failed", task.get_name(), exc_info=error)

    async def close(self, grace: float) -> int:
        """Wait a while, cancel the rest; return how many had to be cancelled."""
        if not self._tasks:
            return 0
        _, late = await asyncio.wait(self._tasks, timeout=grace)
        for task in late:
            task.cancel()
        await asyncio.gather(*late, return_exceptions=True)
        return len(late)


# --8<-- [end:keeper]


# --8<-- [start:app]
@asynccontextmanager
async def lifespan(app: FastAPI) -> AsyncIterator[dict[str, Any]]:
    keeper = Keeper()
    yield {"keeper": keeper, "kitchen": Upstream(limit=2, seconds=1)}
    await keeper.close(grace=5)


app = FastAPI(lifespan=lifespan)
cooked: list[str] = []


async def cook(dish: str) -> str:
    await asyncio.sleep(0)
    if dish == "stone":
        raise ValueError("cannot be cooked")
    cooked.append(dish)
    return dish


@app.post("/orders", status_code=202)
async def order(dish: str, request: Request) -> dict[str, str]:
    async def later() -> None:
        await request.state.kitchen.call(lambda: cook(dish))

    request.state.keeper.start(later(), name=f"cook {dish}")
    return {"dish": dish}


@app.get("/menu")
async def menu(request: Request) -> dict[str, bool]:
    dishes = ["soup", "stone", "bread"]
    results = await request.state.kitchen.each(cook, dishes)
    if all(isinstance(result, Exception) for result in results):
        raise HTTPException(503, "the kitchen is closed")
    return {
        d: not isinstance(r, Exception)
        for d, r in zip(dishes, results, strict=True)
    }


# --8<-- [end:app]
