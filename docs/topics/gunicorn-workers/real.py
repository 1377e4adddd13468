import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import TypedDict

from fastapi import FastAPI, Request
from pydantic import BaseModel
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncEngine, create_async_engine


# --8<-- [start:lifespan]
class State(TypedDict):
    engine: AsyncEngine


@asynccontextmanager
async def lifespan(app: FastAPI) -> AsyncIterator[State]:
    url = os.environ["DATABASE_URL"]
    engine = create_async_engine(url, pool_size=5, max_overflow=0)
    try:
        yield {"engine": engine}
    finally:
        await engine.dispose()
    # --8<-- [end:lifespan]


# --8<-- [start:route]
app = FastAPI(lifespan=lifespan)
COUNT = text("UPDATE visits SET number = number + 1 RETURNING number")


class Visit(BaseModel):
    worker: int
    visits: int


@app.get("/visits")
async def count_visit(request: Request) -> Visit:
    async with request.state.engine.begin() as connection:
        visits = await connection.scalar(COUNT)
    return Visit(worker=os.getpid(), visits=visits)
    # --8<-- [end:route]
