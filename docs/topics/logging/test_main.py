import asyncio
import contextlib
import io
import json
import logging
import re
import textwrap
from contextlib import asynccontextmanager, contextmanager
from contextvars import copy_context
from logging.config import dictConfig
from logging.handlers import QueueHandler, QueueListener
from queue import Queue

import main
import pytest
import real
from fastapi import FastAPI
from fastapi.concurrency import run_in_threadpool
from fastapi.exceptions import RequestValidationError
from pydantic import BaseModel, SecretStr
from starlette.responses import JSONResponse

LOGGERS = ("", "shop", "uvicorn", "uvicorn.error", "uvicorn.access")


@pytest.fixture(autouse=True)
def logging_as_before():
    loggers = [logging.getLogger(name) for name in LOGGERS]
    before = [
        (each.handlers[:], each.level, each.propagate, each.disabled)
        for each in loggers
    ]
    yield
    for each, state in zip(loggers, before, strict=True):
        each.handlers, each.propagate, each.disabled = state[0], *state[2:]
        each.setLevel(state[1])


@contextmanager
def lines_by(formatter):
    """Yield the list of what all loggers write through this formatter."""
    stream, lines = io.StringIO(), []
    handler = logging.StreamHandler(stream)
    handler.setFormatter(formatter)
    root = logging.getLogger()
    root.addHandler(handler)
    root.setLevel(logging.INFO)
    try:
        yield lines
    finally:
        root.removeHandler(handler)
        lines += stream.getvalue().splitlines()


async def seen(url, expected, start=0):
    """What the server printed, once this text is part of it."""
    for _ in range(1000):
        log = url.log()
        if expected in log[start:] and log.endswith("\n"):
            return log
        await asyncio.sleep(0.01)
    raise AssertionError(f"never printed: {expected}\n{url.log()}")


@asynccontextmanager
async def serving(server, app, *options, **settings):
    async with (
        server(app, *options) as url,
        url.client(headers={"Connection": "close"}, **settings) as http,
    ):
        yield url, http


async def refused_by_websocket(url):
    from websockets.asyncio.client import connect
    from websockets.exceptions import InvalidStatus

    address = url.url.replace("http:", "ws:") + "/ws?token=s3cret"
    with contextlib.suppress(InvalidStatus):
        async with connect(address, proxy=None):
            pass


def tidy(log):
    """Number the ids, and leave out what differs from run to run."""
    ids = {}
    text = re.sub(
        r"\b[0-9a-f]{32}\b",
        lambda found: ids.setdefault(found[0], f"request-{len(ids) + 1}"),
        log,
    )
    for pattern, new in (
        (r'"time": "[^"]+", ', ""),
        (r'"ms": [\d.]+', '"ms": 0.0'),
        (r"\[\d+\]", "[…]"),
        (r"127\.0\.0\.1:\d+", "127.0.0.1:…"),
        (r'"Traceback.*\\n(\w+: [^"]*)"', r'"Traceback … \1"'),
        (r"^.*(startup|shutdown|Started|Shutting|Finished).*\n", ""),
    ):
        text = re.sub(pattern, new, text, flags=re.M)
    return "\n".join(wrapped(line) for line in text.splitlines())


def wrapped(line):
    return textwrap.fill(
        line,
        80,
        subsequent_indent="    ",
        break_long_words=False,
        break_on_hyphens=False,
    )


async def test_an_order_is_shared_and_order_zero_crashes(client):
    response = await client.get("/orders/4")
    assert (response.status_code, response.json()) == (200, {"share": 25.0})
    assert (await client.get("/orders/0")).status_code == 500


async def test_each_request_has_an_id_of_its_own_also_in_a_def_route(client):
    with lines_by(main.JsonLine()) as lines:
        await client.get("/orders/1")
        await client.get("/orders/2")
    first, second = [json.loads(line) for line in lines if "sharing order" in line]
    assert first["message"] == "sharing order 1"
    assert first["request_id"]
    assert first["request_id"] != second["request_id"]


async def test_uvicorns_lines_carry_the_id_of_the_request(server, shown):
    async with serving(server, "main:app") as (url, http):
        await http.get("/orders/4")
        await http.get("/orders/0")
        log = await seen(url, "ZeroDivisionError")
    lines = [json.loads(line) for line in log.splitlines()]
    crashed = [line for line in lines if "exception" in line]
    ids = [
        line["request_id"] for line in lines if line["logger"] == "uvicorn.access"
    ]
    assert [crash["request_id"] for crash in crashed] == ids[1:]
    assert None not in ids
    assert ids[0] != ids[1]
    shown("uvicorn", tidy(log))


