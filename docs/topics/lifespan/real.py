import asyncio
import logging
import os
from collections.abc import AsyncIterator, Coroutine
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from typing import Annotated, TypedDict

from fastapi import Depends, FastAPI, HTTPException
from fastapi.requests import HTTPConnection
from httpx2 import ASGITransport, AsyncClient, HTTPError
from sqlalchemy import Engine, create_engine, text

log = logging.getLogger("desk")

bank = FastAPI(title="stands for the bank's API")


@bank.get("/rates")
async def today() -> dict[str, float]:
    return {"EUR": 1.0, "USD": 1.17}


# --8<-- [start:job]
class Rates:
    def __init__(self, client: AsyncClient) -> None:
        self.client = client
        self.current: dict[str, float] = {}

    async def load(self) -> None:
        answer = await self.client.get("/rates")
        self.current = answer.raise_for_status().json()

    async def keep_fresh(self, seconds: float = 60) -> None:
        while True:
            await asyncio.sleep(seconds)
            try:
                await self.load()
            except (HTTPError, ValueError):
                log.exception("the bank does not answer; the old rates stay")


@asynccontextmanager
async def running(job: Coroutine[None, None, None]) -> AsyncIterator[None]:
    task = asyncio.create_task(job)
    try:
        yield
    finally:
        task.cancel()
        with suppress(asyncio.CancelledError):
            await task
            # --8<-- [end:job]


# --8<-- [start:lifespan]
class State(TypedDict):
    rates: Rates
    reader: Engine


@asynccontextmanager
async def lifespan(app: FastAPI) -> AsyncIterator[State]:
    async with AsyncExitStack() as stack:
        reader = create_engine(os.environ.get("DATABASE_URL", "sqlite://"))
        stack.callback(reader.dispose)
        if replica := os.environ.get("REPLICA_URL"):
            reader = create_engine(replica)
            stack.callback(reader.dispose)
        client = AsyncClient(
            base_url="http://bank", transport=ASGITransport(app=bank), timeout=5
        )
        rates = Rates(await stack.enter_async_context(client))
        await rates.load()
        await stack.enter_async_context(running(rates.keep_fresh()))
        yield {"rates": rates, "reader": reader}
        # --8<-- [end:lifespan]


# --8<-- [start:routes]
def get_rates(connection: HTTPConnection) -> Rates:
    return connection.state.rates


def get_reader(connection: HTTPConnection) -> Engine:
    return connection.state.reader


app = FastAPI(lifespan=lifespan)


@app.get("/rates/{currency}")
async def rate(currency: str, rates: Annotated[Rates, Depends(get_rates)]) -> float:
    if currency not in rates.current:
        raise HTTPException(404, "no rate for this currency")
    return rates.current[currency]


@app.get("/ready")
def ready(reader: Annotated[Engine, Depends(get_reader)]) -> dict[str, bool]:
    with reader.connect() as connection:
        return {"ready": connection.scalar(text("SELECT 1")) == 1}
        # --8<-- [end:routes]
