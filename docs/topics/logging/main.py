import json
import logging
from contextvars import ContextVar
from uuid import uuid4

from fastapi import FastAPI
from starlette.types import ASGIApp, Receive, Scope, Send

# --8<-- [start:json]
request_id: ContextVar[str | None] = ContextVar("request_id", default=None)


class JsonLine(logging.Formatter):
    def format(self, record: logging.LogRecord) -> str:
        line = {
            "time": self.formatTime(record),
            "level": record.levelname,
            "request_id": request_id.get(),
            "logger": record.name,
            "message": record.getMessage(),
        }
        if record.exc_info:
            line["exception"] = self.formatException(record.exc_info)
        return json.dumps(line)
        # --8<-- [end:json]


# --8<-- [start:setup]
handler = logging.StreamHandler()
handler.setFormatter(JsonLine())
logging.basicConfig(level=logging.INFO, handlers=[handler], force=True)
for name in ("uvicorn", "uvicorn.access"):
    logging.getLogger(name).handlers.clear()
    logging.getLogger(name).propagate = True
# --8<-- [end:setup]


# --8<-- [start:app]
class RequestId:
    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        request_id.set(uuid4().hex)
        await self.app(scope, receive, send)


app = FastAPI()
app.add_middleware(RequestId)
log = logging.getLogger("shop")


@app.get("/orders/{number}")
def read_order(number: int) -> dict[str, float]:
    log.info("sharing order %d", number)
    return {"share": 100 / number}
    # --8<-- [end:app]
