import importlib
import sys
from contextlib import asynccontextmanager
from typing import Annotated

import main
import pytest
from fastapi import APIRouter, Depends, FastAPI, HTTPException, Request
from fastapi.exceptions import FastAPIError
from fastapi.responses import HTMLResponse, PlainTextResponse
from fastapi.routing import APIRoute, iter_route_contexts
from fastapi.staticfiles import StaticFiles
from main import app
from real.library import guards, store
from real.library.checks import open_routes
from real.library.main import create_app
from real.library.routers import loans, staff
from starlette.routing import Match, Router

ADA, GRACE = {"X-Key": "key-of-ada"}, {"X-Key": "key-of-grace"}
KEY, PAGE = {"X-Key": "sesame"}, {"Accept": "text/html"}


def text(value="ok"):
    def endpoint() -> str:
        return value

    return endpoint


def router_with(*paths, **options):
    router = APIRouter(**options)
    for path in paths:
        router.add_api_route(path, text(f"{path} of {options.get('prefix', '')}"))
    return router


def app_of(*routers, **options):
    app = FastAPI(**options)
    for router in routers:
        app.include_router(router)
    return app


def own_routes(app):
    """Return the routes in matching order, without /docs and its like."""
    return list(iter_route_contexts(app.routes))[4:]


def paths(app):
    return [route.path for route in own_routes(app)]


def guards_of(route):
    dependant = getattr(route, "dependant", None)
    return (
        [each.call.__name__ for each in dependant.dependencies] if dependant else []
    )


async def statuses(client, *requests, **options):
    return [
        (await client.request(*each.split(), **options)).status_code
        for each in requests
    ]


@pytest.fixture
def web(tmp_path):
    """A built single-page app: one page and one script."""
    (tmp_path / "assets").mkdir()
    (tmp_path / "index.html").write_text("<h1>Library</h1>")
    (tmp_path / "assets" / "app.js").write_text("start()")
    return tmp_path


@pytest.fixture
def library(web):
    store.LOANS.clear()
    yield create_app(web)
    store.LOANS.clear()


# How the small app behaves


async def test_the_prefixes_of_both_routers_make_the_path(client):
    answer = await client.get("/api/books/1")
    assert (answer.status_code, answer.json()) == (200, "Emma")
    answer = await client.get("/api/books")
    assert (answer.status_code, answer.json()) == (200, ["Emma", "Beowulf"])
    assert await statuses(client, "GET /books/1", "GET /api/books/") == [404, 307]
    assert await statuses(client, "GET /staff/loans", headers=KEY) == [404]


async def test_the_router_asks_for_the_key_on_all_its_routes_and_on_no_other(
    client,
):
    refused = await client.get("/api/staff/loans")
    assert refused.status_code == 401
    assert refused.json() == {"detail": "Send the right X-Key"}
    answer = await client.get("/api/staff/loans", headers=KEY)
    assert (answer.status_code, answer.json()) == (200, {"Emma": "Ada"})
    assert await statuses(client, "GET /api/books") == [200]


def test_the_tree_of_the_small_app(shown):
    lines = ["app.routes"]
    for route in app.routes:
        path = getattr(route, "path", "has no path")
        lines.append(f"  {type(route).__name__:17}{path}")
    lines += ["", "iter_route_contexts(app.routes)"]
    for route in iter_route_contexts(app.routes):
        tags = ", ".join(getattr(route, "tags", []))
        asks = ", ".join(guards_of(route))
        lines.append(f"  {route.path:22}{tags:7}{asks}".rstrip())
    assert paths(app) == ["/api/books", "/api/books/{book_id}", "/api/staff/loans"]
    shown("tree", "\n".join(lines) + "\n")


# How levels add up


