import ast
import asyncio
import contextlib
import io
import logging
import re
import runpy
import socket
import sys
import threading
import warnings
import wsgiref.simple_server
from pathlib import Path

import httpx2
import layers
import pytest
import real
import uvicorn
from click.testing import CliRunner
from fastapi import FastAPI, Request
from fastapi.exceptions import FastAPIDeprecationWarning
from main import app
from starlette.applications import Starlette
from starlette.routing import Router
from uvicorn.config import UvicornDeprecationWarning
from uvicorn.importer import ImportFromStringError, import_from_string
from uvicorn.middleware.proxy_headers import ProxyHeadersMiddleware
from uvicorn.supervisors.watchfilesreload import FileFilter


@contextlib.asynccontextmanager
async def serving(app, **options):
    """Run a real Uvicorn in this process; yield a client of it."""
    config = uvicorn.Config(app, **{"port": 0, "log_config": None, **options})
    server = uvicorn.Server(config)
    task = asyncio.create_task(server.serve())
    while not server.started:
        await asyncio.wait({task}, timeout=0.005)
        if task.done():
            task.result()
    port = server.servers[0].sockets[0].getsockname()[1]
    try:
        async with httpx2.AsyncClient(
            base_url=f"http://127.0.0.1:{port}", trust_env=False
        ) as http:
            yield http
    finally:
        server.should_exit = True
        await task


async def run(*arguments: str | Path, **options) -> tuple[int, str]:
    """Return the exit status of a Python process and what it printed."""
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        *arguments,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
        **options,
    )
    printed, _ = await process.communicate()
    return process.returncode, printed.decode()


def where_app() -> FastAPI:
    app = FastAPI()

    @app.get("/where")
    def where(request: Request) -> dict[str, str | None]:
        return {
            "path": request.scope["path"],
            "root_path": request.scope["root_path"],
            "scheme": request.url.scheme,
            "client": request.client and request.client.host,
            "link": str(request.url_for("where")),
        }

    return app


# How the apps behave


async def test_the_app_by_hand_answers_with_what_the_server_gave_it(client):
    answer = await client.get("/tea%20cup?size=2")
    assert answer.status_code == 200
    assert answer.json() == {
        "method": "GET",
        "path": "/tea cup",
        "query": "size=2",
        "body": "",
    }
    posted = await client.post("/orders", content=b"black tea")
    assert posted.json()["body"] == "black tea"


async def test_it_reads_only_the_first_message_of_a_body(client):
    async def in_parts():
        yield b"black "
        yield b"tea"

    answer = await client.post("/orders", content=in_parts())
    assert answer.json()["body"] == "black "


async def test_three_ways_to_write_one_endpoint(client_for, shown):
    asked = [
        ("GET", "/squares/12"),
        ("GET", "/squares/twelve"),
        ("GET", "/cubes/12"),
        ("POST", "/squares/12"),
        ("GET", "/docs"),
    ]
    apps = {
        "by hand": layers.by_hand,
        "Starlette": layers.with_starlette,
        "FastAPI": layers.with_fastapi,
    }
    statuses, answers = {}, set()
    for name, each in apps.items():
        async with client_for(each) as client:
            found = [await client.request(*request) for request in asked]
        statuses[name] = [answer.status_code for answer in found]
        answers.add((found[0].content, tuple(sorted(found[0].headers.items()))))
    assert len(answers) == 1
    assert statuses == {
        "by hand": [200, 500, 500, 200, 500],
        "Starlette": [200, 500, 404, 405, 404],
        "FastAPI": [200, 422, 404, 405, 200],
    }
    rows = [f"{'':24}" + "".join(f"{name:11}" for name in apps)]
    for number, (method, path) in enumerate(asked):
        row = [str(each[number]) for each in statuses.values()]
        rows.append(
            f"{method + ' ' + path:24}" + "".join(f"{each:11}" for each in row)
        )
    shown("three-ways", "\n".join(row.rstrip() for row in rows))


