import asyncio
import logging
import time
from collections.abc import AsyncIterator
from concurrent.futures import ProcessPoolExecutor
from contextlib import asynccontextmanager
from contextvars import ContextVar
from multiprocessing import get_context
from typing import Annotated
from uuid import uuid4

from anyio import CapacityLimiter, to_thread
from crunch import primes_below
from fastapi import Depends, FastAPI, Header, Query, Request

log = logging.getLogger("shop")


# --8<-- [start:lifespan]
@asynccontextmanager
async def lifespan(app: FastAPI) -> AsyncIterator[dict[str, object]]:
    to_thread.current_default_thread_limiter().total_tokens = 60
    with ProcessPoolExecutor(2, mp_context=get_context("spawn")) as processes:
        yield {"processes": processes, "courier": CapacityLimiter(5)}
        # --8<-- [end:lifespan]


# --8<-- [start:context]
request_id: ContextVar[str] = ContextVar("request_id", default="-")


async def name_the_request(
    x_request_id: Annotated[str | None, Header(max_length=64)] = None,
) -> None:
    request_id.set(x_request_id or uuid4().hex)


app = FastAPI(lifespan=lifespan, dependencies=[Depends(name_the_request)])
# --8<-- [end:context]


# --8<-- [start:courier]
def fetch_label(order: int) -> str:
    """Stands for a client library without async, such as boto3."""
    time.sleep(0.05)
    log.info("label for order %s, request %s", order, request_id.get())
    return f"label {order}"


@app.get("/orders/{order}/label")
async def label(order: int, request: Request) -> str:
    return await to_thread.run_sync(
        fetch_label, order, limiter=request.state.courier
    )
    # --8<-- [end:courier]


# --8<-- [start:processes]
@app.get("/primes")
async def primes(
    request: Request, below: Annotated[int, Query(ge=2, le=1_000_000)]
) -> int:
    loop = asyncio.get_running_loop()
    return await loop.run_in_executor(request.state.processes, primes_below, below)
    # --8<-- [end:processes]


# --8<-- [start:health]
@app.get("/health")
async def health() -> dict[str, float]:
    threads = to_thread.current_default_thread_limiter().statistics()
    return {
        "threads": threads.total_tokens,
        "busy": threads.borrowed_tokens,
        "waiting": threads.tasks_waiting,
    }
    # --8<-- [end:health]
