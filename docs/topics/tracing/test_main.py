import asyncio
import contextvars
import importlib.metadata
import logging
import random
import re
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from typing import Annotated

import pytest
import real
from fastapi import APIRouter, BackgroundTasks, Depends, FastAPI, Request
from fastapi.concurrency import run_in_threadpool
from fastapi.responses import JSONResponse, StreamingResponse
from fastapi.telemetry import TelemetryConfig
from httpx2 import AsyncClient
from main import collector, provider
from opentelemetry import metrics, trace
from opentelemetry.sdk._logs import LoggerProvider
from opentelemetry.sdk._logs.export import (
    InMemoryLogRecordExporter,
    SimpleLogRecordProcessor,
)
from opentelemetry.sdk.metrics import MeterProvider
from opentelemetry.sdk.metrics.export import InMemoryMetricReader
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor, SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import (
    InMemorySpanExporter,
)
from opentelemetry.sdk.trace.sampling import ParentBased, TraceIdRatioBased
from opentelemetry.trace import SpanKind, StatusCode

TRACE = "4bf92f3577b34da6a3ce929d0e0e4736"
PARENT = f"00-{TRACE}-00f067aa0ba902b7-01"
READER = InMemoryMetricReader()
metrics.set_meter_provider(MeterProvider(metric_readers=[READER]))


@pytest.fixture(autouse=True)
def nothing_collected_yet():
    collector.clear()


def finished(exporter=collector):
    return sorted(exporter.get_finished_spans(), key=lambda span: span.start_time)


def named(name, exporter=collector):
    [span] = [span for span in finished(exporter) if span.name == name]
    return span


def own_provider(**options):
    exporter = InMemorySpanExporter()
    made = TracerProvider(**options)
    made.add_span_processor(SimpleSpanProcessor(exporter))
    return made, exporter


def traceparent(trace_id, sampled=True):
    return {"traceparent": f"00-{trace_id:032x}-{1:016x}-0{int(sampled)}"}


def points(reader, name):
    data = reader.get_metrics_data()
    return [
        point
        for resource in (data.resource_metrics if data else ())
        for scope in resource.scope_metrics
        for metric in scope.metrics
        if metric.name == name
        for point in metric.data.data_points
    ]


# --- main.py


async def test_an_order_is_answered_and_leaves_five_spans(client):
    answer = await client.get("/orders/7", headers={"traceparent": PARENT})
    assert (answer.status_code, answer.json()) == (200, {"order": 7, "total": 42})
    seen = (await client.get("/spans")).json()
    assert [(span["name"], span["parent"]) for span in seen] == [
        ("GET /orders/{order_id}", "the caller"),
        ("fastapi.dependencies", "GET /orders/{order_id}"),
        ("fastapi.endpoint", "GET /orders/{order_id}"),
        ("add up", "fastapi.endpoint"),
        ("fastapi.serialization", "GET /orders/{order_id}"),
    ]
    assert {span["trace"] for span in seen} == {TRACE}


async def test_without_a_caller_a_new_trace_begins(client):
    await client.get("/orders/7")
    await client.get("/orders/7")
    seen = (await client.get("/spans")).json()
    assert [span["parent"] for span in seen].count(None) == 2
    assert len({span["trace"] for span in seen}) == 2
    assert TRACE not in {span["trace"] for span in seen}


async def test_what_the_server_span_says(client, shown):
    await client.get("/orders/7?token=secret&sig=secret")
    span = named("GET /orders/{order_id}")
    assert span.kind is SpanKind.SERVER
    shown("attributes", "\n".join(f"{k:26}{v}" for k, v in span.attributes.items()))
    assert span.attributes["url.query"] == "token=secret&sig=REDACTED"


# --- FastAPI's own telemetry


def test_the_api_comes_with_fastapi_and_the_sdk_does_not():
    needs = importlib.metadata.requires("fastapi")
    always = [line for line in needs if "extra ==" not in line]
    assert [line for line in always if "opentelemetry" in line] == [
        "opentelemetry-api>=1.44.0"
    ]
    extra = [line for line in needs if line.endswith("extra == 'opentelemetry'")]
    extra += [line for line in needs if line.endswith('extra == "opentelemetry"')]
    assert [re.split("[>=]", line)[0] for line in extra] == [
        "opentelemetry-sdk",
        "opentelemetry-exporter-otlp-proto-http",
    ]