async def test_prefixes_tags_and_dependencies_add_up_from_the_outside(
    client_for, shown
):
    seen = []

    def step(name):
        return Depends(lambda: seen.append(name))

    def endpoint(value: Annotated[None, step("parameter of the function")]) -> str:
        return "ok"

    inner = APIRouter(prefix="/b", tags=["b"], dependencies=[step("inner router")])
    inner.add_api_route(
        "/c", endpoint, tags=["c"], dependencies=[step("route decorator")]
    )
    outer = APIRouter(prefix="/a", tags=["a"], dependencies=[step("outer router")])
    outer.include_router(
        inner,
        prefix="/in",
        tags=["in"],
        dependencies=[step("outer.include_router")],
    )
    app = FastAPI(dependencies=[step("FastAPI()")])
    app.include_router(
        outer, prefix="/v1", tags=["v1"], dependencies=[step("app.include_router")]
    )
    async with client_for(app) as client:
        assert await statuses(client, "GET /v1/a/in/b/c") == [200]
        schema = (await client.get("/openapi.json")).json()
    tags = schema["paths"]["/v1/a/in/b/c"]["get"]["tags"]
    assert tags == ["v1", "a", "in", "b", "c"]
    assert seen == [
        "FastAPI()",
        "app.include_router",
        "outer router",
        "outer.include_router",
        "inner router",
        "route decorator",
        "parameter of the function",
    ]
    lines = [f"path          {paths(app)[0]}", f"tags          {', '.join(tags)}"]
    lines += [f"dependency {n}  {name}" for n, name in enumerate(seen, 1)]
    shown("sum", "\n".join(lines) + "\n")


async def test_for_other_settings_the_innermost_or_any_level_counts(client_for):
    def described(by):
        return {404: {"description": by}}

    router = APIRouter(
        responses=described("router"), default_response_class=PlainTextResponse
    )
    router.add_api_route("/x", lambda: "ok", responses=described("route"))
    router.add_api_route("/y", lambda: "ok")
    hidden = router_with("/z", deprecated=True, include_in_schema=False)
    app = FastAPI(responses={404: {"description": "app"}, 401: {"description": ""}})
    app.include_router(
        router,
        responses=described("include"),
        deprecated=True,
        default_response_class=HTMLResponse,
    )
    app.include_router(hidden, include_in_schema=True)
    async with client_for(app) as client:
        operations = (await client.get("/openapi.json")).json()["paths"]
        answer = await client.get("/x")
    x, y = [operations[path]["get"] for path in ("/x", "/y")]
    assert x["responses"]["404"] == {"description": "route"}
    assert y["responses"]["404"] == {"description": "router"}
    assert "401" in x["responses"]
    assert x["deprecated"] is True
    assert "/z" not in operations
    assert answer.headers["content-type"].startswith("text/plain")


async def test_the_lifespans_of_routers_run_inside_that_of_the_app(client_for):
    seen = []

    def span(name):
        @asynccontextmanager
        async def lifespan(app):
            seen.append(f"{name} starts")
            yield
            seen.append(f"{name} ends")

        return lifespan

    app = app_of(APIRouter(lifespan=span("router")), lifespan=span("app"))
    async with client_for(app):
        pass
    assert seen == ["app starts", "router starts", "router ends", "app ends"]


def test_a_router_takes_no_middleware_and_no_exception_handlers():
    for name in ("middleware", "add_middleware", "exception_handler"):
        assert hasattr(FastAPI(), name)
        assert not hasattr(APIRouter(), name)


async def test_a_route_class_wraps_the_routes_of_one_router(client_for):
    class Marked(APIRoute):
        def get_route_handler(self):
            handler = super().get_route_handler()

            async def marked(request: Request):
                response = await handler(request)
                response.headers["X-Marked"] = "yes"
                return response

            return marked

    app = app_of(router_with("/a", route_class=Marked), router_with("/b"))
    async with client_for(app) as client:
        headers = [(await client.get(path)).headers for path in ("/a", "/b")]
    assert ["x-marked" in each for each in headers] == [True, False]


