import asyncio
import logging
import os
import re
import runpy
import sys
import textwrap
import venv
from html import escape
from importlib import metadata
from pathlib import Path
from zipfile import ZipFile

import fastapi
import fastapi.testclient
import main
import pytest
import starlette.applications
import starlette.routing
from fastapi import FastAPI, Request
from fastapi.templating import Jinja2Templates
from opentelemetry import trace
from packaging.requirements import Requirement
from packaging.specifiers import SpecifierSet
from real.shelf.main import app as shelf
from typer.testing import CliRunner

HELLO = "from fastapi import FastAPI\n\napp = FastAPI()\n"


@pytest.fixture
def handed_over(tmp_path, monkeypatch):
    """Return what the command hands to Uvicorn in a folder of these files."""
    from fastapi_cli import cli

    def start(command: str, files: dict[str, str], **env: str):
        folder = tmp_path / f"project-{len(list(tmp_path.iterdir()))}"
        for name, text in files.items():
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            (folder / name).write_text(text)
        started = {}

        def run(**options):
            started.update(options, FASTAPI_ENV=os.environ.get("FASTAPI_ENV"))

        modules = set(sys.modules)
        with monkeypatch.context() as patch:
            patch.chdir(folder)
            patch.setattr(sys, "path", sys.path.copy())
            for name in ("main", "app", "api", "shop"):
                patch.delitem(sys.modules, name, raising=False)
            patch.setattr(cli.uvicorn, "run", run)
            clean = {"PORT": None, "FASTAPI_ENV": None, "FASTAPI_PUBLIC_URL": None}
            result = CliRunner().invoke(cli.app, command.split(), env=clean | env)
            for name in set(sys.modules) - modules | {"main", "app"}:
                sys.modules.pop(name, None)
        logging.getLogger("fastapi_cli").handlers.clear()
        if started:
            return started | {"said": result.output}
        if not isinstance(result.exception, SystemExit | None):
            return f"{type(result.exception).__name__}: {result.exception}"
        return " ".join(result.output.split())

    return start


async def run(*command: str | Path, **options) -> tuple[int, str]:
    """Return the exit status of a command and what it printed."""
    process = await asyncio.create_subprocess_exec(
        *command,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
        **options,
    )
    printed, _ = await process.communicate()
    return process.returncode, printed.decode()


# How the apps behave


async def test_the_root_says_hello(client):
    answer = await client.get("/")
    assert answer.status_code == 200
    assert answer.json() == {"message": "Hello"}


async def test_the_text_from_the_url_becomes_a_number(client):
    answer = await client.get("/squares/12")
    assert answer.status_code == 200
    assert answer.json() == {"number": 12, "square": 144}


async def test_a_word_is_refused_before_the_function_is_called(client):
    answer = await client.get("/squares/twelve")
    assert answer.status_code == 422
    assert answer.json()["detail"][0]["type"] == "int_parsing"


async def test_an_unknown_path_is_a_404_from_the_router(client):
    answer = await client.get("/cubes/12")
    assert (answer.status_code, answer.json()) == (404, {"detail": "Not Found"})


async def test_the_docs_are_there_without_a_line_of_code(client):
    page = await client.get("/docs")
    schema = (await client.get("/openapi.json")).json()
    assert page.status_code == 200
    assert "swagger-ui" in page.text
    assert list(schema["paths"]) == ["/", "/squares/{number}"]
    number = schema["paths"]["/squares/{number}"]["get"]["parameters"][0]
    assert number["schema"]["type"] == "integer"


async def test_a_wrong_return_value_is_a_500_and_not_a_wrong_answer(client_for):
    app = FastAPI()

    @app.get("/")
    def read() -> dict[str, int]:
        return {"square": "a lot"}

    async with client_for(app) as client:
        assert (await client.get("/")).status_code == 500


async def test_the_shelf_lists_books_and_finds_one(client_for):
    async with client_for(shelf) as client:
        assert (await client.get("/health")).json() == {"status": "ok"}
        assert [book["id"] for book in (await client.get("/books")).json()] == [
            1,
            2,
        ]
        book = await client.get("/books/2")
        assert book.json() == {"id": 2, "title": "Beowulf", "year": None}
        nothing = await client.get("/books/9")
        assert nothing.status_code == 404
        assert nothing.json() == {"detail": "There is no such book"}
        schema = (await client.get("/openapi.json")).json()
        assert schema["info"] == {"title": "Shelf", "version": "1.0.0"}


