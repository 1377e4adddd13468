from typing import Any

from fastapi import FastAPI
from opentelemetry import trace
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import (
    InMemorySpanExporter,
)

# --8<-- [start:collector]
collector = InMemorySpanExporter()
provider = TracerProvider()
provider.add_span_processor(SimpleSpanProcessor(collector))
trace.set_tracer_provider(provider)
# --8<-- [end:collector]

# --8<-- [start:app]
tracer = trace.get_tracer("shop")
app = FastAPI(telemetry={"exclude": lambda scope: scope["path"] == "/spans"})


@app.get("/orders/{order_id}")
async def read_order(order_id: int) -> dict[str, int]:
    with tracer.start_as_current_span("add up") as span:
        prices = [5, 7, 30]
        span.set_attribute("order.lines", len(prices))
        return {"order": order_id, "total": sum(prices)}
        # --8<-- [end:app]


# --8<-- [start:spans]
@app.get("/spans")
async def read_spans() -> list[dict[str, Any]]:
    spans = sorted(collector.get_finished_spans(), key=lambda span: span.start_time)
    names = {span.context.span_id: span.name for span in spans}
    return [
        {
            "name": span.name,
            "parent": span.parent and names.get(span.parent.span_id, "the caller"),
            "trace": trace.format_trace_id(span.context.trace_id),
        }
        for span in spans
    ]
    # --8<-- [end:spans]