async def test_one_router_can_hang_in_two_places(client_for):
    router = APIRouter()

    @router.get("/x", name="x")
    def link(request: Request) -> str:
        return request.url_for("x").path

    app = FastAPI()
    app.include_router(router, prefix="/v1")
    app.include_router(router, prefix="/latest", include_in_schema=False)
    async with client_for(app) as client:
        answers = [(await client.get(f"/{at}/x")).json() for at in ("v1", "latest")]
        schema = (await client.get("/openapi.json")).json()
    assert answers == ["/v1/x", "/v1/x"]
    assert list(schema["paths"]) == ["/v1/x"]


# The live tree


async def test_the_tree_is_live_and_keeps_the_place_of_a_router(client_for):
    first, second = APIRouter(), router_with("/{anything}")
    app = app_of(first, second)
    async with client_for(app) as client:
        before = (await client.get("/late")).json()
        first.add_api_route("/late", text("late"))
        after = (await client.get("/late")).json()
        app.include_router(router_with("/three/levels"))
        assert await statuses(client, "GET /three/levels") == [200]
        with pytest.raises(RuntimeError, match="Cannot add middleware"):
            app.add_middleware(StaticFiles)
    assert (before, after) == ("/{anything} of ", "late")


def test_what_the_parent_is_called_counts_at_the_moment_of_inclusion():
    parent = APIRouter(prefix="/before")
    parent.include_router(router_with("/x"))
    app = app_of(parent)
    parent.prefix = "/after"
    assert paths(app) == ["/before/x"]


def test_a_parent_may_be_included_before_its_children():
    parent = APIRouter(prefix="/api")
    app = app_of(parent)
    parent.include_router(router_with("/x"))
    assert paths(app) == ["/api/x"]


async def test_a_broken_dependency_of_include_router_waits_for_a_request(
    client_for,
):
    class Unknown:
        pass

    def broken(value: Unknown) -> None: ...

    with pytest.raises(FastAPIError, match="Invalid args"):
        router_with("/x", dependencies=[Depends(broken)])
    app = FastAPI()
    app.include_router(router_with("/x"), dependencies=[Depends(broken)])
    app.add_api_route("/healthy", text())
    async with client_for(app) as client:
        assert await statuses(client, "GET /docs", "GET /healthy") == [200, 500]


def test_what_is_refused_at_import(shown):
    def empty_path():
        app_of(router_with(""))

    def itself():
        router = APIRouter()
        router.include_router(router)

    attempts = {
        'APIRouter(prefix="api")': lambda: APIRouter(prefix="api"),
        'APIRouter(prefix="/api/")': lambda: APIRouter(prefix="/api/"),
        'router.get("") and no prefix': empty_path,
        "include_router(the module)": lambda: app_of(main),
        "include_router(FastAPI())": lambda: app_of(FastAPI()),
        "router.include_router(router)": itself,
    }
    lines = []
    for code, attempt in attempts.items():
        with pytest.raises((AssertionError, AttributeError, FastAPIError)) as error:
            attempt()
        message = str(error.value).split("(path operation")[0].split(". Did")[0]
        lines += [code, f"  {error.typename}: {message.strip()}"]
    shown("refused", "\n".join(lines) + "\n")
    with pytest.raises(AttributeError, match="_contains_router"):
        app_of(Router())


# The order of matching


async def test_methods_of_one_path_may_be_spread_over_routers(client_for):
    reading, removing = APIRouter(prefix="/x"), APIRouter(prefix="/x")
    reading.add_api_route("/{key}", text("read"))
    removing.add_api_route("/{key}", text("removed"), methods=["DELETE"])
    async with client_for(app_of(reading, removing)) as client:
        wrong = await client.put("/x/1")
        assert (await client.delete("/x/1")).json() == "removed"
        assert (await client.get("/x/1")).json() == "read"
    assert (wrong.status_code, wrong.headers["allow"]) == (405, "GET")


async def test_a_prefix_is_no_index_every_route_is_tried(client_for):
    seen = []

    class Counted(APIRoute):
        def matches(self, scope):
            seen.append(self.path)
            return super().matches(scope)

    first = router_with("/1", "/2", prefix="/first", route_class=Counted)
    async with client_for(app_of(first, router_with("/x", prefix="/b"))) as client:
        assert await statuses(client, "GET /b/x") == [200]
    assert seen == ["/first/1", "/first/2"]