SILENT = """
import asyncio
from fastapi import FastAPI
from opentelemetry import trace
app = FastAPI()

@app.get("/")
async def read() -> bool:
    return trace.get_current_span().is_recording()

async def receive():
    return {"type": "http.request"}

async def send(message):
    print(message.get("body"))

scope = {"type": "http", "method": "GET", "path": "/", "headers": []}
scope["query_string"] = b""
asyncio.run(app(scope, receive, send))
"""


def test_nothing_is_recorded_until_a_provider_is_set():
    run = subprocess.run([sys.executable, "-c", SILENT], capture_output=True)
    assert b"b'false'" in run.stdout


async def spans_with(client_for, telemetry: TelemetryConfig):
    made, exporter = own_provider()
    app = FastAPI(telemetry={"tracer_provider": made, **telemetry})

    @app.get("/items/{item}")
    async def read(item: int, background: BackgroundTasks) -> int:
        background.add_task(int)
        return item

    async with client_for(app) as http:
        assert (await http.get("/items/1")).json() == 1
    return [span.name for span in finished(exporter)]


async def test_the_telemetry_setting_decides_what_is_recorded(client_for):
    inner = ["dependencies", "endpoint", "serialization", "background_task"]
    assert await spans_with(client_for, {}) == [
        "GET /items/{item}",
        *(f"fastapi.{name}" for name in inner),
    ]
    assert await spans_with(client_for, {"operation_spans": False}) == [
        "GET /items/{item}"
    ]
    assert await spans_with(client_for, {"tracing": False}) == []
    assert await spans_with(client_for, {"exclude": lambda scope: True}) == []


async def test_names_hold_the_template_and_an_unknown_path_only_the_method(
    client_for,
):
    made, exporter = own_provider()
    app = FastAPI(telemetry={"tracer_provider": made, "operation_spans": False})
    router = APIRouter(prefix="/items")

    @router.get("/{item}")
    async def read(item: int) -> int:
        return item

    app.include_router(router, prefix="/v1")
    async with client_for(app) as http:
        for path in ("/v1/items/1", "/v1/items/x", "/elsewhere"):
            await http.get(path)
    assert [
        (s.name, s.attributes.get("http.route")) for s in finished(exporter)
    ] == [
        ("GET /v1/items/{item}", "/v1/items/{item}"),
        ("GET /v1/items/{item}", "/v1/items/{item}"),
        ("GET", None),
    ]


async def test_only_a_server_error_marks_the_span(client_for):
    made, exporter = own_provider()
    app = FastAPI(telemetry={"tracer_provider": made, "operation_spans": False})

    @app.get("/{item}")
    async def read(item: int) -> float:
        return 1 / item

    async with client_for(app) as http:
        for path in ("/1", "/x", "/0"):
            await http.get(path)
    ok, refused, broken = finished(exporter)
    assert ok.status.status_code is StatusCode.UNSET
    assert refused.status.status_code is StatusCode.UNSET
    assert refused.attributes["http.response.status_code"] == 422
    assert broken.status.status_code is StatusCode.ERROR
    assert broken.attributes["error.type"] == "ZeroDivisionError"


async def test_a_background_task_ends_after_the_span_it_belongs_to(client_for):
    made, exporter = own_provider()
    app = FastAPI(telemetry={"tracer_provider": made})

    @app.get("/")
    async def read(background: BackgroundTasks) -> int:
        background.add_task(int)
        return 1

    async with client_for(app) as http:
        await http.get("/")
    server, task = (
        named(name, exporter) for name in ("GET /", "fastapi.background_task")
    )
    assert task.parent.span_id == server.context.span_id
    assert task.start_time >= server.end_time


async def test_the_server_span_lasts_until_the_last_byte_is_sent(client_for):
    made, exporter = own_provider()
    app = FastAPI(telemetry={"tracer_provider": made})

    @app.get("/")
    async def stream() -> StreamingResponse:
        async def chunks():
            with made.get_tracer("shop").start_as_current_span("chunk"):
                yield b"1"

        return StreamingResponse(chunks())

    async with client_for(app) as http:
        await http.get("/")
    server, endpoint, chunk = (
        named(name, exporter) for name in ("GET /", "fastapi.endpoint", "chunk")
    )
    assert (
        endpoint.end_time <= chunk.start_time <= chunk.end_time <= server.end_time
    )
    assert chunk.parent.span_id == server.context.span_id