async def test_what_crosses_the_line_between_server_and_app(server, shown):
    async with server("main:app", "--log-level", "trace") as url:
        async with url.client() as http:
            answer = await http.post("/tea%20cup?size=2", content=b"black tea")
            assert answer.headers["server"] == "uvicorn"
            assert "date" in answer.headers
            client = re.search(r"127\.0\.0\.1:(\d+) - ASGI", url.log())[1]
        log = url.log().replace(client, "50123").replace(str(url.port), "8000")
    assert "'type': 'lifespan'" in log
    assert "ASGI 'lifespan' protocol appears unsupported." in log
    scope = ast.literal_eval(re.search(r"ASGI \[2\] Started scope=(.*)", log)[1])
    lines = ["scope"]
    lines += [f"  {key:13} {value!r}" for key, value in scope.items()]
    for way, message in re.findall(r"ASGI \[2\] (Receive|Send) (.*)", log):
        lines += ["", f"await {way.lower()}"]
        lines += [
            f"  {key:13} {value!r}"
            for key, value in ast.literal_eval(message).items()
        ]
    shown("conversation", "\n".join(lines))


async def test_the_server_refuses_an_app_that_breaks_the_rules():
    start = {"type": "http.response.start", "status": 200, "headers": []}
    sent = {
        "/nothing": [],
        "/body-first": [{"type": "http.response.body", "body": b"hello"}],
        "/text-header": [start | {"headers": [("content-type", "text/plain")]}],
    }

    async def broken(scope, receive, send):
        for message in sent[scope["path"]]:
            await send(message)

    async with serving(broken, lifespan="off") as http:
        assert (await http.get("/nothing")).status_code == 500
        assert (await http.get("/body-first")).status_code == 500
        with pytest.raises(httpx2.RemoteProtocolError, match="without sending"):
            await http.get("/text-header")


async def test_the_server_answers_some_requests_without_the_app():
    calls = []

    async def counting(scope, receive, send):
        calls.append(scope["type"])
        await app(scope, receive, send)

    async with serving(counting, lifespan="off", limit_concurrency=1) as http:
        port = http.base_url.port
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        writer.write(b"this is not HTTP\r\n\r\n")
        answer = await reader.read()
        assert answer.startswith(b"HTTP/1.1 400 Bad Request")
        assert b"Invalid HTTP request received." in answer
        writer.close()
        assert (await http.get("/")).status_code == 503
    assert calls == []


async def test_the_real_app_knows_its_public_address(client_for):
    behind = ProxyHeadersMiddleware(real.app, trusted_hosts="10.0.0.0/8")
    headers = {"X-Forwarded-Proto": "https", "X-Forwarded-For": "203.0.113.7"}
    async with client_for(behind, peer=("10.0.0.5", 40000)) as client:
        answer = await client.get("/api/where", headers=headers)
        assert answer.status_code == 200
        assert answer.json() == {
            "scheme": "https",
            "client": "203.0.113.7",
            "link": "https://test/api/where",
        }
        assert (await client.get("/where")).json()["link"] == "http://test/where"
        assert (await client.get("/apiary")).status_code == 404


def test_the_real_app_starts_with_its_options(monkeypatch):
    started = {}
    monkeypatch.setattr(
        uvicorn, "run", lambda app, **options: started.update(options, app=app)
    )
    monkeypatch.setenv("PORT", "9000")
    monkeypatch.setenv("PROXY_IPS", "10.0.0.0/8")
    real.main()
    uvicorn.Config(**started, log_config=None)
    assert (started["app"], started["port"]) == ("real:app", 9000)
    assert started["forwarded_allow_ips"] == "10.0.0.0/8"


# ASGI and WSGI


def old_app(environ, start_response):
    start_response("200 OK", [("content-type", "text/plain")])
    return [b"hello from " + environ["PATH_INFO"].encode()]


async def test_uvicorn_can_serve_a_wsgi_app_and_points_to_a2wsgi():
    with pytest.warns(DeprecationWarning, match="a2wsgi"):
        async with serving(old_app, interface="wsgi") as http:
            assert (await http.get("/tea")).text == "hello from /tea"


