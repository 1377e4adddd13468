import json
import logging
import threading
from collections.abc import AsyncIterable
from contextlib import asynccontextmanager, suppress
from typing import Annotated

import main
import pytest
import real
from fastapi import (
    APIRouter,
    BackgroundTasks,
    Depends,
    FastAPI,
    HTTPException,
    Request,
)
from fastapi.encoders import jsonable_encoder
from fastapi.exception_handlers import (
    http_exception_handler,
    request_validation_exception_handler,
)
from fastapi.exceptions import FastAPIError, RequestValidationError
from fastapi.middleware.cors import CORSMiddleware
from fastapi.responses import JSONResponse, PlainTextResponse
from httpx2 import RemoteProtocolError
from pydantic import AfterValidator, BaseModel, Field
from starlette.exceptions import HTTPException as StarletteHTTPException

PROBLEM = "application/problem+json"


class ShopError(Exception):
    pass


class SoldOutError(ShopError):
    pass


@pytest.fixture(autouse=True)
def full_shop():
    for shop in (main, real):
        shop.stock.clear()
        shop.stock["tea"] = 3
    main.orders.clear()


def named(name, status=400):
    """A handler that says which one it is."""
    return lambda request, error: PlainTextResponse(name, status)


def app_that_raises(error, **options):
    api = FastAPI(**options)

    @api.get("/")
    def route():
        raise error

    return api


@pytest.fixture
def get(client_for):
    """Send one GET to an app; give status and body."""

    async def get(api, url="/", **options):
        async with client_for(api, **options) as client:
            answer = await client.get(url)
        if answer.headers.get("content-type", "").endswith("json"):
            return answer.status_code, answer.json()
        return answer.status_code, answer.text

    return get


# How the small app behaves


async def test_an_order_takes_pieces_from_the_stock(client):
    answer = await client.post("/orders/tea?pieces=2")
    assert (answer.status_code, answer.json()) == (201, {"number": 1})
    assert main.stock == {"tea": 1}
    read = await client.get("/orders/1")
    assert (read.status_code, read.json()) == (200, "tea")


async def test_a_domain_exception_becomes_the_answer_of_its_handler(client):
    answer = await client.post("/orders/tea?pieces=9")
    assert answer.status_code == 409
    assert answer.json() == {"detail": "There are 3 pieces of tea left"}
    assert main.stock == {"tea": 3}


async def test_without_a_handler_of_ours_errors_have_three_shapes(client):
    text = await client.get("/orders/7")
    assert text.json() == {"detail": "There is no order 7"}
    entries = await client.post("/orders/tea?pieces=two")
    assert entries.status_code == 422
    assert [sorted(each) for each in entries.json()["detail"]] == [
        ["input", "loc", "msg", "type"]
    ]
    plain = await client.post("/orders/salt?pieces=1")
    assert (plain.status_code, plain.text) == (500, "Internal Server Error")
    assert plain.headers["content-type"] == "text/plain; charset=utf-8"


async def test_the_reason_of_a_500_is_in_the_log_of_the_server_only(server):
    async with server("main:app") as url:
        async with url.client() as http:
            answer = await http.post("/orders/salt?pieces=1")
        async with url.client() as http:
            await http.get("/orders/1")
        log = url.log()
    assert (answer.status_code, answer.text) == (500, "Internal Server Error")
    assert "Exception in ASGI application" in log
    assert "KeyError: 'salt'" in log


# How the app to ship behaves


async def test_all_errors_of_the_real_app_have_one_shape(client_for, shown):
    real.app.add_api_route("/bug", lambda: real.stock["salt"])
    requests = [
        "POST /orders/tea?pieces=9",
        "POST /orders/tea?pieces=no",
        "GET /bug",
        "GET /orders/tea",
    ]
    lines = []
    async with client_for(real.app) as client:
        for each in requests:
            answer = await client.request(*each.split())
            assert answer.headers["content-type"] == PROBLEM
            body = answer.json()
            assert body["status"] == answer.status_code
            if "incident" in body:
                assert len(body["incident"]) == 32
                body["incident"] = "…"
            [mistake] = body.pop("errors", [{}])
            lines += [
                f"{each}  ->  {answer.status_code}",
                *(f"  {key}: {value}" for key, value in body.items()),
                *(f"  errors[0].{key}: {mistake[key]}" for key in mistake),
                "",
            ]
    real.app.router.routes.pop()
    shown("problems", "\n".join(lines).rstrip())


def test_every_error_of_the_shop_has_a_kind():
    def below(kind):
        return {kind}.union(*map(below, kind.__subclasses__()))

    assert below(real.ShopError) - {real.ShopError} == set(real.KINDS)


