import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import TypedDict

from fastapi import FastAPI, HTTPException, Request
from sqlalchemy import AsyncAdaptedQueuePool, text
from sqlalchemy.exc import TimeoutError as PoolTimeoutError
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine, create_async_engine


# --8<-- [start:engine]
class State(TypedDict):
    engine: AsyncEngine
    forgotten: list[AsyncConnection]


@asynccontextmanager
async def lifespan(_app: FastAPI) -> AsyncIterator[State]:
    engine = create_async_engine(
        os.environ.get("DATABASE_URL", "sqlite+aiosqlite://"),
        poolclass=AsyncAdaptedQueuePool,
        pool_size=2,
        max_overflow=0,
        pool_timeout=0.2,
    )
    forgotten: list[AsyncConnection] = []
    yield {"engine": engine, "forgotten": forgotten}
    for connection in forgotten:
        await connection.close()
    await engine.dispose()


app = FastAPI(lifespan=lifespan)
# --8<-- [end:engine]


# --8<-- [start:routes]
@app.get("/query")
async def query(request: Request) -> int:
    try:
        async with request.state.engine.connect() as connection:
            return await connection.scalar(text("SELECT 42"))
    except PoolTimeoutError as error:
        raise HTTPException(503, str(error)) from error


@app.get("/leak")
async def leak(request: Request) -> int:
    connection = await request.state.engine.connect()
    request.state.forgotten.append(connection)
    return await connection.scalar(text("SELECT 42"))


@app.get("/pool")
async def pool(request: Request) -> dict[str, int]:
    pool = request.state.engine.pool
    return {"in use": pool.checkedout(), "idle": pool.checkedin()}
    # --8<-- [end:routes]
