import json
import logging
import re
from contextvars import ContextVar
from datetime import UTC, datetime
from logging.config import dictConfig
from time import perf_counter
from typing import Any
from uuid import uuid4

from fastapi import FastAPI, Request, Response
from fastapi.exception_handlers import request_validation_exception_handler
from fastapi.exceptions import RequestValidationError
from pydantic import BaseModel, SecretStr
from starlette.datastructures import Headers, MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

# --8<-- [start:line]
context: ContextVar[dict[str, Any]] = ContextVar("log_context")
STANDARD = {*vars(logging.makeLogRecord({})), "message", "color_message"}
SECRET = re.compile(r"password|token|secret|authorization|cookie|api.?key", re.I)


def bind(**fields: Any) -> None:
    context.get({}).update(fields)


class JsonLine(logging.Formatter):
    def format(self, record: logging.LogRecord) -> str:
        fixed = {
            "time": datetime.fromtimestamp(record.created, UTC).isoformat(),
            "level": record.levelname,
            "logger": record.name,
            "message": record.getMessage(),
        }
        extra = {k: v for k, v in vars(record).items() if k not in STANDARD}
        line = context.get({}) | extra
        line = {k: "***" if SECRET.search(k) else v for k, v in line.items()}
        if record.exc_info:
            line["exception"] = self.formatException(record.exc_info)
        return json.dumps(fixed | line | fixed, default=str)
        # --8<-- [end:line]


# --8<-- [start:config]
class NoQuery(logging.Filter):
    def filter(self, record: logging.LogRecord) -> bool:
        if record.name.startswith("uvicorn") and isinstance(record.args, tuple):
            record.args = tuple(
                arg.partition("?")[0] if isinstance(arg, str) else arg
                for arg in record.args
            )
        return True


dictConfig(
    {
        "version": 1,
        "disable_existing_loggers": False,
        "filters": {"no_query": {"()": NoQuery}},
        "formatters": {"json": {"()": JsonLine}},
        "handlers": {
            "out": {
                "class": "logging.StreamHandler",
                "stream": "ext://sys.stdout",
                "formatter": "json",
                "filters": ["no_query"],
            }
        },
        "root": {"handlers": ["out"], "level": "INFO"},
        "loggers": {
            "uvicorn": {"handlers": [], "propagate": True},
            "uvicorn.access": {"handlers": [], "propagate": False},
        },
    }
)
log = logging.getLogger("shop")
# --8<-- [end:config]


# --8<-- [start:request]
class RequestLog:
    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "lifespan":
            await self.app(scope, receive, send)
            return
        sent = Headers(scope=scope).get("x-request-id", "")
        known = re.fullmatch(r"[A-Za-z0-9-]{8,64}", sent)
        fields = {"request_id": sent if known else uuid4().hex}
        context.set(fields)
        start, end, status = perf_counter(), 0.0, 500

        async def watch(message: Message) -> None:
            nonlocal end, status
            if message["type"] == "http.response.start":
                status = message["status"]
                MutableHeaders(scope=message)["X-Request-ID"] = fields["request_id"]
            await send(message)
            if not message.get("more_body"):
                end = perf_counter()

        try:
            await self.app(scope, receive, watch)
        finally:
            if scope["type"] == "http":
                bind(
                    method=scope["method"],
                    route=getattr(scope.get("route"), "path", None),
                    status=status,
                    ms=round(((end or perf_counter()) - start) * 1000, 1),
                )
                log.info("request")
                # --8<-- [end:request]


# --8<-- [start:app]
class Login(BaseModel):
    name: str
    password: SecretStr


app = FastAPI()
app.add_middleware(RequestLog)


@app.exception_handler(RequestValidationError)
async def invalid(request: Request, error: RequestValidationError) -> Response:
    wrong = [f"{each['type']} at {each['loc']}" for each in error.errors()]
    log.warning("invalid request", extra={"errors": wrong})
    return await request_validation_exception_handler(request, error)


@app.post("/login")
def log_in(login: Login) -> dict[str, str]:
    bind(user=login.name)
    log.info("logged in")
    return {"hello": login.name}


@app.get("/orders/{number}")
async def read_order(number: int) -> dict[str, float]:
    return {"share": 100 / number}
    # --8<-- [end:app]
