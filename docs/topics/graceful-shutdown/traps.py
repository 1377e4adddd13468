import asyncio
import signal
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from fastapi import FastAPI
from main import say
from real import Shutdown, State, router


# --8<-- [start:too-late]
@asynccontextmanager
async def too_late(app: FastAPI) -> AsyncIterator[State]:
    shutdown = Shutdown()
    yield State(shutdown=shutdown, tasks=set())
    shutdown.ending.set()
    say("pool: closed")
    # --8<-- [end:too-late]


# --8<-- [start:instead]
@asynccontextmanager
async def instead(app: FastAPI) -> AsyncIterator[State]:
    shutdown = Shutdown()
    loop = asyncio.get_running_loop()
    loop.add_signal_handler(signal.SIGTERM, shutdown.ending.set)
    yield State(shutdown=shutdown, tasks=set())
    # --8<-- [end:instead]


tells_too_late = FastAPI(lifespan=too_late)
tells_too_late.include_router(router)
replaces_the_handler = FastAPI(lifespan=instead)
replaces_the_handler.include_router(router)