async def test_one_app_serves_requests_websockets_and_startup():
    seen = []

    async def every(scope, receive, send):
        seen.append(scope["type"])
        if scope["type"] == "lifespan":
            assert (await receive())["type"] == "lifespan.startup"
            await send({"type": "lifespan.startup.complete"})
            assert (await receive())["type"] == "lifespan.shutdown"
            await send({"type": "lifespan.shutdown.complete"})
        elif scope["type"] == "websocket":
            await send({"type": "websocket.close"})
        else:
            await app(scope, receive, send)

    async with serving(every) as http:
        assert (await http.get("/")).status_code == 200
        upgrade = {
            "Connection": "Upgrade",
            "Upgrade": "websocket",
            "Sec-WebSocket-Version": "13",
            "Sec-WebSocket-Key": "dGhlIHNhbXBsZSBub25jZQ==",
        }
        assert (await http.get("/live", headers=upgrade)).status_code == 403
    assert seen == ["lifespan", "http", "websocket"]


def test_starlette_lost_its_old_hooks_and_fastapi_keeps_some():
    gone = ["on_event", "add_event_handler", "route", "websocket_route"]
    gone += ["exception_handler", "middleware"]
    assert [name for name in gone if hasattr(Starlette, name)] == []
    assert not hasattr(Router, "on_event")
    assert [name for name in gone if hasattr(FastAPI, name)] == [
        "on_event",
        "websocket_route",
        "exception_handler",
        "middleware",
    ]
    with pytest.raises(TypeError, match="on_startup"):
        Starlette(on_startup=[])


# What Uvicorn does


def test_the_standard_extra_is_faster_parts_and_a_better_watcher(monkeypatch):
    def choose(file, name):
        folder = Path(uvicorn.__file__).parent
        return getattr(runpy.run_path(str(folder / file))[name], "__name__", None)

    def parts():
        return {
            "http": choose("protocols/http/auto.py", "AutoHTTPProtocol"),
            "websocket": choose(
                "protocols/websockets/auto.py", "AutoWebSocketsProtocol"
            ),
            "reload": choose("supervisors/__init__.py", "ChangeReload"),
        }

    assert parts() == {
        "http": "HttpToolsProtocol",
        "websocket": "WebSocketsSansIOProtocol",
        "reload": "WatchFilesReload",
    }
    hidden = ["httptools", "websockets", "wsproto", "watchfiles"]
    hidden += ["uvicorn.supervisors.watchfilesreload"]
    for name in hidden:
        monkeypatch.setitem(sys.modules, name, None)
    assert parts() == {
        "http": "H11Protocol",
        "websocket": None,
        "reload": "StatReload",
    }


def test_two_more_protocols_are_a_choice():
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        uvicorn.Config(app, ws="websockets", log_config=None).load()
    assert UvicornDeprecationWarning in [each.category for each in caught]
    with pytest.raises(ValueError, match="pip install zttp"):
        uvicorn.Config(app, http2=True, log_config=None).load()


def test_every_option_is_an_environment_variable_too(monkeypatch):
    started = {}
    monkeypatch.setattr(
        sys.modules["uvicorn.main"],
        "run",
        lambda app, **options: started.update(options, app=app),
    )
    env = {"UVICORN_PORT": "9000", "UVICORN_HOST": "0.0.0.0"}
    result = CliRunner().invoke(
        uvicorn.main, ["main:app", "--port", "9001"], env=env
    )
    assert result.exit_code == 0
    assert (started["host"], started["port"]) == ("0.0.0.0", 9001)
    assert started["limit_max_requests_jitter"] == 0
    assert started["reset_contextvars"] is False
    assert started["timeout_worker_healthcheck"] == 5