def test_the_project_starts_from_its_entrypoint(handed_over, bundle_dir):
    real = bundle_dir / "real"
    files = {
        str(path.relative_to(real)): path.read_text()
        for path in [real / "pyproject.toml", *real.glob("shelf/*.py")]
    }
    assert handed_over("dev", files)["app"] == "shelf.main:app"


# What FastAPI is made of


def test_each_name_comes_from_a_part(shown):
    def row(where, name):
        value = getattr(where, name)
        base = value.__mro__[1]
        of = f"{value.__module__}"
        if base.__module__.startswith(("starlette", "pydantic")):
            of += f", on top of {base.__module__}.{base.__qualname__}"
        return f"{name:17}{of}"

    names = [
        "FastAPI",
        "APIRouter",
        "Request",
        "Response",
        "WebSocket",
        "HTTPException",
        "BackgroundTasks",
        "UploadFile",
    ]
    rows = [row(fastapi, name) for name in names]
    rows.append(row(fastapi.testclient, "TestClient"))
    shown("parts", "\n".join(rows))
    assert issubclass(FastAPI, starlette.applications.Starlette)
    assert issubclass(fastapi.routing.APIRoute, starlette.routing.Route)


def test_creating_the_app_registers_the_docs_and_decorating_adds_routes(shown):
    before = [route.path for route in FastAPI().routes]
    rows = [
        f"{route.path:24}{'FastAPI()' if route.path in before else '@app.get'}"
        for route in main.app.routes
    ]
    shown("routes", "\n".join(rows))
    assert before == ["/openapi.json", "/docs", "/docs/oauth2-redirect", "/redoc"]


def test_the_decorated_function_is_still_an_ordinary_function():
    assert main.read_square(5) == {"number": 5, "square": 25}
    assert main.read_square(1.5) == {"number": 1.5, "square": 2.25}


async def test_nothing_is_traced_until_somebody_asks_for_it(client_for):
    app = FastAPI()

    @app.get("/")
    def read() -> bool:
        return trace.get_current_span().get_span_context().is_valid

    async with client_for(app) as client:
        assert (await client.get("/")).json() is False


# What an installation brings


def required(distribution: str, extra: str = "") -> set[str]:
    """Return what a distribution requires, or what one of its extras adds."""
    found = set()
    for line in metadata.requires(distribution):
        requirement = Requirement(line)
        of_extra = "extra" in str(requirement.marker or "")
        if of_extra == bool(extra) and (
            requirement.marker is None
            or requirement.marker.evaluate({"extra": extra})
        ):
            extras = (
                f"[{','.join(requirement.extras)}]" if requirement.extras else ""
            )
            found.add(requirement.name + extras)
    return found


def test_fastapi_alone_brings_no_server():
    assert required("fastapi") == {
        "annotated-doc",
        "anyio",
        "opentelemetry-api",
        "pydantic",
        "starlette",
        "typing-extensions",
        "typing-inspection",
    }


def test_the_standard_extra_brings_a_server_a_client_and_a_cloud_tool(shown):
    standard = required("fastapi", "standard")
    lean = required("fastapi", "standard-no-fastapi-cloud-cli")
    assert {"uvicorn[standard]", "httpx", "httpx2", "python-multipart"} <= standard
    assert {
        "opentelemetry-sdk",
        "opentelemetry-exporter-otlp-proto-http",
    } <= standard
    assert standard - lean == {"fastapi-cli[standard]", "fastar"}
    assert required("fastapi-cli", "standard") - required(
        "fastapi-cli", "standard-no-fastapi-cloud-cli"
    ) == {"fastapi-cloud-cli"}
    groups = {
        "fastapi": required("fastapi"),
        "fastapi[standard]": standard,
        "fastapi-cli[standard]": required("fastapi-cli", "standard"),
        "uvicorn[standard]": required("uvicorn", "standard"),
    }
    listed = {
        name: textwrap.wrap(", ".join(sorted(names)), 58, break_on_hyphens=False)
        for name, names in groups.items()
    }
    shown(
        "requirements",
        "\n\n".join("\n  ".join([name, *lines]) for name, lines in listed.items()),
    )


def test_python_3_11_is_the_floor():
    for name in ("fastapi", "starlette", "python-multipart", "httpx2"):
        wanted = SpecifierSet(metadata.metadata(name)["Requires-Python"])
        assert (wanted.contains("3.10.14"), wanted.contains("3.11.0")) == (
            False,
            True,
        )


# What the fastapi command does


