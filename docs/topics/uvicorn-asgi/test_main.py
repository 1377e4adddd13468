import asyncio
import importlib
import io
import logging
import re
import signal
import socket
import sys
import threading
from contextlib import asynccontextmanager
from pathlib import Path
from wsgiref.handlers import SimpleHandler
from wsgiref.util import setup_testing_defaults

import httpx2
import main
import pytest
import real
import spy
import uvicorn
import wsgi
from fastapi import FastAPI
from fastapi.exceptions import FastAPIDeprecationWarning
from pydantic import BaseModel
from starlette.applications import Starlette
from starlette.responses import PlainTextResponse
from typer.testing import CliRunner
from uvicorn.config import UvicornDeprecationWarning
from uvicorn.supervisors.watchfilesreload import FileFilter

uvicorn_cli = importlib.import_module("uvicorn.main")


def config(app, **options):
    return uvicorn.Config(app, **{"port": 0, "log_config": None} | options)


@asynccontextmanager
async def served(app, **options):
    """Run Uvicorn in this event loop, without its signals; yield a client of it."""
    made = config(app, **options)
    made.load()
    server = uvicorn.Server(made)
    server.lifespan = made.lifespan_class(made)
    await server.startup()
    await server.on_tick(0)
    port = server.servers[0].sockets[0].getsockname()[1]
    url = f"http://127.0.0.1:{port}"
    async with httpx2.AsyncClient(base_url=url, trust_env=False) as client:
        yield client
    await server.shutdown()


@pytest.fixture
def said():
    """Return the list of what Uvicorn logs."""
    lines = []
    handler = logging.Handler()
    handler.emit = lambda record: lines.append(record.getMessage())
    logger = logging.getLogger("uvicorn.error")
    logger.addHandler(handler)
    level = logger.level
    logger.setLevel(logging.INFO)
    yield lines
    logger.setLevel(level)
    logger.removeHandler(handler)


# The ten-line app


async def test_the_app_prints_the_scope_and_the_first_message(client):
    answer = await client.get("/tea%20shop?table=7")
    assert answer.status_code == 200
    assert answer.headers["content-type"] == "text/plain"
    assert "'path': '/tea shop'" in answer.text
    assert "'raw_path': b'/tea%20shop'" in answer.text
    assert "'query_string': b'table=7'" in answer.text
    assert answer.text.endswith("'type': 'http.request'}\n")


async def test_uvicorn_serves_it_and_adds_date_and_server(said):
    async with served(main.app) as client:
        answer = await client.get("/tea%20shop")
    assert answer.status_code == 200
    assert "'path': '/tea shop'" in answer.text
    assert answer.headers["server"] == "uvicorn"
    assert "date" in answer.headers
    assert "ASGI 'lifespan' protocol appears unsupported." in said


async def test_a_large_body_arrives_in_pieces():
    pieces = []

    async def app(scope, receive, send):
        more = True
        while more:
            message = await receive()
            pieces.append(len(message["body"]))
            more = message["more_body"]
        await send({"type": "http.response.start", "status": 204})
        await send({"type": "http.response.body"})

    async with served(app, lifespan="off") as client:
        await client.post("/", content=b"x" * 1_000_000)
    assert len(pieces) > 1
    assert sum(pieces) == 1_000_000


async def test_an_app_that_fails_or_says_nothing_is_a_500_from_the_server(said):
    async def fails(scope, receive, send):
        raise ValueError

    async def silent(scope, receive, send):
        return

    for app in (fails, silent):
        async with served(app, lifespan="off") as client:
            answer = await client.get("/")
        assert (answer.status_code, answer.text) == (500, "Internal Server Error")
    assert "Exception in ASGI application\n" in said
    assert "ASGI callable returned without starting response." in said


# ASGI against WSGI


def by_wsgi_server(app, path="/"):
    environ = {"PATH_INFO": path}
    setup_testing_defaults(environ)
    out, errors = io.BytesIO(), io.StringIO()
    handler = SimpleHandler(io.BytesIO(), out, errors, environ)
    handler.run(app)
    last = (errors.getvalue().strip().splitlines() or [""])[-1]
    head, _, body = out.getvalue().decode().partition("\r\n\r\n")
    return int(head.split()[1]), last, body