async def test_where_the_current_span_goes(client_for, shown):
    made, exporter = own_provider()
    tracer = made.get_tracer("shop")
    app = FastAPI(telemetry={"tracer_provider": made, "operation_spans": False})

    def work(name):
        with tracer.start_as_current_span(name):
            pass

    async def awork(name):
        await asyncio.sleep(0)
        work(name)

    pool = ThreadPoolExecutor(1)

    def in_thread():
        work("def dependency, in a thread")

    @app.get("/")
    async def read(
        background: BackgroundTasks, _: Annotated[None, Depends(in_thread)]
    ) -> None:
        await awork("await")
        await asyncio.create_task(awork("asyncio.create_task"))
        await asyncio.to_thread(work, "asyncio.to_thread")
        await run_in_threadpool(work, "run_in_threadpool")
        background.add_task(work, "BackgroundTasks")
        loop = asyncio.get_running_loop()
        await loop.run_in_executor(pool, work, "loop.run_in_executor")
        pool.submit(work, "ThreadPoolExecutor.submit").result()
        fresh = contextvars.Context()
        await asyncio.create_task(
            awork("create_task in a new Context"), context=fresh
        )

    async with client_for(app) as http:
        await http.get("/")
    pool.shutdown()
    server = named("GET /", exporter)
    rows = {
        span.name: span.context.trace_id == server.context.trace_id
        for span in finished(exporter)
        if span is not server
    }
    shown(
        "where",
        "\n".join(
            f"{name:32}{'same trace' if same else 'a new trace'}"
            for name, same in sorted(rows.items(), key=lambda row: not row[1])
        ),
    )
    assert [name for name, same in rows.items() if not same] == [
        "loop.run_in_executor",
        "ThreadPoolExecutor.submit",
        "create_task in a new Context",
    ]


async def test_a_worker_started_by_a_request_stays_in_its_trace(client_for):
    made, exporter = own_provider()
    app = FastAPI(telemetry={"tracer_provider": made, "operation_spans": False})
    queue: asyncio.Queue[int] = asyncio.Queue()
    workers = []

    async def worker():
        while True:
            number = await queue.get()
            with made.get_tracer("shop").start_as_current_span(f"job {number}"):
                queue.task_done()

    @app.get("/{number}")
    async def read(number: int) -> None:
        if not workers:
            workers.append(asyncio.create_task(worker()))
        queue.put_nowait(number)
        await queue.join()

    async with client_for(app) as http:
        await http.get("/1")
        await http.get("/2")
    workers[0].cancel()
    jobs = [span for span in finished(exporter) if span.name.startswith("job")]
    servers = [span for span in finished(exporter) if span.name == "GET /{number}"]
    assert {job.context.trace_id for job in jobs} == {servers[0].context.trace_id}


# --- metrics and sampling


async def test_what_is_measured_without_a_line_of_code(client_for, shown):
    reader = InMemoryMetricReader()
    made, exporter = own_provider(sampler=TraceIdRatioBased(0))
    config: TelemetryConfig = {
        "meter_provider": MeterProvider(metric_readers=[reader]),
        "tracer_provider": made,
    }
    app = FastAPI(telemetry=config)

    @app.get("/items/{item}")
    async def read(item: int) -> float:
        return 1 / item

    async with client_for(app) as http:
        for item in (1, 2, 3, 0):
            await http.get(f"/items/{item}")
    assert finished(exporter) == []
    lines = ["http.server.request.duration"]
    for point in points(reader, "http.server.request.duration"):
        keys = ("http.route", "http.response.status_code", "error.type")
        told = [
            str(point.attributes[key]) for key in keys if key in point.attributes
        ]
        lines.append(f"  {' '.join(told):44}count {point.count}")
    lines.append("http.server.active_requests")
    for point in points(reader, "http.server.active_requests"):
        lines.append(
            f"  {point.attributes['http.request.method']:44}{point.value:7}"
        )
    shown("metrics", "\n".join(lines))
    assert lines[1].endswith("count 3")
    assert lines[2].endswith("count 1")