async def test_headers_of_an_http_exception_survive(client_for):
    async with client_for(real.app) as client:
        answer = await client.get("/orders/tea")
    assert answer.status_code == 405
    assert answer.headers["allow"] == "POST"


async def test_the_422_of_the_real_app_does_not_repeat_what_was_sent(client_for):
    async with client_for(real.app) as client:
        answer = await client.post("/orders/tea?pieces=hunter2")
    assert answer.status_code == 422
    assert "hunter2" not in answer.text
    assert answer.json()["errors"][0]["loc"] == ["query", "pieces"]


async def test_the_incident_of_a_500_is_in_the_log_with_the_traceback(
    client_for, caplog
):
    api = app_that_raises(
        KeyError("salt"), exception_handlers={Exception: real.unexpected}
    )
    async with client_for(api) as client:
        answer = await client.get("/")
    assert answer.status_code == 500
    assert "salt" not in answer.text
    [record] = [each for each in caplog.records if each.name == "shop"]
    assert answer.json()["incident"] in record.getMessage()
    assert record.exc_info[0] is KeyError


async def test_redirects_and_304_keep_the_default_answer(get):
    api = app_that_raises(
        HTTPException(304, headers={"ETag": "x"}),
        exception_handlers={StarletteHTTPException: real.http_error},
    )
    assert await get(api) == (304, "")


async def test_a_body_that_is_too_large_escapes_every_handler(client_for):
    api = FastAPI(max_body_size=5, exception_handlers={Exception: real.unexpected})
    api.add_exception_handler(StarletteHTTPException, real.http_error)
    api.add_exception_handler(413, real.http_error)

    @api.post("/")
    def take(text: dict[str, str]) -> str:
        return "taken"

    async with client_for(api) as client:
        answer = await client.post("/", json={"text": "much too long"})
    assert (answer.status_code, answer.text) == (413, "Content Too Large")


# Which handler is chosen


async def test_the_choice_of_a_handler(get, shown):
    class Model(BaseModel):
        number: int

    handlers = {
        404: "404",
        422: "422",
        500: "500",
        HTTPException: "fastapi.HTTPException",
        StarletteHTTPException: "starlette HTTPException",
        ShopError: "ShopError",
        ValueError: "ValueError",
    }
    cases = {
        "SoldOutError(ShopError)": SoldOutError(),
        "HTTPException(404)": HTTPException(404),
        "HTTPException(409)": HTTPException(409),
        "HTTPException(500)": HTTPException(500),
        "starlette HTTPException(409)": StarletteHTTPException(409),
        "RequestValidationError": RequestValidationError([]),
        "KeyError": KeyError(),
    }
    try:
        Model(number="x")
    except ValueError as error:
        cases["pydantic ValidationError"] = error
    for order in (handlers, dict(reversed(handlers.items()))):
        lines = [f"{'raised in the route':34}handler"]
        for name, error in cases.items():
            chosen = {key: named(value) for key, value in order.items()}
            _, body = await get(app_that_raises(error, exception_handlers=chosen))
            if not isinstance(body, str):
                body = "FastAPI's own"
            lines.append(f"{name:34}{body}")
        shown("choice", "\n".join(lines))


async def test_the_most_specific_class_wins_in_any_order(get):
    pair = [(ShopError, named("parent")), (SoldOutError, named("child"))]
    for order in (pair, pair[::-1]):
        api = app_that_raises(SoldOutError(), exception_handlers=dict(order))
        assert await get(api) == (400, "child")


async def test_debug_puts_the_traceback_in_place_of_the_last_handler(get):
    async def probe(debug):
        handlers = {Exception: named("mine", 500)}
        api = app_that_raises(ShopError(), debug=debug, exception_handlers=handlers)
        return (await get(api))[1]

    assert await probe(False) == "mine"
    assert (await probe(True)).startswith("Traceback")


async def test_the_last_registration_of_a_class_wins(get):
    api = app_that_raises(ShopError())
    api.exception_handler(ShopError)(named("first"))
    api.exception_handler(ShopError)(named("last"))
    assert await get(api) == (400, "last")


async def test_a_handler_added_after_the_first_request_is_ignored(client_for):
    api = app_that_raises(ShopError())
    async with client_for(api) as client:
        assert (await client.get("/")).status_code == 500
        api.exception_handler(ShopError)(named("too late"))
        assert (await client.get("/")).status_code == 500