def test_a_wsgi_server_calls_the_wsgi_app():
    assert by_wsgi_server(wsgi.app, "/tea") == (200, "", "/tea")


async def test_one_thread_holds_two_hundred_waiting_requests(client_for):
    waiting, threads, all_here = 0, set(), asyncio.Event()
    api = FastAPI()

    @api.get("/")
    async def wait() -> int:
        nonlocal waiting
        waiting += 1
        threads.add(threading.get_ident())
        if waiting == 200:
            all_here.set()
        await all_here.wait()
        return waiting

    async with client_for(api) as client:
        answers = await asyncio.gather(*(client.get("/") for _ in range(200)))
    assert {answer.json() for answer in answers} == {200}
    assert len(threads) == 1


async def test_fastapi_and_starlette_are_called_with_the_same_three_arguments():
    async def ask(app):
        sent = []

        async def receive():
            return {"type": "http.request", "body": b"", "more_body": False}

        async def send(message):
            sent.append(message)

        scope = {"type": "http", "method": "GET", "path": "/nowhere", "headers": []}
        await app(scope | {"query_string": b""}, receive, send)
        return [message["type"] for message in sent], sent[0]["status"]

    messages = ["http.response.start", "http.response.body"]
    assert await ask(FastAPI()) == (messages, 404)
    assert await ask(Starlette()) == (messages, 404)
    assert await ask(PlainTextResponse("hello")) == (messages, 200)


# Who does what


async def test_the_spy_sees_every_message(capsys, shown):
    async with served(spy.app) as client:
        answer = await client.post("/orders", json={"cups": 2})
        refused = await client.post("/orders", json={"cups": "many"})
    assert (answer.status_code, answer.json()) == (201, {"cups": 2})
    assert refused.status_code == 422
    lines = [line.rstrip() for line in capsys.readouterr().out.splitlines()]
    cut = [line if len(line) < 80 else f"{line[:76]} ..." for line in lines]
    shown("spy", "\n".join(cut))
    assert lines[0].split() == ["scope", "lifespan"]
    assert lines[-1].split() == ["send", "lifespan.shutdown.complete"]


async def test_each_layer_refuses_in_its_own_way():
    calls = []

    async def watched(scope, receive, send):
        calls.append(scope["type"])
        await api(scope, receive, send)

    class Order(BaseModel):
        cups: int

    api = FastAPI()

    @api.post("/orders")
    def place(order: Order) -> Order:
        if order.cups > 100:
            raise ValueError("too many")
        return (
            order.model_copy(update={"cups": "two"}) if order.cups == 2 else order
        )

    json = {"Content-Type": "application/json"}
    async with served(watched) as client:
        host, port = client.base_url.host, client.base_url.port
        reader, writer = await asyncio.open_connection(host, port)
        writer.write(b"no HTTP\r\n\r\n")
        garbage = (await reader.read()).decode()
        writer.close()
        assert calls == ["lifespan"]

        async def ask(path, method="POST", **body):
            answer = await client.request(method, path, **body)
            return answer.status_code, answer.text

        nowhere = await ask("/nowhere")
        wrong_method = await ask("/orders", "GET")
        broken = await ask("/orders", content="{", headers=json)
        wrong = await ask("/orders", json={"cups": "many"})
        failing = await ask("/orders", json={"cups": 101})
        wrong_answer = await ask("/orders", json={"cups": 2})
        fine = await ask("/orders", json={"cups": 3})

    assert garbage.startswith("HTTP/1.1 400 Bad Request")
    assert garbage.endswith("Invalid HTTP request received.")
    assert nowhere == (404, '{"detail":"Not Found"}')
    assert wrong_method == (405, '{"detail":"Method Not Allowed"}')
    assert broken[0] == wrong[0] == 422
    assert "json_invalid" in broken[1]
    assert "int_parsing" in wrong[1]
    assert failing == wrong_answer == (500, "Internal Server Error")
    assert fine == (200, '{"cups":3}')