async def test_only_the_app_decides_on_redirects_of_slashes(client_for):
    router = router_with("/x", redirect_slashes=False)
    async with client_for(app_of(router)) as client:
        assert await statuses(client, "GET /x/") == [307]
    async with client_for(app_of(router, redirect_slashes=False)) as client:
        assert await statuses(client, "GET /x/") == [404]


async def test_a_mounted_app_keeps_its_schema_and_its_lifespan_to_itself(
    client_for,
):
    seen = []

    @asynccontextmanager
    async def lifespan(app):
        seen.append("started")
        yield

    app = FastAPI()
    app.mount("/sub", app_of(router_with("/x"), lifespan=lifespan))
    async with client_for(app) as client:
        assert await statuses(client, "GET /sub/x") == [200]
        schemas = [
            (await client.get(path)).json().get("paths")
            for path in ("/openapi.json", "/sub/openapi.json")
        ]
    assert [list(each) for each in schemas] == [[], ["/x"]]
    assert seen == []


async def test_dependencies_of_the_app_skip_docs_and_mounts(client_for, web):
    app = FastAPI(dependencies=[Depends(main.check_key)])
    app.include_router(router_with("/x"))
    app.mount("/files", StaticFiles(directory=web))
    async with client_for(app) as client:
        asked = ("GET /x", "GET /docs", "GET /files/index.html")
        assert await statuses(client, *asked) == [401, 200, 200]


async def test_get_does_not_answer_head_on_a_router_either(client):
    assert await statuses(client, "HEAD /api/books", "HEAD /docs") == [405, 200]


async def test_a_frontend_comes_last(client_for, library, shown):
    asked = [
        ("GET", "/api/books", PAGE, "a route"),
        ("GET", "/", PAGE, "a file"),
        ("GET", "/assets/app.js", {}, "a file"),
        ("GET", "/assets/old.js", {}, "a missing file"),
        ("GET", "/shelf/7", PAGE, "a page of the browser app"),
        ("GET", "/shelf/7", {}, "the same for a program"),
        ("GET", "/api/boks", PAGE, "a typo in the address bar"),
        ("GET", "/api/books/", PAGE, "a slash too many"),
        ("POST", "/api/books", {}, "a wrong method"),
    ]
    lines = [f"{'':5}{'path':16}{'Accept':11}answer"]
    async with client_for(library) as client:
        for method, path, headers, what in asked:
            answer = await client.request(method, path, headers=headers)
            kind = answer.headers.get("content-type", "-").split(";")[0]
            accept, status = headers.get("Accept", "*/*"), answer.status_code
            lines.append(f"{method:5}{path:16}{accept:11}{status} {kind:18}{what}")
    assert [int(line[32:35]) for line in lines[1:]] == [
        200, 200, 200, 404, 200, 404, 200, 307, 405,
    ]  # fmt: skip
    shown("frontend", "\n".join(lines) + "\n")


def test_a_missing_frontend_stops_the_app_except_while_developing(
    tmp_path, monkeypatch
):
    monkeypatch.delenv("FASTAPI_ENV", raising=False)
    with pytest.raises(RuntimeError, match="does not exist"):
        create_app(tmp_path / "web")
    monkeypatch.setenv("FASTAPI_ENV", "development")
    with pytest.warns(UserWarning, match="does not exist"):
        create_app(tmp_path / "web")


# How the package behaves


async def test_books_are_public_and_loans_belong_to_members(client_for, library):
    async with client_for(library) as client:
        assert (await client.get("/api/books/2")).json() == "Beowulf"
        assert await statuses(client, "GET /api/books/9", "GET /api/loans") == [
            404,
            401,
        ]
        borrow = "PUT /api/loans/1"
        assert await statuses(client, borrow, headers=ADA) == [204]
        assert await statuses(client, borrow, headers=GRACE) == [409]
        assert (await client.get("/api/loans", headers=ADA)).json() == ["Emma"]
        assert (await client.get("/api/loans", headers=GRACE)).json() == []