def test_the_fastapi_command_hands_the_root_path_to_uvicorn(monkeypatch):
    from fastapi_cli import cli
    from typer.testing import CliRunner as TyperRunner

    started = {}
    monkeypatch.setattr(
        cli.uvicorn, "run", lambda **options: started.update(options)
    )
    command = ["run", "-e", "real:app", "--root-path", "/api"]
    command += ["--forwarded-allow-ips", "10.0.0.0/8", "--workers", "4"]
    result = TyperRunner().invoke(cli.app, command)
    logging.getLogger("fastapi_cli").handlers.clear()
    assert result.exit_code == 0
    assert (started["app"], started["root_path"]) == ("real:app", "/api")
    assert started["forwarded_allow_ips"] == "10.0.0.0/8"
    assert (started["host"], started["workers"]) == ("0.0.0.0", 4)
    refused = TyperRunner().invoke(cli.app, ["dev", "--reload-include", ".env"])
    assert "No such option" in refused.output
    logging.getLogger("fastapi_cli").handlers.clear()


def test_root_path_in_the_constructor_is_deprecated():
    with pytest.warns(FastAPIDeprecationWarning, match="fastapi run --root-path"):
        FastAPI(root_path="/api")


async def test_how_a_failed_start_ends(tmp_path):
    (tmp_path / "fails.py").write_text(
        "from contextlib import asynccontextmanager\n"
        "from fastapi import FastAPI\n\n"
        "@asynccontextmanager\n"
        "async def lifespan(app):\n"
        "    raise ConnectionError('no database')\n"
        "    yield\n\n"
        "app = FastAPI(lifespan=lifespan)\n"
    )
    commands = [
        "fails:app",
        "fails:nothing",
        "fails:app --workers 2 --timeout-worker-healthcheck 1",
    ]
    ended = await asyncio.gather(
        *(
            run("-m", "uvicorn", *each.split(), "--port", "0", cwd=tmp_path)
            for each in commands
        )
    )
    assert [status for status, _ in ended] == [3, 3, 0]
    assert "ConnectionError: no database" in ended[0][1]
    assert "Application startup failed. Exiting." in ended[0][1]
    assert "failed to start, stopping the parent process" in ended[2][1]


async def test_startup_runs_before_the_port_is_opened():
    events = []

    async def noting(scope, receive, send):
        for _ in range(2):
            event = (await receive())["type"]
            events.append(event)
            await send({"type": f"{event}.complete"})

    with socket.create_server(("127.0.0.1", 0)) as other:
        port = other.getsockname()[1]
        config = uvicorn.Config(noting, port=port, log_config=None)
        with pytest.raises(SystemExit):
            await uvicorn.Server(config).serve()
    assert events == ["lifespan.startup", "lifespan.shutdown"]


async def test_saving_a_file_starts_the_new_code(server, workdir):
    main = workdir / "main.py"
    changed = main.read_text().replace('"method"', '"verb"', 1)
    noticed = "WatchFiles detected changes in 'main.py'. Reloading..."
    async with (
        asyncio.timeout(15),
        server("main:app", "--reload", cwd=workdir) as url,
        url.client() as http,
    ):
        assert "method" in (await http.get("/")).json()
        while noticed not in url.log():
            main.write_text(changed)
            await asyncio.sleep(0.3)
        while "verb" not in (await http.get("/")).json():
            await asyncio.sleep(0.02)


def test_reload_and_workers_exclude_each_other(caplog):
    uvicorn.Config("main:app", reload=True, workers=2, log_config=None)
    assert '"workers" flag is ignored when reloading is enabled.' in caplog.text


async def test_a_run_without_a_guard_cannot_start_its_child(workdir):
    (workdir / "serve.py").write_text(
        'import uvicorn\n\nuvicorn.run("main:app", port=0, reload=True)\n'
    )
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        "serve.py",
        cwd=workdir,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
    )
    async with asyncio.timeout(15):
        said = await process.stdout.readuntil(b"bootstrapping phase")
    process.terminate()
    await process.communicate()
    assert b"RuntimeError" in said


