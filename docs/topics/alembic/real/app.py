import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from fastapi import FastAPI
from sqlalchemy import Connection
from sqlalchemy.ext.asyncio import create_async_engine

# --8<-- [start:guard]
engine = create_async_engine(os.environ["DATABASE_URL"])
config = Config(Path(__file__).parents[1] / "alembic.ini")


def is_behind(connection: Connection) -> bool:
    scripts = ScriptDirectory.from_config(config)
    known = {script.revision for script in scripts.walk_revisions()}
    applied = set(MigrationContext.configure(connection).get_current_heads())
    return applied <= known and applied != set(scripts.get_heads())


@asynccontextmanager
async def lifespan(app: FastAPI) -> AsyncIterator[None]:
    async with engine.connect() as connection:
        if await connection.run_sync(is_behind):
            raise RuntimeError(
                "The database is behind this code: run the migrations"
            )
    yield
    await engine.dispose()


app = FastAPI(lifespan=lifespan)
# --8<-- [end:guard]