def test_dev_and_run_differ_in_address_reload_and_environment(handed_over):
    files = {"main.py": HELLO}
    dev, prod = handed_over("dev", files), handed_over("run", files)
    assert (dev["app"], prod["app"]) == ("main:app", "main:app")
    assert (dev["host"], prod["host"]) == ("127.0.0.1", "0.0.0.0")
    assert (dev["reload"], prod["reload"]) == (True, False)
    assert (dev["FASTAPI_ENV"], prod["FASTAPI_ENV"]) == ("development", None)
    assert (dev["port"], prod["port"]) == (8000, 8000)
    assert "Server started at http://0.0.0.0:8000" in prod["said"]
    assert handed_over("run --workers 4", files)["workers"] == 4
    assert "No such option" in handed_over("dev --workers 4", files)


def test_the_port_comes_from_the_option_then_from_the_environment(handed_over):
    files = {"main.py": HELLO}
    assert handed_over("run", files, PORT="9000")["port"] == 9000
    assert handed_over("run --port 9001", files, PORT="9000")["port"] == 9001


def test_an_environment_that_is_set_already_is_kept(handed_over):
    staging = handed_over("dev", {"main.py": HELLO}, FASTAPI_ENV="staging")
    assert staging["FASTAPI_ENV"] == "staging"


def test_the_command_looks_in_six_places(handed_over):
    for folder in ("", "app/"):
        places = [f"{folder}{name}.py" for name in ("main", "app", "api")]
        package = {"app/__init__.py": ""} if folder else {}
        for number, place in enumerate(places):
            later = dict.fromkeys(places[number:], HELLO)
            module = place.removesuffix(".py").replace("/", ".")
            assert handed_over("dev", package | later)["app"] == f"{module}:app"
    assert handed_over("dev", {"server.py": HELLO}).endswith(
        "Could not find a default file to run, please provide an explicit path"
    )


def test_an_entrypoint_is_a_module_and_a_name_and_no_path(handed_over):
    def start(entrypoint):
        config = f'[tool.fastapi]\nentrypoint = "{entrypoint}"\n'
        return handed_over("dev", {"src/shop.py": HELLO, "pyproject.toml": config})

    assert start("src/shop.py").endswith(
        "Import string must be in the format module.submodule:app_name"
    )
    assert start("src.shop:app")["app"] == "src.shop:app"


def test_a_pyproject_of_a_parent_folder_is_not_read(handed_over):
    config = '[tool.fastapi]\nentrypoint = "shop:app"\n'
    assert handed_over("dev", {"pyproject.toml": config})["app"] == "shop:app"
    assert "Could not find a default file" in handed_over(
        "dev", {"../pyproject.toml": config, "notes.txt": ""}
    )


def test_a_template_response_takes_the_request_first(tmp_path):
    (tmp_path / "page.html").write_text("Hello {{ name }}")
    templates = Jinja2Templates(tmp_path)
    request = Request({"type": "http"})
    page = templates.TemplateResponse(request, "page.html", {"name": "<Ada>"})
    assert page.body == b"Hello &lt;Ada&gt;"
    with pytest.raises(TypeError, match="unhashable type: 'dict'"):
        templates.TemplateResponse("page.html", {"request": request})


# One proof per gotcha


def test_fastapi_command_is_missing(monkeypatch, capsys):
    def probe(cli):
        with monkeypatch.context() as patch:
            if cli is None:
                patch.setitem(sys.modules, "fastapi_cli.cli", None)
            patch.setattr(sys, "argv", ["fastapi", "--version"])
            command = runpy.run_module("fastapi.cli")["main"]
            try:
                command()
            except RuntimeError as error:
                return str(error).split("\n")[0]
            except SystemExit as done:
                return done.code

    without = 'To use the fastapi command, please install "fastapi[standard]":'
    assert probe(cli=None) == without
    assert probe(cli="installed") == 0
    assert "FastAPI CLI version" in capsys.readouterr().out


async def test_brackets_need_quotes(tmp_path):
    async def probe(typed):
        strict = ["bash", "-O", "failglob", "-c", f"echo {typed}"]
        return await run(*strict, cwd=tmp_path)

    status, printed = await probe("fastapi[standard]")
    assert status == 1
    assert "no match: fastapi[standard]" in printed
    assert await probe('"fastapi[standard]"') == (0, "fastapi[standard]\n")


async def test_two_pythons(tmp_path):
    venv.create(tmp_path / "other")

    async def probe(python):
        _, printed = await run(python, "-c", "import fastapi; print('found')")
        return printed.strip().split("\n")[-1]

    assert await probe(tmp_path / "other/bin/python") == (
        "ModuleNotFoundError: No module named 'fastapi'"
    )
    assert await probe(sys.executable) == "found"


