import asyncio
import os
import signal
import threading
from collections.abc import AsyncIterable, AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager, suppress
from types import FrameType
from typing import TypedDict

from fastapi import APIRouter, FastAPI, Request, Response
from fastapi.sse import EventSourceResponse, ServerSentEvent
from main import say


# --8<-- [start:shutdown]
class Shutdown:
    """Hears the signal before the server does."""

    def __init__(self, delay: float = 0) -> None:
        self.delay = delay
        self.draining = False
        self.ending = asyncio.Event()

    @contextmanager
    def listening(self) -> Iterator[None]:
        if threading.current_thread() is not threading.main_thread():
            yield  # in a test client's thread: no signals here
            return
        loop = asyncio.get_running_loop()
        stops = (signal.SIGTERM, signal.SIGINT)
        server = {number: signal.getsignal(number) for number in stops}

        def pass_on(number: int, frame: FrameType | None) -> None:
            self.ending.set()
            handler = server[signal.Signals(number)]
            if callable(handler):
                handler(number, frame)

        def hear(number: int, frame: FrameType | None) -> None:
            delay = 0 if self.draining else self.delay
            self.draining = True
            loop.call_soon_threadsafe(
                loop.call_later, delay, pass_on, number, frame
            )

        for number in stops:
            signal.signal(number, hear)
        try:
            yield
        finally:
            for number in stops:
                signal.signal(number, server[number])


# --8<-- [end:shutdown]
router = APIRouter()


# --8<-- [start:stream]
@router.get("/ticks", response_class=EventSourceResponse)
async def ticks(request: Request) -> AsyncIterable[ServerSentEvent]:
    ending: asyncio.Event = request.state.shutdown.ending
    number = 0
    while not ending.is_set():
        number += 1
        yield ServerSentEvent(data=number, id=str(number))
        with suppress(TimeoutError):
            await asyncio.wait_for(ending.wait(), timeout=0.05)
    yield ServerSentEvent(event="bye", data="come back", retry=1000)


# --8<-- [end:stream]


@router.get("/readyz")
async def ready(request: Request, response: Response) -> dict[str, bool]:
    draining: bool = request.state.shutdown.draining
    response.status_code = 503 if draining else 200
    return {"ready": not draining}


async def export(seconds: float) -> None:
    await asyncio.sleep(seconds)
    say("export: written")


@router.post("/exports", status_code=202)
async def start_export(request: Request, seconds: float = 0.1) -> dict[str, str]:
    tasks: set[asyncio.Task[None]] = request.state.tasks
    task = asyncio.create_task(export(seconds))
    tasks.add(task)
    task.add_done_callback(tasks.discard)
    return {"export": "started"}


# --8<-- [start:lifespan]
class State(TypedDict):
    shutdown: Shutdown
    tasks: set[asyncio.Task[None]]


@asynccontextmanager
async def lifespan(app: FastAPI) -> AsyncIterator[State]:
    shutdown = Shutdown(delay=float(os.environ.get("DRAIN_SECONDS", 0)))
    state = State(shutdown=shutdown, tasks=set())
    with shutdown.listening():
        yield state
        if state["tasks"]:
            patience = float(os.environ.get("TASK_SECONDS", 3))
            await asyncio.wait(state["tasks"], timeout=patience)
        say("pool: closed")


app = FastAPI(lifespan=lifespan)
app.include_router(router)
# --8<-- [end:lifespan]