def test_starlette_dropped_its_decorators_and_fastapi_kept_four():
    dropped = ["route", "add_event_handler", "on_event", "websocket_route"]
    dropped += ["exception_handler", "middleware"]
    assert [name for name in dropped if hasattr(Starlette, name)] == []
    kept = ["exception_handler", "middleware", "on_event", "websocket_route"]
    assert sorted(name for name in dropped if hasattr(FastAPI, name)) == kept
    with pytest.raises(TypeError, match="on_startup"):
        Starlette(on_startup=[])


# Starting and reloading


async def reloaded(client, module, code):
    """Save the code until the answer changes: the watcher may start after us."""
    for attempt in range(600):
        if attempt % 50 == 0:
            module.write_text(code)
        await asyncio.sleep(0.02)
        try:
            answer = (await client.get("/", timeout=1)).text.split()
        except httpx2.TransportError:
            continue
        if answer[1] == "second":
            return answer
    raise AssertionError("the server did not reload")


async def test_saving_a_file_starts_a_new_process(server, tmp_path, shown):
    code = "import os\n" + (
        "async def app(scope, receive, send):\n"
        "    await send({'type': 'http.response.start', 'status': 200})\n"
        "    text = f'{os.getpid()} VERSION'.encode()\n"
        "    await send({'type': 'http.response.body', 'body': text})\n"
    )
    module = tmp_path / "main.py"
    module.write_text(code.replace("VERSION", "first"))
    options = (
        "--reload",
        "--reload-delay",
        "0.05",
        "--lifespan",
        "off",
        "--no-access-log",
    )
    async with server("main:app", *options, cwd=tmp_path) as url:
        async with url.client() as client:
            before = (await client.get("/")).text.split()
            after = await reloaded(
                client, module, code.replace("VERSION", "second")
            )
        log = url.log().replace(str(tmp_path), "/home/you/shop")
    assert after[1] == "second"
    assert before[0] != after[0]
    log = re.sub(r"127.0.0.1:\d+", "127.0.0.1:8000", log)
    for number, pid in enumerate(dict.fromkeys(re.findall(r"\[(\d+)\]", log))):
        log = log.replace(f"[{pid}]", f"[{4711 + number}]")
    last = "Started server process [4713]"
    shown("reload", log[: log.index(last) + len(last)])


def test_reload_watches_python_files_and_what_you_name(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)

    def watched(**options):
        wants = FileFilter(config("main:app", reload=True, **options))
        names = ["main.py", ".env", "page.html"]
        return [name for name in names if wants(tmp_path / name)]

    assert watched() == ["main.py"]
    assert watched(reload_includes=[".env", "*.html"]) == [
        "main.py",
        ".env",
        "page.html",
    ]


def test_reload_and_workers_exclude_each_other(said):
    config("main:app", reload=True, workers=4)
    assert said[-1] == '"workers" flag is ignored when reloading is enabled.'


def test_every_option_has_an_environment_variable(monkeypatch):
    monkeypatch.setenv("UVICORN_ROOT_PATH", "/api")
    monkeypatch.setenv("UVICORN_PORT", "9000")
    parsed = uvicorn_cli.main.make_context("uvicorn", ["real:app"]).params
    assert (parsed["root_path"], parsed["port"]) == ("/api", 9000)
    parsed = uvicorn_cli.main.make_context("uvicorn", ["real:app", "--port", "1"])
    assert parsed.params["port"] == 1


def test_the_fastapi_command_hands_the_same_options_to_uvicorn(
    bundle_dir, monkeypatch
):
    from fastapi_cli import cli

    started = {}
    monkeypatch.setattr(
        cli.uvicorn, "run", lambda **options: started.update(options)
    )
    monkeypatch.chdir(bundle_dir)
    monkeypatch.setattr(sys, "path", sys.path.copy())
    monkeypatch.delenv("PORT", raising=False)
    behind = ["--root-path", "/api", "--forwarded-allow-ips", "10.0.0.7"]
    for command in ("run", "dev"):
        monkeypatch.setenv("FASTAPI_ENV", "test")
        CliRunner().invoke(cli.app, [command, "real.py", *behind])
        production = command == "run"
        assert started["app"] == "real:app"
        assert started["host"] == ("0.0.0.0" if production else "127.0.0.1")
        assert started["reload"] is not production
        assert started["root_path"] == "/api"
        assert started["forwarded_allow_ips"] == "10.0.0.7"
    logging.getLogger("fastapi_cli").handlers.clear()