def test_a_quarter_means_about_a_quarter(monkeypatch):
    monkeypatch.setenv("OTEL_TRACES_SAMPLER", "parentbased_traceidratio")
    monkeypatch.setenv("OTEL_TRACES_SAMPLER_ARG", "0.25")
    made, exporter = own_provider()
    random.seed(48)
    for _ in range(400):
        with made.get_tracer("shop").start_as_current_span("one"):
            pass
    assert 70 < len(finished(exporter)) < 130


def test_by_default_everything_is_recorded_unless_the_caller_says_no(monkeypatch):
    monkeypatch.delenv("OTEL_TRACES_SAMPLER", raising=False)
    assert (
        TracerProvider()
        .sampler.get_description()
        .startswith("ParentBased{root:AlwaysOnSampler")
    )


# --- real.py


async def test_the_shop_places_an_order_in_one_trace(client_for, caplog, shown):
    caplog.handler.addFilter(real.WithTrace())
    caplog.handler.setFormatter(real.lines.formatter)
    caplog.set_level(logging.INFO, logger="shop")
    body = {"sku": "mug", "country": "AT"}
    async with client_for(real.app) as http:
        answer = await http.post(
            "/orders", json=body, headers={"traceparent": PARENT}
        )
    assert answer.status_code == 201
    assert answer.json()["sku"] == "mug"
    reserve = named("reserve")
    assert answer.json()["sent"] == (
        f"00-{TRACE}-{trace.format_span_id(reserve.context.span_id)}-01"
    )
    other = named("POST /reservations/{sku}")
    assert other.parent.span_id == reserve.context.span_id
    assert named("POST /orders").attributes["order.sku"] == "mug"
    [line] = [line for line in caplog.text.splitlines() if "order placed" in line]
    shown("log", line)
    assert TRACE in line
    [point] = points(READER, "shop.orders")
    assert dict(point.attributes) == {"country": "AT"}


async def test_probes_leave_nothing_behind(client_for):
    measured = len(points(READER, "http.server.request.duration"))
    async with client_for(real.app) as http:
        assert (await http.get("/live")).json() == "alive"
    assert finished() == []
    assert len(points(READER, "http.server.request.duration")) == measured


async def test_an_unexpected_error_answers_with_the_number_of_its_trace(
    client_for, monkeypatch
):
    async def refuse(*_):
        raise ConnectionError("stock is unreachable")

    monkeypatch.setattr(real.client, "post", refuse)
    async with client_for(real.app) as http:
        body = {"sku": "mug", "country": "AT"}
        answer = await http.post(
            "/orders", json=body, headers={"traceparent": PARENT}
        )
    assert answer.status_code == 500
    assert answer.json() == {"detail": "Unexpected error", "trace": TRACE}


EXPORT = """
import asyncio, sys, types
from dotenv import load_dotenv
load_dotenv("otel.env")
from opentelemetry.sdk.metrics.export import ConsoleMetricExporter
from opentelemetry.sdk.trace.export.in_memory_span_exporter import (
    InMemorySpanExporter)
made = {}

class Spans(InMemorySpanExporter):
    def __init__(self, endpoint):
        super().__init__()
        made[endpoint] = self

class Numbers(ConsoleMetricExporter):
    def __init__(self, endpoint):
        super().__init__(out=open(sys.argv[1], "w"))
        made[endpoint] = self

class Logs:
    def __init__(self, endpoint):
        made[endpoint] = self
    def export(self, batch):
        pass
    def shutdown(self):
        pass
    force_flush = shutdown

package = "opentelemetry.exporter.otlp.proto.http."
for name, stand_in in {
    "trace_exporter": {"OTLPSpanExporter": Spans},
    "metric_exporter": {"OTLPMetricExporter": Numbers},
    "_log_exporter": {"OTLPLogExporter": Logs},
}.items():
    sys.modules[package + name] = types.SimpleNamespace(**stand_in)

import real
from asgi_lifespan import LifespanManager
from httpx2 import ASGITransport, AsyncClient

async def call():
    async with LifespanManager(real.app) as manager:
        transport = ASGITransport(app=manager.app)
        async with AsyncClient(transport=transport, base_url="http://shop") as http:
            for flag in ("01", "00"):
                parent = f"00-{'a' * 32}-{'b' * 16}-{flag}"
                await http.post("/orders", json={"sku": flag, "country": "AT"},
                                headers={"traceparent": parent})

asyncio.run(call())
print(sorted(made))
[spans] = [one for one in made.values() if isinstance(one, Spans)]
for span in spans.get_finished_spans():
    if span.name == "POST /orders":
        service = span.resource.attributes["service.name"]
        print(service, span.attributes["order.sku"])
"""


