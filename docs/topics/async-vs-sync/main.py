import asyncio
import time
from typing import Annotated

from fastapi import FastAPI, Path
from fastapi.concurrency import run_in_threadpool

app = FastAPI()


def place() -> str:
    try:
        asyncio.get_running_loop()
    except RuntimeError:
        return "in a worker thread"
    return "on the event loop"


Seconds = Annotated[float, Path(ge=0, le=10)]


# --8<-- [start:routes]
@app.get("/blocking/{seconds}")
async def blocking(seconds: Seconds) -> str:
    time.sleep(seconds)
    return f"slept {place()}"


@app.get("/awaiting/{seconds}")
async def awaiting(seconds: Seconds) -> str:
    await asyncio.sleep(seconds)
    return f"waited {place()}"


@app.get("/threaded/{seconds}")
def threaded(seconds: Seconds) -> str:
    time.sleep(seconds)
    return f"slept {place()}"
    # --8<-- [end:routes]


# --8<-- [start:mixed]
@app.get("/mixed/{seconds}")
async def mixed(seconds: Seconds) -> str:
    await run_in_threadpool(time.sleep, seconds)
    return f"handed the sleep to a thread, waited {place()}"


@app.get("/ping")
async def ping() -> str:
    return f"pong {place()}"
    # --8<-- [end:mixed]