async def test_staff_sees_all_loans(client_for, library):
    store.LOANS[1] = "ada"
    async with client_for(library) as client:
        for_staff = "GET /api/staff/loans"
        assert await statuses(client, for_staff) == [401]
        assert await statuses(client, for_staff, headers=ADA) == [403]
        answer = await client.get("/api/staff/loans", headers=GRACE)
    assert (answer.status_code, answer.json()) == (200, {"1": "ada"})


def test_the_guards_stand_on_the_routers_and_not_only_in_functions():
    found = [
        [each.dependency for each in part.router.dependencies]
        for part in (loans, staff)
    ]
    assert found == [[guards.current_member], [guards.staff_only]]


async def test_a_guard_on_router_and_function_runs_once(client_for):
    seen = []

    def member() -> str:
        seen.append("asked")
        return "ada"

    router = APIRouter(dependencies=[Depends(member)])

    @router.get("/x")
    def endpoint(member: Annotated[str, Depends(member)]) -> str:
        return member

    async with client_for(app_of(router)) as client:
        assert (await client.get("/x")).json() == "ada"
    assert seen == ["asked"]


def test_the_open_routes_of_the_library(library, shown):
    found = open_routes(library, guards.current_member)
    assert found[4:] == ["GET /api/books", "GET /api/books/{book_id}"]
    shown("open-routes", "\n".join(found) + "\n")


def test_the_layout_of_the_package(bundle_dir, shown):
    what = {
        "main.py": "builds the app: create_app()",
        "api.py": "the tree: which router hangs where",
        "checks.py": "for the tests: which routes are open",
        "guards.py": "dependencies that refuse",
        "store.py": "the data; a database in real life",
        "routers/books.py": "public",
        "routers/loans.py": "behind current_member",
        "routers/staff.py": "behind staff_only",
    }
    package = bundle_dir / "real" / "library"
    found = {str(path.relative_to(package)) for path in package.rglob("*.py")}
    assert {each for each in found if "__init__" not in each} == set(what)
    lines = ["library/"]
    for name, text in what.items():
        lines.append(f"  {name:18}{text}")
    shown("layout", "\n".join(lines) + "\n")


def test_a_router_that_imports_the_app_stops_the_import(tmp_path, monkeypatch):
    monkeypatch.syspath_prepend(tmp_path)
    main_py = (
        "from fastapi import FastAPI\n"
        "from {name}.books import router\n"
        "app = FastAPI()\n"
        "app.include_router(router)\n"
    )
    books_py = "from fastapi import APIRouter\n{line}\nrouter = APIRouter()\n"

    def load(name, line):
        package = tmp_path / name
        package.mkdir()
        (package / "__init__.py").touch()
        (package / "main.py").write_text(main_py.format(name=name))
        (package / "books.py").write_text(books_py.format(line=line))
        return importlib.import_module(f"{name}.main")

    try:
        with pytest.raises(ImportError, match="partially initialized module"):
            load("circle", "from circle.main import app")
        assert load("straight", "from fastapi import Request").app
    finally:
        for name in [each for each in sys.modules if each.startswith("straight")]:
            del sys.modules[name]


# Gotchas


def test_prefix_counts_twice():
    def path_with(**options):
        app = FastAPI()
        app.include_router(router_with("/{id}", prefix="/books"), **options)
        return paths(app)

    trap = path_with(prefix="/api/books")
    fix = path_with(prefix="/api")
    assert trap == ["/api/books/books/{id}"]
    assert fix == ["/api/books/{id}"]


async def test_wide_router_takes_all(client_for):
    pages = router_with("/{name}", prefix="")
    books = router_with("", prefix="/books")

    async def answer(*routers):
        async with client_for(app_of(*routers)) as client:
            return (await client.get("/books")).json()

    trap, fix = (pages, books), (books, pages)
    assert await answer(*trap) == "/{name} of "
    assert await answer(*fix) == " of /books"