def test_a_failed_startup_exits_with_3(said):
    async def fails(scope, receive, send):
        await receive()
        await send({"type": "lifespan.startup.failed", "message": "no database"})

    with pytest.raises(SystemExit) as ended:
        uvicorn.run(fails, port=0, log_config=None)
    assert ended.value.code == 3
    assert said[-2:] == ["no database", "Application startup failed. Exiting."]


async def test_with_workers_a_failed_startup_exits_with_0(tmp_path):
    (tmp_path / "main.py").write_text(
        "async def app(scope, receive, send):\n"
        "    await receive()\n"
        "    await send({'type': 'lifespan.startup.failed'})\n"
    )
    command = ["-m", "uvicorn", "main:app", "--port", "0", "--workers", "2"]
    command += ["--timeout-worker-healthcheck", "1"]
    process = await asyncio.create_subprocess_exec(
        sys.executable, *command, cwd=tmp_path, stderr=asyncio.subprocess.PIPE
    )
    _, errors = await process.communicate()
    assert process.returncode == 0
    assert b"failed to start, stopping the parent process." in errors


def test_uvicorn_picks_its_parts_and_names_what_is_missing():
    def loaded(**options):
        made = config(main.app, **options)
        made.load()
        return made.ws_protocol_class.__name__

    assert loaded() == "WebSocketsSansIOProtocol"
    with pytest.warns((UvicornDeprecationWarning, DeprecationWarning)):
        assert loaded(ws="websockets") == "WebSocketProtocol"
    with pytest.raises(ValueError, match="pip install zttp"):
        loaded(http2=True)
    options = {option.name for option in uvicorn_cli.main.params}
    assert options >= {
        "limit_max_requests_jitter",
        "reset_contextvars",
        "timeout_worker_healthcheck",
    }
    assert signal.SIGHUP in uvicorn.supervisors.multiprocess.SIGNALS


# Behind a proxy


def tea_shop(**options):
    api = FastAPI(**options)
    files = FastAPI()
    api.get("/where")(lambda: "here")
    files.get("/menu")(lambda: "menu")
    api.mount("/files", files)
    return api


def tea_shop_with_root_path():
    with pytest.warns(FastAPIDeprecationWarning, match="--root-path /api/v1"):
        return tea_shop(root_path="/api")


def mounted():
    outer = FastAPI()
    outer.mount("/api", tea_shop())
    return outer


@asynccontextmanager
async def behind_proxy(app, **options):
    """Yield what a proxy for /api/ answers that strips the prefix or keeps it."""
    async with served(app, **options) as client:

        async def get(path, strips=True):
            if not path.startswith("/api/"):
                return httpx2.Response(404, text="the proxy knows no such path")
            return await client.get(path.removeprefix("/api") if strips else path)

        yield get


def schema_url(docs_page):
    return re.search(r"url: '([^']*)'", docs_page.text)[1]


async def test_what_works_behind_a_prefix(shown):
    setups = {
        "uvicorn": (tea_shop, {}),
        "uvicorn --root-path /api": (tea_shop, {"root_path": "/api"}),
        'FastAPI(root_path="/api")': (tea_shop_with_root_path, {}),
        'outer.mount("/api", app)': (mounted, {}),
    }
    lines = [f"{'setup':27}{'proxy':9}{'route':8}{'mount':8}docs"]
    for name, (make, options) in setups.items():
        async with behind_proxy(make(), **options) as get:
            for strips in (True, False):
                route = (await get("/api/where", strips)).status_code
                mount = (await get("/api/files/menu", strips)).status_code
                docs = await get("/api/docs", strips)
                schema = docs.is_success and await get(schema_url(docs), strips)
                loads = "load" if schema and schema.is_success else "fail"
                proxy = "strips" if strips else "keeps"
                lines.append(f"{name:27}{proxy:9}{route:<8}{mount:<8}{loads}")
    shown("prefixes", "\n".join(lines))


