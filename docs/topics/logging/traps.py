from contextvars import ContextVar
from uuid import uuid4

from fastapi import FastAPI, Request
from main import RequestId, request_id
from starlette.types import ASGIApp, Receive, Scope, Send


# --8<-- [start:reset]
class ResettingId(RequestId):
    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        token = request_id.set(uuid4().hex)
        try:
            await self.app(scope, receive, send)
        finally:
            request_id.reset(token)
            # --8<-- [end:reset]


# --8<-- [start:user]
user: ContextVar[str | None] = ContextVar("user", default=None)
accounts = FastAPI()


@accounts.post("/photo")
async def save_photo(request: Request) -> int:
    user.set("ada")
    return len(await request.body())


@accounts.get("/who")
async def who() -> str | None:
    return user.get()
    # --8<-- [end:user]


class ClearUser:
    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        user.set(None)
        await self.app(scope, receive, send)


crashing = FastAPI()


@crashing.get("/crash")
async def crash() -> float:
    return 1 / 0


app = FastAPI()
app.mount("/reset", ResettingId(crashing))
app.mount("/kept", RequestId(crashing))
app.mount("/leaks", accounts)
app.mount("/clears", ClearUser(accounts))