def test_the_environment_file_alone_exports_the_shop(workdir, tmp_path):
    run = subprocess.run(
        [sys.executable, "-c", EXPORT, str(tmp_path / "metrics.json")],
        cwd=workdir,
        capture_output=True,
        text=True,
    )
    base = "http://127.0.0.1:4318/v1"
    endpoints, *spans = run.stdout.splitlines()
    assert endpoints == str(
        [f"{base}/{kind}" for kind in ("logs", "metrics", "traces")]
    )
    assert spans == ["shop 01"]  # flushed at shutdown; the caller's 00 is obeyed
    assert "shop.orders" in (tmp_path / "metrics.json").read_text()


async def test_without_the_exporter_the_app_starts_with_a_warning(
    client_for, monkeypatch, caplog
):
    package = "opentelemetry.exporter.otlp.proto.http._log_exporter"
    monkeypatch.setitem(sys.modules, package, None)
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_ENDPOINT", "http://127.0.0.1:4318")
    app = FastAPI(telemetry={"auto_configure": True})
    async with client_for(app) as http:
        assert (await http.get("/")).status_code == 404
    assert "FastAPI automatic telemetry configuration failed" in caplog.text
    assert "requires fastapi[opentelemetry] or fastapi[standard]" in caplog.text


def test_a_batch_waits_until_shutdown():
    exporter, made = InMemorySpanExporter(), TracerProvider()
    made.add_span_processor(BatchSpanProcessor(exporter))
    with made.get_tracer("shop").start_as_current_span("last"):
        pass
    assert finished(exporter) == []
    made.shutdown()
    assert [span.name for span in finished(exporter)] == ["last"]


FORK = """
import os
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor, ConsoleSpanExporter

def line(span):
    who = "worker" if os.getpid() != parent else "parent"
    return f"{who} {span.resource.attributes['service.instance.id']}\\n"

parent = os.getpid()
provider = TracerProvider()
provider.add_span_processor(BatchSpanProcessor(ConsoleSpanExporter(formatter=line)))
worker = os.fork()
with provider.get_tracer("shop").start_as_current_span("after the fork"):
    pass
provider.shutdown()
if worker:
    os.waitpid(worker, 0)
"""


def test_a_forked_worker_exports_under_an_instance_id_of_its_own():
    run = subprocess.run(
        [sys.executable, "-c", FORK], capture_output=True, text=True, timeout=20
    )
    who, ids = zip(*(line.split() for line in run.stdout.splitlines()), strict=True)
    assert sorted(who) == ["parent", "worker"]
    assert len(set(ids)) == 2


# --- gotchas


def test_second_provider_is_ignored(caplog):
    def trap(exporter):
        second = TracerProvider()
        second.add_span_processor(SimpleSpanProcessor(exporter))
        trace.set_tracer_provider(second)

    def fix(exporter):
        trace.get_tracer_provider().add_span_processor(
            SimpleSpanProcessor(exporter)
        )

    def probe(setup):
        exporter = InMemorySpanExporter()
        setup(exporter)
        with trace.get_tracer("shop").start_as_current_span("one"):
            pass
        return [span.name for span in finished(exporter)]

    assert probe(trap) == []
    assert "Overriding of current TracerProvider is not allowed" in caplog.text
    assert probe(fix) == ["one"]


async def test_next_service_starts_a_new_trace(server):
    async with server("main:app") as url:

        async def probe(**options):
            async with AsyncClient(base_url=str(url), **options) as http:
                with provider.get_tracer("shop").start_as_current_span(
                    "call"
                ) as span:
                    await http.get("/orders/7")
                here = trace.format_trace_id(span.get_span_context().trace_id)
                last = (await http.get("/spans")).json()[-1]
            return last["trace"] == here

        assert await probe() is False
        assert await probe(event_hooks={"request": [real.send_trace]}) is True


