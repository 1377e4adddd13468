import ast
import importlib
import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from app.main import create_app
from fastapi import APIRouter, FastAPI
from pydantic import BaseModel

ATTIC = {"name": "attic", "seats": 12}
MORNING = {"room": "attic", "day": "2099-03-02", "start": 9, "end": 11, "people": 6}


async def test_a_room_is_booked_once(client):
    assert (await client.post("/rooms", json=ATTIC)).status_code == 201
    booked = await client.post("/bookings", json=MORNING)
    assert (booked.status_code, booked.json()) == (201, {**MORNING, "id": 1})
    again = await client.post("/bookings", json={**MORNING, "start": 10})
    assert (again.status_code, again.json()) == (
        409,
        {"detail": "attic is taken then"},
    )


@pytest.fixture
def fresh_modules() -> Iterator[None]:
    """What follows imports our modules anew, as a new process would."""

    def ours() -> list[str]:
        names = {"all_in_one", "app", "tangled"}
        return [name for name in sys.modules if name.split(".")[0] in names]

    before = {name: sys.modules.pop(name) for name in ours()}
    yield
    for name in ours():
        del sys.modules[name]
    sys.modules.update(before)


async def wire(
    client_for: Any, app: FastAPI, folder: Path
) -> list[tuple[Any, ...]]:
    """What an app answers to the requests of this topic."""
    recorded = json.loads((folder / "responses.json").read_text())["answers"]
    seen = []
    async with client_for(app) as http:
        for answer in recorded:
            sent = answer["request"]
            response = await http.request(
                sent["method"],
                sent["url"],
                content=sent.get("body"),
                headers=sent["headers"],
            )
            seen.append((answer["name"], response.status_code, response.text))
    return seen


async def test_one_file_and_the_package_answer_the_same(
    client_for, bundle_dir, fresh_modules
):
    all_in_one = importlib.import_module("all_in_one")
    one_file = await wire(client_for, all_in_one.app, bundle_dir)
    package = await wire(client_for, create_app(), bundle_dir)
    assert one_file == package
    assert [status for _, status, _ in package].count(201) == 2


def test_the_package_has_files_to_spare(bundle_dir, shown):
    def lines(path: Path) -> int:
        code = path.read_text().splitlines()
        return sum(bool(line.strip()) and line[:4] != "# --" for line in code)

    one = lines(bundle_dir / "all_in_one.py")
    files = sorted(
        path
        for path in bundle_dir.glob("app/**/*.py")
        if lines(path) and "__pycache__" not in path.parts
    )
    package = sum(map(lines, files))
    shown(
        "cost",
        f"one file    1 file    {one} lines of code\n"
        f"package     {len(files)} files   {package} lines of code",
    )
    assert len(files) == 7
    assert one < package < 2 * one


# --8<-- [start:arrows]
def imports_of(path: Path) -> set[str]:
    """The modules of the package that a file imports."""
    found = set()
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            found.add("." * node.level + (node.module or ""))
    return {name for name in found if name.split(".")[0] in {"app", ""}}


def test_features_import_downward_only(bundle_dir):
    allowed = {
        "database": set(),
        "rooms": {"app.database", "app.rooms.models"},
        "bookings": {
            "app.database",
            "app.bookings.models",
            "app.bookings.schemas",
            "app.rooms.models",
        },
    }
    for part, names in allowed.items():
        found = [
            bundle_dir / "app" / f"{part}.py",
            *bundle_dir.glob(f"app/{part}/*.py"),
        ]
        for path in found:
            if path.exists():
                assert imports_of(path) <= names, path


# --8<-- [end:arrows]


# --- gotchas


def test_router_imports_the_app(fresh_modules):
    def error_of(module: str) -> str | None:
        try:
            importlib.import_module(module)
        except ImportError as error:
            return str(error)
        return None

    told = error_of("tangled.main")
    assert told is not None
    assert told.startswith(
        "cannot import name 'get_opening_hours' from partially initialized module"
        " 'tangled.main' (most likely due to a circular import)"
    )
    assert error_of("app.bookings.router") is None


async def test_app_at_import_is_shared_by_all_tests(client_for, fresh_modules):
    all_in_one = importlib.import_module("all_in_one")

    async def rooms_of_the_second(make: Any) -> list[str]:
        """What the second of two tests finds after the first added a room."""
        async with client_for(make()) as http:
            await http.post("/rooms", json=ATTIC)
        async with client_for(make()) as http:
            return [room["name"] for room in (await http.get("/rooms")).json()]

    assert await rooms_of_the_second(lambda: all_in_one.app) == ["attic"]
    assert await rooms_of_the_second(create_app) == []


def test_file_is_run_instead_of_the_package(bundle_dir, tmp_path):
    def error_of(*arguments: str) -> str:
        done = subprocess.run(
            [sys.executable, "-B", *arguments],
            cwd=bundle_dir,
            capture_output=True,
            text=True,
            check=False,
        )
        return done.stderr.strip().splitlines()[-1] if done.returncode else ""

    assert error_of("app/main.py") == "ModuleNotFoundError: No module named 'app'"
    assert error_of("-m", "app.main") == ""


def test_model_nobody_imported_has_no_table():
    def tables_after(*modules: str) -> set[str]:
        """The tables that create_all makes when just these were imported."""
        code = (
            "import importlib, sys\n"
            "from sqlalchemy import create_engine, inspect\n"
            "for name in sys.argv[1:]: importlib.import_module(name)\n"
            "from app.database import Base\n"
            "engine = create_engine('sqlite://')\n"
            "with engine.connect() as c:\n"
            "    Base.metadata.create_all(c)\n"
            "    print(*inspect(c).get_table_names())"
        )
        done = subprocess.run(
            [sys.executable, "-B", "-c", code, *modules],
            capture_output=True,
            text=True,
            check=True,
        )
        return set(done.stdout.split())

    assert tables_after("app.rooms.models") == {"rooms"}
    assert tables_after("app.main") == {"rooms", "bookings"}


def test_same_model_name_twice_shows_the_modules():
    def names_of(first: str, second: str) -> set[str]:
        app = FastAPI()
        for feature, name in (("rooms", first), ("bookings", second)):
            fields = {
                "__module__": f"app.{feature}.schemas",
                "__annotations__": {feature: str},
            }
            model = type(name, (BaseModel,), fields)
            router = APIRouter()
            router.get(f"/{feature}", response_model=model)(lambda: None)
            app.include_router(router)
        return set(app.openapi()["components"]["schemas"])

    assert names_of("Page", "Page") == {
        "app__rooms__schemas__Page",
        "app__bookings__schemas__Page",
    }
    assert names_of("RoomPage", "BookingPage") == {"RoomPage", "BookingPage"}
