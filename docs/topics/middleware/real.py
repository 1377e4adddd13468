import logging
import re
from collections.abc import AsyncIterator
from contextvars import ContextVar
from time import perf_counter
from uuid import uuid4

from fastapi import FastAPI
from fastapi.middleware.gzip import GZipMiddleware
from fastapi.responses import JSONResponse, StreamingResponse
from starlette.datastructures import Headers, MutableHeaders
from starlette.middleware import Middleware
from starlette.types import ASGIApp, Message, Receive, Scope, Send

# --8<-- [start:log]
request_id: ContextVar[str] = ContextVar("request_id", default="-")


class AddRequestId(logging.Filter):
    def filter(self, record: logging.LogRecord) -> bool:
        record.request_id = request_id.get()
        return True


handler = logging.StreamHandler()
handler.addFilter(AddRequestId())
handler.setFormatter(
    logging.Formatter("%(levelname)s [%(request_id)s] %(message)s")
)
log = logging.getLogger("shop")
log.setLevel(logging.INFO)
log.handlers = [handler]
# --8<-- [end:log]

# --8<-- [start:id]
ACCEPTED = re.compile(r"[A-Za-z0-9-]{8,64}")


class RequestId:
    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        sent = Headers(scope=scope).get("x-request-id", "")
        current = sent if ACCEPTED.fullmatch(sent) else uuid4().hex
        started = False

        async def send_with_id(message: Message) -> None:
            nonlocal started
            if message["type"] == "http.response.start":
                started = True
                MutableHeaders(scope=message)["X-Request-ID"] = current
            await send(message)

        token = request_id.set(current)
        try:
            await self.app(scope, receive, send_with_id)
        except Exception:
            log.exception("unhandled")
            if not started:
                body = {"detail": "Internal Server Error", "request_id": current}
                await JSONResponse(body, 500)(scope, receive, send_with_id)
            raise
        finally:
            request_id.reset(token)
            # --8<-- [end:id]


# --8<-- [start:access]
class AccessLog:
    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        start, end, status = perf_counter(), 0.0, 500

        async def watch(message: Message) -> None:
            nonlocal end, status
            kind = message["type"]
            if kind == "http.response.start":
                status = message["status"]
            await send(message)
            if kind == "http.response.body" and not message.get("more_body"):
                end = perf_counter()

        try:
            await self.app(scope, receive, watch)
        finally:
            path = getattr(scope.get("route"), "path", "no route")
            took = ((end or perf_counter()) - start) * 1000
            cut = "" if end or status == 500 else ", cut short"
            log.info("%s %s %d %.1f ms%s", scope["method"], path, status, took, cut)
            # --8<-- [end:access]


# --8<-- [start:app]
app = FastAPI(
    middleware=[
        Middleware(RequestId),
        Middleware(AccessLog),
        Middleware(GZipMiddleware, minimum_size=1000),
    ]
)


@app.get("/orders/{number}")
def read_order(number: int) -> dict[str, int | float]:
    log.info("looking up order %d", number)
    return {"number": number, "share": 100 / number}


@app.get("/export", response_class=StreamingResponse)
async def export() -> AsyncIterator[str]:
    for number in range(1000):
        yield f"order {number}\n"
        # --8<-- [end:app]