async def test_thread_pool_loses_the_trace(client_for):
    async def probe(call):
        made, exporter = own_provider()
        app = FastAPI(telemetry={"tracer_provider": made})

        def work():
            with made.get_tracer("shop").start_as_current_span("work"):
                pass

        @app.get("/")
        async def read() -> None:
            await call(work)

        async with client_for(app) as http:
            await http.get("/")
        return named("work", exporter).parent is not None

    with ThreadPoolExecutor(1) as pool:

        async def trap(work):
            await asyncio.get_running_loop().run_in_executor(pool, work)

        async def fix(work):
            copy = contextvars.copy_context()
            await asyncio.get_running_loop().run_in_executor(pool, copy.run, work)

        assert await probe(trap) is False
        assert await probe(fix) is True


async def test_attribute_lands_on_another_span(client_for):
    async def probe(current_user, middleware=(), **telemetry):
        made, exporter = own_provider()
        app = FastAPI(telemetry={"tracer_provider": made, **telemetry})
        for one in middleware:
            app.add_middleware(one)

        @app.get("/", dependencies=[Depends(current_user)])
        async def read() -> None:
            pass

        async with client_for(app) as http:
            await http.get("/")
        [span] = [
            span for span in finished(exporter) if "user.id" in span.attributes
        ]
        return span.name

    async def trap():
        trace.get_current_span().set_attribute("user.id", "ada")

    async def fix(request: Request):
        request.state.span.set_attribute("user.id", "ada")

    assert await probe(trap) == "fastapi.dependencies"
    assert await probe(fix, [real.KeepServerSpan]) == "GET /"
    assert await probe(trap, operation_spans=False) == "GET /"


async def test_traceback_is_not_on_the_span(client_for):
    records = InMemoryLogRecordExporter()
    logs = LoggerProvider()
    logs.add_log_record_processor(SimpleLogRecordProcessor(records))

    async def probe(handler):
        made, exporter = own_provider()
        app = FastAPI(telemetry={"tracer_provider": made, "logger_provider": logs})
        if handler:
            app.add_exception_handler(Exception, handler)

        @app.get("/")
        async def read() -> None:
            raise ValueError("no such order")

        async with client_for(app) as http:
            assert (await http.get("/")).status_code == 500
        span = named("GET /", exporter)
        assert span.attributes["error.type"] == "ValueError"
        return [event.attributes["exception.message"] for event in span.events]

    async def handler(request: Request, error: Exception) -> JSONResponse:
        trace.get_current_span().record_exception(error)
        return JSONResponse({"detail": "Unexpected error"}, 500)

    assert await probe(None) == []
    assert await probe(handler) == ["no such order"]
    record = records.get_finished_logs()[0].log_record
    assert record.event_name == "http.server.request.exception"
    assert "Traceback" in record.attributes["exception.stacktrace"]


async def test_half_of_the_trace_is_missing(client_for):
    async def probe(sampler, sampled=True):
        made, exporter = own_provider(sampler=sampler)
        app = FastAPI(telemetry={"tracer_provider": made, "operation_spans": False})
        async with client_for(app) as http:
            for number in range(20):
                trace_id = (2 * number + 1) * 2**64 // 40 + 2**100
                await http.get("/", headers=traceparent(trace_id, sampled))
        return len(finished(exporter))

    trap, fix = TraceIdRatioBased(0.1), ParentBased(TraceIdRatioBased(0.1))
    assert await probe(trap) == 2
    assert await probe(fix) == 20
    assert await probe(trap, sampled=False) == 2
    assert await probe(fix, sampled=False) == 0


async def test_every_id_is_a_time_series(client_for):
    async def probe(attributes):
        reader = InMemoryMetricReader()
        meter = MeterProvider(metric_readers=[reader]).get_meter("shop")
        reads, app = meter.create_counter("shop.reads"), FastAPI()

        @app.get("/orders/{order_id}")
        async def read(order_id: int, request: Request) -> None:
            reads.add(1, attributes(request))

        async with client_for(app) as http:
            for order_id in range(20):
                await http.get(f"/orders/{order_id}")
        return len(points(reader, "shop.reads"))

    assert await probe(lambda request: {"path": request.url.path}) == 20
    assert await probe(lambda request: {"page": "order"}) == 1