async def test_a_mounted_app_gets_no_lifespan(client_for):
    async def probe(mount):
        started = []

        @asynccontextmanager
        async def lifespan(_):
            started.append("started")
            yield

        app = FastAPI(lifespan=lifespan)
        outer = FastAPI()
        outer.mount("/api", app)
        async with client_for(outer if mount else app):
            return started

    assert await probe(mount=True) == []
    assert await probe(mount=False) == ["started"]


async def test_the_app_sees_the_prefix_and_builds_links_with_it():
    async with served(real.app, root_path="/api") as client:
        place = (
            await client.get("/where", headers={"Host": "shop.example"})
        ).json()
        schema = (await client.get("/openapi.json")).json()
    assert place == {
        "path": "/api/where",
        "root_path": "/api",
        "link": "http://shop.example/api/where",
        "client": "127.0.0.1",
    }
    assert schema["servers"] == [{"url": "/api"}]
    async with served(real.app) as client:
        assert (await client.get("/where")).json()["path"] == "/where"


# One proof per gotcha


@pytest.fixture
def started_from(tmp_path, bundle_dir, monkeypatch, said):
    """Return how Uvicorn imports a string, in a project folder."""
    package = tmp_path / "shop"
    package.mkdir()
    (package / "__init__.py").touch()
    (package / "main.py").write_text(
        "from fastapi import FastAPI\napp = FastAPI()\n"
    )
    (package / "broken.py").write_text("import no_such_package\n")
    paths = [path for path in sys.path if path not in ("", str(bundle_dir))]

    def start(string, folder="."):
        with monkeypatch.context() as patch:
            patch.chdir(tmp_path / folder)
            patch.setattr(sys, "path", [str(Path.cwd()), *paths])
            modules = dict(sys.modules)
            for name in ("main", "shop", "shop.main", "shop.broken"):
                patch.delitem(sys.modules, name, raising=False)
            try:
                return type(config(string).load_app()).__name__
            except SystemExit:
                return said[-1]
            except ModuleNotFoundError as error:
                return f"ModuleNotFoundError: {error}"
            finally:
                for name in set(sys.modules) - set(modules) | {"main"}:
                    sys.modules.pop(name, None)

    return start


def test_could_not_import_module(started_from, shown):
    def probe(string):
        return started_from(string)

    with pytest.raises(SystemExit) as ended:
        config("no_such_module:app").load_app()
    assert ended.value.code == 3
    prefix = "Error loading ASGI app. "
    assert probe("main:app") == f'{prefix}Could not import module "main".'
    assert probe("shop.main:app") == "FastAPI"
    assert started_from("main:app", folder="shop") == "FastAPI"
    strings = ["main:app", "shop/main:app", "shop/main.py", "shop.main"]
    strings += ["shop.main:api", "shop.broken:app", "shop.main:app"]
    rows = [f"{each:17}{probe(each).removeprefix(prefix)}" for each in strings]
    shown("import-strings", "\n".join(rows))


def test_reload_needs_an_import_string(said, monkeypatch):
    class Reloader:
        def __init__(self, *_, **__):
            pass

        def run(self):
            said.append("watching")

    def probe(app):
        monkeypatch.setattr(uvicorn_cli, "ChangeReload", Reloader)
        code = 0
        try:
            uvicorn.run(app, port=0, reload=True, log_config=None)
        except SystemExit as ended:
            code = ended.code
        return code, said[-1]

    assert probe(main.app) == (
        3,
        "You must pass the application as an import string to enable "
        "'reload' or 'workers'.",
    )
    assert probe("main:app") == (0, "watching")