async def test_old_python_gets_an_old_fastapi(tmp_path):
    page = tmp_path / "index.html"

    def publish(version, requires_python):
        wheel = tmp_path / f"fastapi-{version}-py3-none-any.whl"
        info = f"fastapi-{version}.dist-info"
        with ZipFile(wheel, "w") as file:
            file.writestr(
                f"{info}/METADATA",
                f"Metadata-Version: 2.1\nName: fastapi\nVersion: {version}\n",
            )
            file.writestr(
                f"{info}/WHEEL", "Wheel-Version: 1.0\nTag: py3-none-any\n"
            )
            file.writestr(f"{info}/RECORD", "")
        limit = f'data-requires-python="{escape(requires_python)}"'
        with page.open("a") as links:
            links.write(f'<a href="{wheel.as_uri()}" {limit}>{wheel.name}</a>\n')

    async def probe(python):
        pip = [sys.executable, "-m", "pip", "--disable-pip-version-check"]
        install = ["install", "fastapi", "--dry-run", "--no-deps", "--target", "x"]
        index = ["--no-index", "--find-links", page, "--only-binary", ":all:"]
        status, said = await run(*pip, *install, *index, "--python-version", python)
        assert "WARNING" not in said
        return status, re.search(r"Would install (\S+)", said)[1]

    publish("0.162.5", ">=3.10")
    publish("0.165.0", metadata.metadata("fastapi")["Requires-Python"])
    trap, fix = await asyncio.gather(probe("3.10"), probe("3.11"))
    assert trap == (0, "fastapi-0.162.5")
    assert fix == (0, "fastapi-0.165.0")


async def test_own_file_shadows_fastapi(tmp_path):
    async def probe(name):
        (tmp_path / name).write_text(HELLO)
        _, printed = await run(sys.executable, name, cwd=tmp_path)
        (tmp_path / name).unlink()
        return printed.strip().split("\n")[-1]

    assert (await probe("fastapi.py")).startswith(
        "ImportError: cannot import name 'FastAPI' from partially initialized"
    )
    assert await probe("hello.py") == ""


async def test_python_main_py_ends_at_once(server, workdir, shown):
    async def probe(*command):
        try:
            async with (
                server(
                    cwd=workdir,
                    command=[sys.executable, *command],
                    env={"COLUMNS": "80"},
                ) as url,
                url.client() as http,
            ):
                return (await http.get("/")).json(), url.log().replace(
                    str(url.port), "8000"
                )
        except RuntimeError as error:
            return str(error), ""

    assert await probe("main.py") == ("the server ended with 0:\n", "")
    answer, log = await probe("-m", "fastapi", "dev", "--port", "{port}")
    assert answer == {"message": "Hello"}
    log = log.replace(str(workdir), "/home/you/hello")
    ready = "Application startup complete."
    started = log[: log.index(ready) + len(ready)].strip("\n")
    shown("fastapi-dev", re.sub(r"process \[\d+\]", "process [4711]", started))


def test_package_without_init(handed_over):
    main_py = "from .books import BOOKS\n" + HELLO

    def probe(**files):
        project = {"app/main.py": main_py, "app/books.py": "BOOKS = {}\n"}
        started = handed_over("dev app/main.py", project | files)
        return started["app"] if isinstance(started, dict) else started

    assert probe() == (
        "ImportError: attempted relative import with no known parent package"
    )
    assert probe(**{"app/__init__.py": ""}) == "app.main:app"


def test_command_picks_another_app(handed_over):
    shop_py = (
        "from fastapi import FastAPI\n"
        "from fastapi.middleware.cors import CORSMiddleware\n\n"
        "shop = FastAPI()\n"
        "app = CORSMiddleware(shop, allow_origins=['https://shop.example'])\n"
    )

    def probe(command):
        return handed_over(command, {"main.py": shop_py})["app"]

    assert probe("dev") == "main:shop"
    assert probe("dev -e main:app") == "main:app"


def test_among_several_apps_the_alphabet_decides(handed_over):
    two = HELLO.replace("app =", "shop =") + "billing = FastAPI()\n"
    assert handed_over("dev", {"main.py": two})["app"] == "main:billing"
    assert handed_over("dev", {"main.py": two + "app = FastAPI()\n"})["app"] == (
        "main:app"
    )


def test_a_wrapped_app_alone_is_not_found(handed_over):
    wrapped = (
        "from fastapi import FastAPI\n"
        "from fastapi.middleware.gzip import GZipMiddleware\n\n"
        "app = GZipMiddleware(FastAPI())\n"
    )
    assert handed_over("dev", {"main.py": wrapped}).endswith(
        "Could not find FastAPI app in module, try using --app"
    )
