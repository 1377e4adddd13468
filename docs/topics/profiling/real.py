import asyncio
import logging
import secrets
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from contextvars import ContextVar
from pathlib import Path
from typing import Any

import main
from fastapi import FastAPI
from pydantic_settings import BaseSettings
from pyinstrument import Profiler
from sqlalchemy import event
from starlette.types import ASGIApp, Message, Receive, Scope, Send
from watch import LoopWatch, warn

counted: ContextVar[Counter[str] | None] = ContextVar("counted", default=None)


@event.listens_for(main.engine, "before_cursor_execute")
def count(_connection: Any, _cursor: Any, sql: str, *_rest: Any) -> None:
    if (counter := counted.get()) is not None:
        counter[" ".join(sql.split())] += 1


# --8<-- [start:sql]
class SqlPerRequest:
    """Warns when one request sends the same statement again and again."""

    def __init__(self, app: ASGIApp, most: int = 10) -> None:
        self.app, self.most = app, most

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        counter: Counter[str] = Counter()
        token = counted.set(counter)
        try:
            await self.app(scope, receive, send)
        finally:
            counted.reset(token)
            for sql, times in counter.items():
                if times > self.most:
                    where = scope.get("path", scope["type"])
                    log = logging.getLogger("slow")
                    log.warning("%s sent %d times %s", where, times, sql)
                    # --8<-- [end:sql]


class ProfileOnRequest:
    """Samples a request that brings the key; its answer stays what it was."""

    def __init__(self, app: ASGIApp, key: str, folder: Path) -> None:
        self.app, self.key, self.folder, self.busy = app, key, folder, False
        folder.mkdir(parents=True, exist_ok=True)

    def wanted(self, scope: Scope) -> bool:
        sent = dict(scope.get("headers", [])).get(b"x-profile-key", b"")
        right = secrets.compare_digest(sent, self.key.encode())
        return scope["type"] == "http" and right and not self.busy

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if self.wanted(scope):
            await self.profiled(scope, receive, send)
        else:
            await self.app(scope, receive, send)

    # --8<-- [start:profile]
    async def profiled(self, scope: Scope, receive: Receive, send: Send) -> None:
        name = f"{secrets.token_hex(8)}.html"

        async def named(message: Message) -> None:
            if message["type"] == "http.response.start":
                message["headers"].append((b"x-profile", name.encode()))
            await send(message)

        self.busy = True
        try:
            with Profiler(async_mode="enabled") as profiler:
                await self.app(scope, receive, named)
        finally:
            self.busy = False
        html = await asyncio.to_thread(profiler.output_html)
        await asyncio.to_thread((self.folder / name).write_text, html)
        # --8<-- [end:profile]


class Settings(BaseSettings):
    profile_key: str = ""
    profile_folder: Path = Path("profiles")


@asynccontextmanager
async def lifespan(_app: FastAPI) -> AsyncIterator[None]:
    watching = asyncio.create_task(LoopWatch(warn).run())
    yield
    watching.cancel()


# --8<-- [start:app]
def build(settings: Settings) -> FastAPI:
    app = FastAPI(lifespan=lifespan)
    app.include_router(main.shop)
    app.add_middleware(SqlPerRequest)
    if len(settings.profile_key) >= 32:
        key, folder = settings.profile_key, settings.profile_folder
        app.add_middleware(ProfileOnRequest, key=key, folder=folder)
    return app
    # --8<-- [end:app]


app = build(Settings())