async def test_a_handler_added_in_the_lifespan_is_ignored(client_for):
    async def probe(early):
        @asynccontextmanager
        async def lifespan(api: FastAPI):
            if not early:
                api.exception_handler(ShopError)(named("too late"))
            yield

        api = app_that_raises(ShopError(), lifespan=lifespan)
        if early:
            api.exception_handler(ShopError)(named("in time"))
        async with client_for(api) as client:
            return (await client.get("/")).status_code

    assert await probe(early=True) == 400
    assert await probe(early=False) == 500


def test_a_router_has_no_handlers():
    with pytest.raises(AttributeError, match="no attribute 'exception_handler'"):
        APIRouter().exception_handler(ShopError)


async def test_a_mounted_app_has_its_own_handlers(get):
    async def probe(*apps):
        outer, inner = FastAPI(), app_that_raises(ShopError())
        outer.mount("/inner", inner)
        for each in apps:
            {"outer": outer, "inner": inner}[each].exception_handler(ShopError)(
                named("mine", 409)
            )
        return (await get(outer, "/inner/"))[0]

    assert await probe("outer") == 500
    assert await probe("outer", "inner") == 409


async def test_a_def_handler_runs_in_a_thread_and_an_async_one_does_not(get):
    def plain(request: Request, error: Exception) -> PlainTextResponse:
        return PlainTextResponse(threading.current_thread().name)

    async def coroutine(request: Request, error: Exception) -> PlainTextResponse:
        return PlainTextResponse(threading.current_thread().name)

    here = threading.current_thread().name
    for handler, same in ((plain, False), (coroutine, True)):
        api = app_that_raises(ShopError(), exception_handlers={ShopError: handler})
        assert ((await get(api))[1] == here) is same


async def test_what_a_handler_raises_is_looked_up_once_more(get):
    def translate(request: Request, error: ShopError) -> None:
        raise HTTPException(418, "from the handler")

    api = app_that_raises(ShopError(), exception_handlers={ShopError: translate})
    assert await get(api) == (418, {"detail": "from the handler"})


async def test_the_defaults_can_be_called_from_a_handler(get, caplog):
    async def logged(request: Request, error: RequestValidationError):
        logging.getLogger("shop").warning("wrong: %s", error.errors()[0]["loc"])
        return await request_validation_exception_handler(request, error)

    async def probe(handlers):
        api = FastAPI(exception_handlers=handlers)

        @api.get("/")
        def route(number: int) -> int:
            return number

        return await get(api)

    assert await probe({RequestValidationError: logged}) == await probe({})
    assert "wrong: ('query', 'number')" in caplog.text


# The layers


def layered(trace):
    """An app in which each layer writes down what it saw."""
    api = FastAPI()

    def session():
        try:
            yield
        except BaseException as error:
            trace["dependency"] = type(error).__name__
            raise

    def handler(request: Request, error: Exception) -> JSONResponse:
        trace["handler"] = "ran"
        code = 409 if isinstance(error, ShopError) else 500
        return JSONResponse({}, code)

    async def http_handler(request: Request, error: StarletteHTTPException):
        trace["handler"] = "ran"
        return await http_exception_handler(request, error)

    async def validation(request: Request, error: RequestValidationError):
        trace["handler"] = "ran"
        return await request_validation_exception_handler(request, error)

    api.exception_handler(ShopError)(handler)
    api.exception_handler(StarletteHTTPException)(http_handler)
    api.exception_handler(RequestValidationError)(validation)

    @api.exception_handler(Exception)
    def last(request: Request, error: Exception) -> JSONResponse:
        trace["last"] = type(error).__name__
        return JSONResponse({}, 500)

    @api.middleware("http")
    async def watch(request: Request, call_next):
        if request.url.path == "/middleware":
            raise ShopError
        try:
            response = await call_next(request)
        except Exception as error:
            trace["middleware"] = type(error).__name__
            raise
        trace["middleware"] = str(response.status_code)
        return response

    raised = {
        "shop": ShopError(),
        "http": HTTPException(404),
        "bug": KeyError("x"),
    }

    @api.get("/route/{name}", dependencies=[Depends(session)])
    def route(name: str, number: int = 0) -> None:
        raise raised[name]

    return api


