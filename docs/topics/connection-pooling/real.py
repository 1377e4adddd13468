import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Annotated, Any, TypedDict

from fastapi import Depends, FastAPI, Request
from fastapi.responses import JSONResponse
from pydantic_settings import BaseSettings
from sqlalchemy import event, text
from sqlalchemy.exc import TimeoutError as PoolTimeoutError
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine, create_async_engine

# --8<-- [start:size]
SLOTS = text("""
    SELECT current_setting('max_connections')::int
         - current_setting('superuser_reserved_connections')::int
         - current_setting('reserved_connections')::int
""")


class Settings(BaseSettings):
    database_url: str
    db_budget: int = 40
    replicas: int = 2
    web_concurrency: int = 4

    @property
    def pool_size(self) -> int:
        size = self.db_budget // (self.replicas * self.web_concurrency)
        if size < 1:
            raise ValueError("DB_BUDGET is smaller than the number of workers")
        return size


async def check_budget(engine: AsyncEngine, settings: Settings) -> None:
    async with engine.connect() as connection:
        slots = await connection.scalar(SLOTS)
    if settings.db_budget > slots:
        raise ValueError(f"DB_BUDGET={settings.db_budget}, the server has {slots}")
        # --8<-- [end:size]


# --8<-- [start:engine]
GUARDS = "-c statement_timeout=5s -c idle_in_transaction_session_timeout=10s"


def open_engine(settings: Settings) -> AsyncEngine:
    return create_async_engine(
        settings.database_url,
        pool_size=settings.pool_size,
        max_overflow=0,
        pool_timeout=2,
        pool_pre_ping=True,
        connect_args={"application_name": "shop", "options": GUARDS},
    )
    # --8<-- [end:engine]


# --8<-- [start:watch]
def watch(engine: AsyncEngine) -> dict[Any, float]:
    taken: dict[Any, float] = {}

    @event.listens_for(engine.sync_engine, "checkout")
    def note(_connection: Any, record: Any, _proxy: Any) -> None:
        taken[record] = time.monotonic()

    @event.listens_for(engine.sync_engine, "checkin")
    def forget(_connection: Any, record: Any) -> None:
        taken.pop(record, None)

    return taken


# --8<-- [end:watch]


# --8<-- [start:app]
class State(TypedDict):
    engine: AsyncEngine
    taken: dict[Any, float]


@asynccontextmanager
async def lifespan(_app: FastAPI) -> AsyncIterator[State]:
    settings = Settings()
    engine = open_engine(settings)
    try:
        await check_budget(engine, settings)
        yield {"engine": engine, "taken": watch(engine)}
    finally:
        await engine.dispose()


app = FastAPI(lifespan=lifespan)


@app.exception_handler(PoolTimeoutError)
async def busy(_request: Request, _error: PoolTimeoutError) -> JSONResponse:
    return JSONResponse({"detail": "Busy"}, 503, {"Retry-After": "1"})


async def get_connection(request: Request) -> AsyncIterator[AsyncConnection]:
    async with request.state.engine.begin() as connection:
        yield connection


Connection = Annotated[AsyncConnection, Depends(get_connection, scope="function")]


@app.get("/time")
async def ask_time(connection: Connection) -> str:
    return str(await connection.scalar(text("SELECT now()")))


@app.get("/pool")
async def pool(request: Request) -> dict[str, float]:
    pool, taken = request.state.engine.pool, request.state.taken
    longest = time.monotonic() - min(taken.values(), default=time.monotonic())
    return {"size": pool.size(), "in_use": len(taken), "longest": round(longest, 1)}
    # --8<-- [end:app]