async def test_port_in_use(said):
    async def probe(port):
        server = uvicorn.Server(config(main.app, port=port, lifespan="off"))
        server.should_exit = True
        try:
            await server.serve()
        except SystemExit as ended:
            return ended.code, said[-1].replace(str(port), "8000")
        return 0, server.started

    with socket.create_server(("127.0.0.1", 0)) as taken:
        code, error = await probe(taken.getsockname()[1])
    assert code == 3
    assert "error while attempting to bind on address ('127.0.0.1', 8000)" in error
    assert await probe(0) == (0, True)


def test_with_reload_the_same_error_is_shorter(said):
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        with pytest.raises(SystemExit):
            uvicorn.run("main:app", port=port, reload=True, log_config=None)
    assert said[-1].endswith("Address already in use")


def test_only_this_machine_is_served():
    def probe(host):
        listener = config(main.app, host=host).bind_socket()
        listener.listen()
        try:
            another_address = ("127.0.0.2", listener.getsockname()[1])
            socket.create_connection(another_address, timeout=5).close()
        except ConnectionRefusedError as error:
            return error.strerror
        finally:
            listener.close()
        return "connected"

    assert probe("127.0.0.1") == "Connection refused"
    assert probe("0.0.0.0") == "connected"


async def test_called_like_wsgi():
    async def asgi_server(app):
        async with served(app) as client:
            return (await client.get("/where")).status_code, ""

    async def wsgi_server(app):
        return by_wsgi_server(app, "/where")[:2]

    async def probe(server):
        return await server(real.app)

    assert await probe(wsgi_server) == (
        500,
        "TypeError: FastAPI.__call__() missing 1 required positional argument: "
        "'send'",
    )
    assert await probe(asgi_server) == (200, "")


async def test_docs_lose_the_prefix():
    async def probe(**options):
        async with behind_proxy(tea_shop(), **options) as get:
            url = schema_url(await get("/api/docs"))
            return url, (await get(url)).status_code

    assert await probe() == ("/openapi.json", 404)
    assert await probe(root_path="/api") == ("/api/openapi.json", 200)


async def test_prefix_is_counted_twice():
    async def probe(strips):
        async with behind_proxy(tea_shop(), root_path="/api") as get:
            return (await get("/api/where", strips)).status_code

    assert await probe(strips=False) == 404
    assert await probe(strips=True) == 200


async def test_root_path_in_the_app_loses_mounts():
    async def probe(app, **options):
        async with behind_proxy(app, **options) as get:
            answers = [await get("/api/where"), await get("/api/files/menu")]
            return [answer.status_code for answer in answers]

    assert await probe(tea_shop_with_root_path()) == [200, 404]
    assert await probe(tea_shop(), root_path="/api") == [200, 200]


async def test_links_say_http(client_for):
    async def probe(**options):
        made = config(real.app, **options)
        made.load()
        proxy = ("10.0.0.7", 50000)
        headers = {
            "Host": "shop.example",
            "X-Forwarded-Proto": "https",
            "X-Forwarded-For": "203.0.113.9",
        }
        async with client_for(made.loaded_app, peer=proxy) as client:
            redirect = await client.get("/where/", headers=headers)
            place = (await client.get("/where", headers=headers)).json()
        return redirect.headers["location"], place["link"], place["client"]

    http, https = "http://shop.example/where", "https://shop.example/where"
    assert await probe() == (http, http, "10.0.0.7")
    assert await probe(forwarded_allow_ips="10.0.0.7") == (
        https,
        https,
        "203.0.113.9",
    )


async def test_a_proxy_that_is_trusted_blindly_lets_clients_choose_their_address(
    client_for,
):
    async def seen(trusted):
        made = config(real.app, forwarded_allow_ips=trusted)
        made.load()
        headers = {"X-Forwarded-For": "6.6.6.6, 203.0.113.9"}
        peer = ("10.0.0.7", 50000)
        async with client_for(made.loaded_app, peer=peer) as client:
            return (await client.get("/where", headers=headers)).json()["client"]

    assert await seen("*") == "6.6.6.6"
    assert await seen("10.0.0.0/8") == "203.0.113.9"