async def test_the_layers_an_exception_passes(client_for, shown):
    trace = {}
    cases = {
        "ShopError": "/route/shop",
        "HTTPException(404)": "/route/http",
        "KeyError, a bug": "/route/bug",
        "wrong value": "/route/http?number=x",
        "no such route": "/nowhere",
        "ShopError in middleware": "/middleware",
    }
    head = ("raised", "yield sees", "handler", "middleware", "last", "client")
    width = (24, 24, 9, 12, 11, 6)

    def row(cells):
        return "".join(
            f"{cell:{size}}" for cell, size in zip(cells, width, strict=True)
        ).rstrip()

    lines = [row(head)]
    async with client_for(layered(trace)) as client:
        for name, url in cases.items():
            trace.clear()
            answer = await client.get(url)
            saw = [
                trace.get(each, "-")
                for each in ("dependency", "handler", "middleware", "last")
            ]
            lines.append(row([name, *saw, str(answer.status_code)]))
    shown("layers", "\n".join(lines))


# Dependencies with yield


def finally_only():
    try:
        yield
    finally:
        pass


def swallows():
    with suppress(ShopError):
        yield


def reraises():
    try:
        yield
    except ShopError:
        raise


def converts():
    try:
        yield
    except ShopError as error:
        raise HTTPException(418, "converted") from error


async def test_what_the_exit_of_a_dependency_does_to_an_exception(get, shown):
    cases = {
        "finally": finally_only,
        "except, raise": reraises,
        "except, raise HTTPException(418)": converts,
        "except, and nothing more": swallows,
    }
    lines = [f"{'the dependency has':34}the client gets"]
    for name, dependency in cases.items():
        api = FastAPI(exception_handlers={ShopError: named("ShopError", 409)})

        @api.get("/", dependencies=[Depends(dependency)])
        def route() -> None:
            raise ShopError

        status, body = await get(api)
        text = body if isinstance(body, str) else json.dumps(body)
        lines.append(f"{name:34}{status} {text}")
    shown("yield", "\n".join(lines))


async def test_a_swallowed_exception_is_an_error_of_its_own(get):
    async def probe(dependency):
        api = FastAPI(exception_handlers={ShopError: named("ShopError", 409)})

        @api.get("/", dependencies=[Depends(dependency)])
        def route() -> None:
            raise ShopError

        return await get(api, raise_app_exceptions=True)

    with pytest.raises(FastAPIError, match="Response not awaited"):
        await probe(swallows)
    assert await probe(reraises) == (409, "ShopError")


async def test_a_started_response_cannot_become_an_error(client_for):
    started = []
    api = FastAPI(exception_handlers={ShopError: named("ShopError", 409)})

    def fails():
        raise ShopError

    @api.get("/background")
    def background(tasks: BackgroundTasks) -> str:
        tasks.add_task(fails)
        return "done"

    @api.get("/stream")
    async def stream() -> AsyncIterable[int]:
        raise HTTPException(404)
        yield 1

    async def watched(scope, receive, send):
        async def watch(message):
            if message["type"] == "http.response.start":
                started.append(message["status"])
            await send(message)

        await api(scope, receive, watch)

    async with client_for(watched, raise_app_exceptions=True) as client:
        for url in ("/background", "/stream"):
            with pytest.raises(RuntimeError, match="response already started"):
                await client.get(url)
    assert started == [200, 200]
    async with client_for(watched) as client:
        with pytest.raises(RemoteProtocolError):
            await client.get("/stream")


# One proof per gotcha


async def test_router_404_keeps_the_old_shape(client_for):
    def shape(request: Request, error: StarletteHTTPException) -> JSONResponse:
        return JSONResponse({"error": error.detail}, error.status_code)

    async def probe(kind):
        api = app_that_raises(HTTPException(404), exception_handlers={kind: shape})
        async with client_for(api) as client:
            answers = [
                await client.get("/"),
                await client.get("/nowhere"),
                await client.post("/"),
            ]
        return [list(each.json()) for each in answers]

    assert await probe(HTTPException) == [["error"], ["detail"], ["detail"]]
    assert await probe(StarletteHTTPException) == [["error"]] * 3


async def test_handler_of_422_answers_500(client_for):
    def not_reserved(name: str) -> str:
        if name == "admin":
            raise ValueError("reserved")
        return name

    class Person(BaseModel):
        name: Annotated[str, Field(min_length=2), AfterValidator(not_reserved)]

    def raw(request: Request, error: RequestValidationError) -> JSONResponse:
        return JSONResponse({"errors": error.errors()}, 422)

    def encoded(request: Request, error: RequestValidationError) -> JSONResponse:
        return JSONResponse({"errors": jsonable_encoder(error.errors())}, 422)

    async def probe(handler):
        api = FastAPI(exception_handlers={RequestValidationError: handler})

        @api.post("/")
        def add(person: Person) -> str:
            return person.name

        async with client_for(api) as client:
            return [
                (await client.post("/", json={"name": name})).status_code
                for name in ("x", "admin")
            ]

    assert await probe(raw) == [422, 500]
    assert await probe(encoded) == [422, 422]
    assert await probe(real.wrong_values) == [422, 422]
    with pytest.raises(TypeError, match="ValueError is not JSON serializable"):
        JSONResponse({"errors": [{"ctx": {"error": ValueError("reserved")}}]})