async def test_a_mounted_app_is_not_started_by_the_outer_one(client_for):
    started = []

    @contextlib.asynccontextmanager
    async def lifespan(app):
        started.append(app.title)
        yield

    outside = FastAPI(title="outside", lifespan=lifespan)
    outside.mount("/api", FastAPI(title="inside", lifespan=lifespan))
    async with client_for(outside) as client:
        assert (await client.get("/api/docs")).status_code == 200
    assert started == ["outside"]


async def test_which_setting_fits_which_proxy(client_for, shown):
    outside = FastAPI(openapi_url=None)
    outside.mount("/api", where_app())
    settings = {
        "nothing": (where_app(), ""),
        "--root-path /api": (where_app(), "/api"),
        "KeptPrefix": (real.app, ""),
        "app.mount": (outside, ""),
    }
    proxies = {
        "/where": lambda path: path.removeprefix("/api"),
        "/api/where": lambda path: path,
    }

    async def seen_through(proxy, http):
        answer = await http.get(proxy("/api/where"))
        if answer.status_code != 200:
            return str(answer.status_code)
        page = await http.get(proxy("/api/docs"))
        schema = re.search(r"url: '([^']*openapi[^']*)'", page.text)[1]
        return "works" if schema.startswith("/api/") else "docs broken"

    rows = [
        f"{'the proxy passes on':22}" + "".join(f"{each:22}" for each in proxies)
    ]
    found = {}
    for name, (each, root_path) in settings.items():
        way_in = (
            serving(each, root_path=root_path) if root_path else client_for(each)
        )
        async with way_in as http:
            found[name] = [
                await seen_through(way, http) for way in proxies.values()
            ]
        rows.append(f"{name:22}" + "".join(f"{word:22}" for word in found[name]))
    assert found == {
        "nothing": ["docs broken", "404"],
        "--root-path /api": ["works", "404"],
        "KeptPrefix": ["docs broken", "works"],
        "app.mount": ["404", "works"],
    }
    shown("prefixes", "\n".join(row.rstrip() for row in rows))


def test_loading_errors_say_what_is_wrong(shown, tmp_path, monkeypatch):
    (tmp_path / "factories.py").write_text("def create_app(): ...\n")
    (tmp_path / "needs.py").write_text("import not_installed\n")
    monkeypatch.syspath_prepend(tmp_path)
    lines = []
    for given in (
        "mian:app",
        "main.py:app",
        "src/main:app",
        "main",
        "main:api",
        "factories:app",
        "needs:app",
    ):
        try:
            import_from_string(given)
        except ImportFromStringError as error:
            lines += [f"uvicorn {given}", f"  Error loading ASGI app. {error}", ""]
        except ModuleNotFoundError as error:
            lines += [f"uvicorn {given}", f"  ModuleNotFoundError: {error}", ""]
    assert len(lines) == 21
    shown("loading-errors", "\n".join(lines).rstrip())


# One proof per gotcha


def test_wrong_folder(tmp_path, monkeypatch):
    (tmp_path / "src").mkdir()
    (tmp_path / "src/shop.py").write_text(
        "async def app(scope, receive, send): ..."
    )

    def probe(app_dir):
        with monkeypatch.context() as patch:
            patch.chdir(tmp_path)
            patch.setattr(sys, "path", [app_dir, *sys.path])
            try:
                return import_from_string("shop:app").__name__
            except ImportFromStringError as error:
                return str(error)
            finally:
                sys.modules.pop("shop", None)

    assert probe("") == 'Could not import module "shop".'
    assert probe("src") == "app"


def test_reload_needs_a_string(monkeypatch, caplog):
    class Reloader:
        def __init__(self, config, target, sockets):
            self.sockets = sockets

        def run(self):
            self.sockets[0].close()

    monkeypatch.setattr(sys.modules["uvicorn.main"], "ChangeReload", Reloader)

    def probe(given):
        try:
            uvicorn.run(given, port=0, reload=True, log_config=None)
            return "reloading"
        except SystemExit as ended:
            return ended.code, caplog.messages[-1]

    assert probe(app) == (
        3,
        "You must pass the application as an import string "
        "to enable 'reload' or 'workers'.",
    )
    assert probe("main:app") == "reloading"


