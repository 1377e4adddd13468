import os
import threading
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import psycopg
from fastapi import FastAPI, Request

URL = os.environ["DATABASE_URL"]

# --8<-- [start:app]
from_import = psycopg.connect(URL, autocommit=True)
ticker = threading.Thread(target=threading.Event().wait, daemon=True)
ticker.start()


@asynccontextmanager
async def lifespan(app: FastAPI) -> AsyncIterator[dict[str, psycopg.Connection]]:
    with psycopg.connect(URL, autocommit=True) as from_startup:
        yield {"from_startup": from_startup}


app = FastAPI(lifespan=lifespan)


def session(connection: psycopg.Connection) -> int:
    return connection.execute("SELECT pg_backend_pid()").fetchone()[0]


@app.get("/sessions")
def sessions(request: Request) -> dict[str, int | bool]:
    return {
        "worker": os.getpid(),
        "from import": session(from_import),
        "from startup": session(request.state.from_startup),
        "thread runs": ticker.is_alive(),
    }
    # --8<-- [end:app]
