import logging
from typing import Any

from fastapi import FastAPI, Request
from fastapi.responses import JSONResponse
from httpx2 import ASGITransport, AsyncClient
from httpx2 import Request as Outgoing
from opentelemetry import metrics, propagate, trace
from opentelemetry.trace import SpanKind
from pydantic import BaseModel
from starlette.types import ASGIApp, Receive, Scope, Send

stock = FastAPI(title="stands for another service")


@stock.post("/reservations/{sku}")
async def reserve(sku: str, request: Request) -> dict[str, str | None]:
    return {"sku": sku, "traceparent": request.headers.get("traceparent")}


# --8<-- [start:names]
tracer = trace.get_tracer("shop")
orders = metrics.get_meter("shop").create_counter("shop.orders", unit="{order}")
log = logging.getLogger("shop")
# --8<-- [end:names]


# --8<-- [start:log]
class WithTrace(logging.Filter):
    def filter(self, record: logging.LogRecord) -> bool:
        here = trace.get_current_span().get_span_context()
        record.trace_id = trace.format_trace_id(here.trace_id)
        return True


lines = logging.StreamHandler()
lines.addFilter(WithTrace())
lines.setFormatter(
    logging.Formatter("%(levelname)s %(message)s trace=%(trace_id)s")
)
logging.basicConfig(level=logging.INFO, handlers=[lines])
# --8<-- [end:log]


# --8<-- [start:client]
async def send_trace(request: Outgoing) -> None:
    propagate.inject(request.headers)


client = AsyncClient(
    base_url="http://stock",
    transport=ASGITransport(app=stock),
    event_hooks={"request": [send_trace]},
)
# --8<-- [end:client]


# --8<-- [start:app]
class KeepServerSpan:
    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "lifespan":
            scope.setdefault("state", {})["span"] = trace.get_current_span()
        await self.app(scope, receive, send)


def not_traced(scope: Any) -> bool:
    return scope["path"] in {"/live", "/ready"}


app = FastAPI(telemetry={"exclude": not_traced})
app.add_middleware(KeepServerSpan)


@app.exception_handler(Exception)
async def unexpected(request: Request, error: Exception) -> JSONResponse:
    span = request.state.span
    span.record_exception(error)
    number = trace.format_trace_id(span.get_span_context().trace_id)
    return JSONResponse({"detail": "Unexpected error", "trace": number}, 500)
    # --8<-- [end:app]


# --8<-- [start:route]
class Order(BaseModel):
    sku: str
    country: str


@app.post("/orders", status_code=201)
async def place(order: Order, request: Request) -> dict[str, str]:
    request.state.span.set_attribute("order.sku", order.sku)
    with tracer.start_as_current_span("reserve", kind=SpanKind.CLIENT):
        answer = await client.post(f"/reservations/{order.sku}")
        answer.raise_for_status()
    orders.add(1, {"country": order.country})
    log.info("order placed")
    return {"sku": order.sku, "sent": answer.json()["traceparent"]}
    # --8<-- [end:route]


@app.get("/live")
async def live() -> str:
    return "alive"