def test_reload_ignores_other_files(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    saved = [".env", "page.html", "data/prices.json", "main.py"]

    def probe(*patterns):
        config = uvicorn.Config(
            "main:app", reload=True, reload_includes=[*patterns], log_config=None
        )
        restarts = FileFilter(config)
        return [name for name in saved if restarts(tmp_path / name)]

    assert probe() == ["main.py"]
    assert probe("*.env", "*.html") == ["page.html", "main.py"]
    assert probe(".env", "*.html", "*.json") == saved


async def test_port_is_taken(caplog):
    async def probe(port):
        async def stop():
            server.should_exit = True

        options = {"lifespan": "off", "log_config": None, "timeout_notify": 0}
        server = uvicorn.Server(
            uvicorn.Config(app, port=port, callback_notify=stop, **options)
        )
        try:
            await server.serve()
            return "served"
        except SystemExit as ended:
            return ended.code, caplog.messages[-1].rpartition(": ")[2]

    with socket.create_server(("127.0.0.1", 0)) as other:
        assert await probe(other.getsockname()[1]) == (3, "address already in use")
        assert await probe(0) == "served"


@pytest.mark.skipif(sys.platform == "darwin", reason="macOS has no 127.0.0.2")
async def test_only_this_machine():
    async def probe(host):
        async with serving(app, lifespan="off", host=host) as http:
            try:
                address = f"http://127.0.0.2:{http.base_url.port}/"
                return (await http.get(address)).status_code
            except httpx2.ConnectError as error:
                return type(error).__name__

    assert await probe("127.0.0.1") == "ConnectError"
    assert await probe("0.0.0.0") == 200


async def test_docs_lose_the_prefix():
    async def probe(**options):
        async with serving(where_app(), **options) as http:
            page = (await http.get("/docs")).text
            return re.search(r"url: '([^']*openapi[^']*)'", page)[1]

    assert await probe() == "/openapi.json"
    assert await probe(root_path="/api") == "/api/openapi.json"


async def test_prefix_counted_twice():
    async def probe(app, **options):
        async with serving(app, **options) as http:
            answer = await http.get("/api/where")
            return answer.status_code, answer.json().get("link", "")[-10:]

    assert await probe(where_app(), root_path="/api") == (404, "")
    assert await probe(real.app) == (200, "/api/where")


async def test_https_becomes_http(client_for):
    headers = {"X-Forwarded-Proto": "https", "X-Forwarded-For": "203.0.113.7"}

    async def probe(trusted):
        server = ProxyHeadersMiddleware(where_app(), trusted_hosts=trusted)
        async with client_for(server, peer=("10.0.0.5", 40000)) as client:
            redirect = await client.get("/where/", headers=headers)
            seen = (await client.get("/where", headers=headers)).json()
            return redirect.headers["location"], seen["client"]

    assert await probe("127.0.0.1,::1") == ("http://test/where", "10.0.0.5")
    assert await probe("10.0.0.0/8") == ("https://test/where", "203.0.113.7")


async def test_wsgi_server_calls_with_two_arguments():
    log = io.StringIO()
    app = where_app()

    class Handler(wsgiref.simple_server.WSGIRequestHandler):
        def get_stderr(self):
            return log

        def log_message(self, *_):
            pass

    @contextlib.asynccontextmanager
    async def wsgi():
        with wsgiref.simple_server.make_server(
            "127.0.0.1", 0, app, handler_class=Handler
        ) as server:
            thread = threading.Thread(target=server.handle_request)
            thread.start()
            yield httpx2.AsyncClient(
                base_url=f"http://127.0.0.1:{server.server_port}", trust_env=False
            )
            thread.join()

    async def probe(server):
        async with server as http:
            return (await http.get("/where")).status_code

    assert await probe(wsgi()) == 500
    assert (
        log.getvalue()
        .strip()
        .endswith(
            "FastAPI.__call__() missing 1 required positional argument: 'send'"
        )
    )
    assert await probe(serving(app)) == 200