async def test_one_line_a_request_and_no_secret_in_any(server, shown):
    async with serving(server, "real:app") as (url, http):
        known = {"X-Request-ID": "from-the-proxy-1"}
        response = await http.get("/orders/4?token=s3cret", headers=known)
        assert response.headers["X-Request-ID"] == "from-the-proxy-1"
        await http.post("/login", json={"name": "ada", "password": "hunter2"})
        await http.post("/login", json={"password": "hunter2"})
        await http.get("/orders/0")
        log = await seen(url, "ZeroDivisionError")
    assert "s3cret" not in log
    assert "hunter2" not in log
    shown("real", tidy(log))


async def test_the_answer_of_a_crash_lacks_the_header(client_for):
    async with client_for(real.app) as client:
        good, crash = [await client.get(f"/orders/{number}") for number in (4, 0)]
    assert (good.status_code, crash.status_code) == (200, 500)
    assert "X-Request-ID" in good.headers
    assert "X-Request-ID" not in crash.headers


async def test_an_id_that_does_not_look_like_one_is_replaced(client_for):
    async with client_for(real.app) as client:
        for sent in ("short", "x" * 65, 'a"},{"level":"X'):
            response = await client.get("/orders/4", headers={"X-Request-ID": sent})
            assert re.fullmatch("[0-9a-f]{32}", response.headers["X-Request-ID"])


def written(formatter, message, *args, **extra):
    with lines_by(formatter) as lines:
        logging.getLogger("shop").info(message, *args, extra=extra)
    return lines


def test_a_line_break_forges_a_line_of_text_but_not_of_json():
    name = "ada\nINFO payment of 900 accepted"
    text = logging.Formatter("%(levelname)s %(message)s")
    assert written(text, "hello %s", name) == [
        "INFO hello ada",
        "INFO payment of 900 accepted",
    ]
    assert len(written(real.JsonLine(), "hello %s", name)) == 1


def test_fields_are_masked_by_name_and_messages_are_not(shown):
    by_name = written(real.JsonLine(), "calling", api_key="s3cret", order=4)
    nested = written(real.JsonLine(), "calling", headers={"cookie": "s3cret"})
    in_words = written(real.JsonLine(), "calling with %s", "s3cret")
    typed = written(real.JsonLine(), "calling", key=SecretStr("s3cret"))
    assert ["s3cret" in line for (line,) in (by_name, nested, in_words, typed)] == [
        False,
        True,
        True,
        False,
    ]
    shown("masked", tidy("\n".join([*by_name, *nested, *in_words, *typed])))


async def test_an_extra_named_like_a_field_of_the_record_is_a_500(client_for):
    app = FastAPI()

    @app.get("/{field}")
    async def upload(field: str) -> str:
        logging.getLogger("shop").warning("upload", extra={field: "a.csv"})
        return "saved"

    async with client_for(app) as client:
        assert (await client.get("/filename")).status_code == 500
        assert (await client.get("/file_name")).status_code == 200
    with pytest.raises(KeyError, match="overwrite 'filename' in LogRecord"):
        written(real.JsonLine(), "upload", filename="a.csv")


def test_dict_config_silences_loggers_that_exist_unless_told_not_to(capsys):
    def heard(**setting):
        log = logging.getLogger("shop")
        out = {"class": "logging.StreamHandler", "stream": "ext://sys.stdout"}
        dictConfig(
            {
                "version": 1,
                "handlers": {"out": out},
                "root": {"handlers": ["out"], "level": "INFO"},
                **setting,
            }
        )
        log.warning("hello")
        return capsys.readouterr().out

    assert heard() == ""
    logging.getLogger("shop").disabled = False
    assert heard(disable_existing_loggers=False) == "hello\n"


def test_structlog_writes_the_lines_of_both(capsys, shown):
    import structured
    from structlog.contextvars import bind_contextvars, clear_contextvars

    clear_contextvars()
    bind_contextvars(request_id="request-1")
    structured.log.info("upload", filename="a.csv", size=3)
    logging.getLogger("elsewhere").info("plain %s", "logging")
    clear_contextvars()
    out = capsys.readouterr().out
    assert {json.loads(line)["request_id"] for line in out.splitlines()} == {
        "request-1"
    }
    shown("structlog", tidy(out))