async def test_open_route_in_a_guarded_router(client_for):
    def refuse() -> None:
        raise HTTPException(401)

    trap = APIRouter(prefix="/users", dependencies=[Depends(refuse)])
    trap.add_api_route("/login", text(), methods=["POST"], dependencies=[])
    trap.add_api_route("/me", text())

    fix = APIRouter(prefix="/users")
    fix.add_api_route("/login", text(), methods=["POST"])
    fix.include_router(router_with("/me"), dependencies=[Depends(refuse)])

    async def ask(router):
        async with client_for(app_of(router)) as client:
            return await statuses(client, "POST /users/login", "GET /users/me")

    assert await ask(trap) == [401, 401]
    assert await ask(fix) == [200, 401]


async def test_mounted_files_escape_the_guard(client_for, tmp_path):
    (tmp_path / "payroll.txt").write_text("secret")

    def trap(router):
        router.mount("/files", StaticFiles(directory=tmp_path))

    def fix(router):
        router.frontend("/files", directory=tmp_path, fallback=None)

    async def ask(add_files, **headers):
        router = APIRouter(dependencies=[Depends(main.check_key)])
        add_files(router)
        app = FastAPI()
        app.include_router(router, prefix="/staff")
        async with client_for(app) as client:
            return (
                await client.get("/staff/files/payroll.txt", headers=headers)
            ).status_code

    assert await ask(trap) == 200
    assert await ask(fix) == 401
    assert await ask(fix, **KEY) == 200


def test_a_mount_does_not_get_the_prefix_of_its_own_router(tmp_path):
    router = APIRouter(prefix="/staff")
    router.mount("/files", StaticFiles(directory=tmp_path))
    app = FastAPI()
    app.include_router(router, prefix="/api")
    assert paths(app) == ["/api/files"]
    assert open_routes(app, guards.current_member)[4:] == ["* /api/files"]


def test_app_routes_hides_the_routes():
    def trap(routes):
        return [route.path for route in routes]

    def fix(routes):
        return [route.path for route in iter_route_contexts(routes)]

    with pytest.raises(AttributeError, match="'_IncludedRouter' object has no"):
        trap(app.routes)
    assert "/api/books/{book_id}" in fix(app.routes)
    assert not [each for each in app.routes if isinstance(each, APIRoute)]


async def test_labels_lose_the_prefix(client_for):
    def trap(request: Request):
        return request.scope["route"].path

    def fix(request: Request):
        for route in iter_route_contexts(request.app.routes):
            if route.matches(request.scope)[0] is Match.FULL:
                return route.path
        return "unknown"

    async def label(path_of):
        def endpoint(book_id: int, label: Annotated[str, Depends(path_of)]) -> str:
            return label

        api, books = APIRouter(prefix="/api"), APIRouter(prefix="/books")
        books.add_api_route("/{book_id}", endpoint)
        api.include_router(books)
        async with client_for(app_of(api)) as client:
            return (await client.get("/api/books/1")).json()

    assert await label(trap) == "/books/{book_id}"
    assert await label(fix) == "/api/books/{book_id}"


async def test_mounted_frontend_takes_the_api(client_for, web):
    def trap(app):
        app.mount("/", StaticFiles(directory=web, html=True))

    def fix(app):
        app.frontend("/", directory=web)

    async def ask(*steps):
        app = FastAPI()
        for step in steps:
            step(app)
        async with client_for(app) as client:
            asked = ("GET /", "GET /api/books", "GET /shelf/7")
            return await statuses(client, *asked, headers=PAGE)

    def add_api(app):
        app.include_router(router_with("/books", prefix="/api"))

    assert await ask(trap, add_api) == [200, 404, 404]
    assert await ask(fix, add_api) == [200, 200, 200]
    assert await ask(add_api, trap) == [200, 200, 404]