async def test_except_exception_eats_the_404(get):
    def load(key: str) -> str:
        if key != "tea":
            raise HTTPException(404, "There is no such product")
        return key

    def trap(key: str) -> str:
        try:
            return load(key)
        except Exception as error:
            raise HTTPException(500, str(error)) from error

    def narrow(key: str) -> str:
        try:
            return load(key)
        except KeyError as error:
            raise HTTPException(500, "The shelf is broken") from error

    def passed_on(key: str) -> str:
        try:
            return load(key)
        except HTTPException:
            raise
        except Exception as error:
            raise HTTPException(500, "The shelf is broken") from error

    async def probe(endpoint):
        api = FastAPI()
        api.add_api_route("/", endpoint)
        return await get(api, "/?key=salt")

    lost = {"detail": "404: There is no such product"}
    kept = {"detail": "There is no such product"}
    assert await probe(trap) == (500, lost)
    assert await probe(narrow) == (404, kept)
    assert await probe(passed_on) == (404, kept)


async def test_raised_in_middleware_is_a_500(client_for):
    async def trap(request: Request, call_next):
        raise HTTPException(401, "Who are you?")

    async def fix(request: Request, call_next):
        return JSONResponse({"detail": "Who are you?"}, 401)

    def dependency() -> None:
        raise HTTPException(401, "Who are you?")

    async def probe(middleware=None, dependencies=()):
        api = FastAPI(dependencies=dependencies)
        if middleware:
            api.middleware("http")(middleware)
        api.get("/")(lambda: "in")
        async with client_for(api) as client:
            answer = await client.get("/")
        return answer.status_code, "Who are you?" in answer.text

    assert await probe(trap) == (500, False)
    assert await probe(fix) == (401, True)
    assert await probe(dependencies=[Depends(dependency)]) == (401, True)


async def test_handled_500_is_raised_all_the_same(client_for):
    async def probe(raised, key):
        api = app_that_raises(raised, exception_handlers={key: named("mine", 500)})
        api.add_middleware(CORSMiddleware, allow_origins=["*"])
        async with client_for(api) as client:
            answer = await client.get("/", headers={"Origin": "https://a.test"})
        cors = "access-control-allow-origin" in answer.headers
        try:
            async with client_for(api, raise_app_exceptions=True) as client:
                await client.get("/")
        except type(raised):
            return answer.text, cors, "raised"
        return answer.text, cors, "quiet"

    assert await probe(ShopError(), Exception) == ("mine", False, "raised")
    assert await probe(ShopError(), 500) == ("mine", False, "raised")
    assert await probe(ShopError(), ShopError) == ("mine", True, "quiet")


async def test_error_after_yield_is_too_late(get):
    def commits():
        yield
        raise HTTPException(409, "The commit failed")

    async def probe(scope):
        api = FastAPI()

        @api.get("/", dependencies=[Depends(commits, scope=scope)])
        def route() -> str:
            return "stored"

        return await get(api)

    assert await probe("request") == (200, "stored")
    assert await probe(None) == (200, "stored")
    assert await probe("function") == (409, {"detail": "The commit failed"})


def test_docs_keep_the_old_422():
    def probe(responses):
        api = FastAPI(
            responses=responses,
            exception_handlers={RequestValidationError: real.wrong_values},
        )

        @api.get("/")
        def route(number: int) -> int:
            return number

        found = api.openapi()["paths"]["/"]["get"]["responses"]
        return sorted(set(found) - {"200"}), "HTTPValidationError" in str(found)

    assert probe(None) == (["422"], True)
    assert probe({422: real.documented}) == (["422"], False)
    assert probe({"4XX": real.documented}) == (["4XX"], False)
    assert probe({"default": real.documented}) == (["default"], False)


def test_the_docs_of_the_real_app_know_only_problems():
    schema = real.app.openapi()
    assert set(schema["components"]["schemas"]) == {"Problem", "Mistake"}
    found = schema["paths"]["/orders/{product}"]["post"]["responses"]
    assert sorted(found) == ["201", "4XX", "5XX"]
    assert set(found["4XX"]["content"]) == {"application/json", PROBLEM}
    reference = {"$ref": "#/components/schemas/Problem"}
    assert found["4XX"]["content"][PROBLEM] == {"schema": reference}