async def test_info_is_not_shown(server):
    async def probe(app, *options):
        async with serving(server, app, *options) as (url, http):
            await http.get("/orders/4")
            log = await seen(url, "GET /orders/4")
            return "sharing order 4" in log, "order 4 is late" in log

    trap, fix = await asyncio.gather(
        probe("quiet:app", "--log-level", "debug"), probe("main:app")
    )
    assert trap == (False, True)  # the warning shows, the information does not
    assert fix == (True, False)


def test_every_line_twice(capsys):
    from uvicorn import Config

    def probe(**loggers):
        Config("main:app")  # Uvicorn sets up its loggers before it imports the app
        out = {"class": "logging.StreamHandler", "stream": "ext://sys.stdout"}
        dictConfig(
            {
                "version": 1,
                "disable_existing_loggers": False,
                "handlers": {"out": out},
                "root": {"handlers": ["out"], "level": "INFO"},
                "loggers": loggers,
            }
        )
        logging.getLogger("uvicorn.error").info("started")
        return capsys.readouterr().out.count("started")

    own = {"handlers": ["out"]}
    assert probe(uvicorn=own, **{"uvicorn.error": own}) == 2
    handed_on = {"handlers": [], "propagate": True}
    assert probe(uvicorn=handed_on, **{"uvicorn.error": handed_on}) == 1


async def test_traceback_has_no_id(server):
    async with serving(server, "traps:app") as (url, http):

        async def probe(path):
            before = len(url.log())
            await http.get(path)
            log = await seen(url, "ZeroDivisionError", before)
            return json.loads(log[before:].splitlines()[-1])["request_id"]

        assert await probe("/reset/crash") is None
        assert re.fullmatch("[0-9a-f]{32}", await probe("/kept/crash"))


async def test_executor_loses_the_id(client_for):
    async def probe(run):
        app = FastAPI()
        app.add_middleware(main.RequestId)

        @app.get("/")
        async def route() -> str | None:
            return await run(main.request_id.get)

        async with client_for(app) as client:
            return (await client.get("/")).json() is not None

    async def trap(read):
        return await asyncio.get_running_loop().run_in_executor(None, read)

    async def copied(read):
        loop = asyncio.get_running_loop()
        return await loop.run_in_executor(None, copy_context().run, read)

    assert await probe(trap) is False
    for fix in (asyncio.to_thread, run_in_threadpool, copied):
        assert await probe(fix) is True


async def test_a_new_task_has_the_id(client_for):
    app = FastAPI()
    app.add_middleware(main.RequestId)

    async def read():
        return main.request_id.get()

    @app.get("/")
    async def route() -> str | None:
        return await asyncio.create_task(read())

    async with client_for(app) as client:
        assert (await client.get("/")).json() is not None


def test_a_filter_on_a_logger_does_not_see_the_lines_of_its_children():
    names = []

    def note(record):
        names.append(record.name)
        return True

    parent = logging.getLogger("shop")
    parent.addFilter(note)
    with lines_by(logging.Formatter("%(name)s")) as lines:
        logging.getLogger("shop.orders").info("hello")
        parent.info("hello")
    parent.removeFilter(note)
    assert lines == ["shop.orders", "shop"]
    assert names == ["shop"]


def test_behind_a_queue_only_a_filter_on_its_handler_sees_the_context():
    waiting, seen_by_listener, seen_by_filter = Queue(), [], []

    class Note(logging.Handler):
        def emit(self, record):
            seen_by_listener.append(main.request_id.get())

    def note(record):
        seen_by_filter.append(main.request_id.get())
        return True

    handler = QueueHandler(waiting)
    handler.addFilter(note)
    log = logging.getLogger("shop")
    log.addHandler(handler)
    listener = QueueListener(waiting, Note())
    listener.start()
    token = main.request_id.set("request-1")
    log.warning("hello")
    main.request_id.reset(token)
    listener.stop()
    assert (seen_by_filter, seen_by_listener) == (["request-1"], [None])


async def test_the_parent_of_workers_never_imports_the_app(server):
    async with server("main:app", "--workers", "2") as url:
        log = await seen(url, "Application startup complete")
    parent = [line for line in log.splitlines() if "parent process" in line]
    worker = [line for line in log.splitlines() if "server process" in line]
    assert parent[0].startswith("INFO:")
    assert json.loads(worker[0])["logger"] == "uvicorn.error"


def test_a_file_for_log_config_is_applied_before_the_app_is_loaded(
    tmp_path, capsys
):
    from uvicorn import Config

    out = {"class": "logging.StreamHandler", "stream": "ext://sys.stdout"}
    settings = {
        "version": 1,
        "disable_existing_loggers": False,
        "formatters": {"json": {"()": "main.JsonLine"}},
        "handlers": {"out": {**out, "formatter": "json"}},
        "loggers": {"uvicorn": {"handlers": ["out"], "level": "INFO"}},
    }
    file = tmp_path / "log.json"
    file.write_text(json.dumps(settings))
    config = Config("main:app", log_config=str(file))
    logging.getLogger("uvicorn.error").info("starting")
    assert not config.loaded
    assert json.loads(capsys.readouterr().out)["message"] == "starting"


async def user_after_a_photo(url, place):
    async with url.client() as http:  # one connection, kept alive
        await http.post(f"/{place}/photo", content=b"x" * 1_000_000)
        return (await http.get(f"/{place}/who")).json()


async def test_another_requests_user(server):
    async with server("traps:app", "--loop", "asyncio") as url:
        assert await user_after_a_photo(url, "leaks") == "ada"
        assert await user_after_a_photo(url, "clears") is None


PIPELINED = """POST /{0}/photo HTTP/1.1
Host: test
Content-Length: 3

ada"""
FOLLOWING = """GET /{0}/who HTTP/1.1
Host: test
Connection: close

"""


async def test_a_pipelined_request_starts_in_the_context_of_the_one_before(server):
    async def probe(place, *options):
        both = PIPELINED.format(place) + FOLLOWING.format(place)
        async with server("traps:app", *options) as url:
            reader, writer = await asyncio.open_connection("127.0.0.1", url.port)
            writer.write(both.replace("\n", "\r\n").encode())
            answers = (await reader.read()).decode()
            writer.close()
        assert answers.count("200 OK") == 2
        return json.loads(answers.rpartition("\r\n\r\n")[2])

    uvloop, fresh = ("--loop", "uvloop"), "--reset-contextvars"
    assert await asyncio.gather(
        probe("leaks", *uvloop),
        probe("leaks", "--loop", "asyncio"),
        probe("leaks", *uvloop, fresh),
        probe("clears", *uvloop),
    ) == ["ada", "ada", None, None]


async def test_reset_contextvars_and_uvloop_survive_a_large_body(server):
    async def probe(*options):
        async with server("traps:app", *options) as url:
            return await user_after_a_photo(url, "leaks")

    assert await asyncio.gather(
        probe("--loop", "asyncio", "--reset-contextvars"), probe("--loop", "uvloop")
    ) == [None, None]


AT_IMPORT = """
import contextvars
import json

where = contextvars.ContextVar("where", default=None)
where.set("import")

async def app(scope, receive, send):
    if scope["type"] == "lifespan":
        raise NotImplementedError
    await send({"type": "http.response.start", "status": 200, "headers": []})
    body = json.dumps(where.get()).encode()
    await send({"type": "http.response.body", "body": body})
"""


async def test_reset_contextvars_hides_what_was_set_at_import(server, tmp_path):
    (tmp_path / "imported.py").write_text(AT_IMPORT)

    async def probe(*options):
        async with (
            server("imported:app", *options, cwd=tmp_path) as url,
            url.client() as http,
        ):
            return (await http.get("/")).json()

    assert await asyncio.gather(probe(), probe("--reset-contextvars")) == [
        "import",
        None,
    ]


async def test_token_in_the_access_log(server):
    async def probe(app):
        async with serving(server, app) as (url, http):
            await http.get("/orders/4?token=s3cret")
            await refused_by_websocket(url)
            return (await seen(url, "WebSocket")).count("s3cret")

    assert await asyncio.gather(probe("quiet:app"), probe("real:app")) == [2, 0]


async def test_password_in_the_422_log(client_for):
    class Login(BaseModel):
        name: str
        password: SecretStr

    trap = FastAPI()

    @trap.exception_handler(RequestValidationError)
    async def log_all(request, error):
        logging.getLogger("shop").warning("invalid request: %s", error.errors())
        return JSONResponse({}, 422)

    @trap.post("/login")
    async def log_in(login: Login) -> str:
        return login.name

    async def probe(app):
        with lines_by(real.JsonLine()) as lines:
            async with client_for(app) as client:
                response = await client.post("/login", json={"password": "hunter2"})
        assert response.status_code == 422
        return any("hunter2" in line for line in lines if "invalid" in line)

    assert await probe(trap) is True
    assert await probe(real.app) is False
