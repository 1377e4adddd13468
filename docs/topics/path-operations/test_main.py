import asyncio
import json
import subprocess
import sys
import warnings
from contextlib import nullcontext, suppress
from threading import Barrier, BrokenBarrierError, Lock
from typing import Annotated

import main
import pytest
import real
from fastapi import APIRouter, FastAPI, Header, HTTPException, Query
from fastapi.middleware.cors import CORSMiddleware
from fastapi.routing import iter_route_contexts
from pydantic import BaseModel
from urllib3 import Retry
from uvicorn.middleware.proxy_headers import ProxyHeadersMiddleware

TEA, MILK = {"text": "Buy tea"}, {"text": "Buy milk"}
KEY = {"Idempotency-Key": "0193a1f2-7c55-4e0f-a9f0-2f6f3c1d8b11"}


@pytest.fixture(autouse=True)
def empty():
    for store in (main.NOTES, real.ORDERS, real.PLACED):
        store.clear()


async def statuses(client, *requests):
    return [(await client.request(*each.split())).status_code for each in requests]


# How the small app behaves


async def test_post_twice_makes_two_notes(client):
    answers = [await client.post("/notes", json=TEA) for _ in range(2)]
    assert [each.status_code for each in answers] == [201, 201]
    assert [each.json() for each in answers] == [{"added": 1}, {"added": 2}]
    assert (await client.get("/notes")).json() == {"1": TEA, "2": TEA}


async def test_put_twice_leaves_one_note(client):
    answers = [await client.put("/notes/7", json=MILK) for _ in range(2)]
    assert [(each.status_code, each.json()) for each in answers] == [
        (200, MILK)
    ] * 2
    assert (await client.get("/notes")).json() == {"7": MILK}


async def test_delete_twice_answers_differently_and_leaves_the_same(client):
    await client.put("/notes/7", json=MILK)
    first, second = [await client.delete("/notes/7") for _ in range(2)]
    assert (first.status_code, first.json()) == (200, MILK)
    assert (second.status_code, second.json()) == (
        404,
        {"detail": "There is no note 7"},
    )
    assert (await client.get("/notes")).json() == {}


async def test_get_changes_nothing(client):
    await client.put("/notes/7", json=MILK)
    first, second = [await client.get("/notes") for _ in range(2)]
    assert first.json() == second.json() == {"7": MILK}


async def test_one_path_has_an_operation_for_each_method(client):
    paths = main.app.openapi()["paths"]
    assert {path: set(item) for path, item in paths.items()} == {
        "/notes": {"get", "post"},
        "/notes/{number}": {"put", "delete"},
    }


async def test_the_path_without_the_method_is_405_and_no_path_is_404(client):
    assert await statuses(client, "PATCH /notes", "GET /notes/7", "GET /note") == [
        405,
        405,
        404,
    ]


def test_a_retrying_client_decides_by_the_method():
    repeated = Retry.DEFAULT_ALLOWED_METHODS
    assert {"GET", "HEAD", "OPTIONS", "PUT", "DELETE"} <= repeated
    assert not {"POST", "PATCH"} & repeated


# How the router finds an operation


async def test_a_route_with_another_method_is_passed_over(client_for):
    api = FastAPI()
    api.post("/notes")(lambda: "added")
    api.get("/notes")(lambda: "listed")
    async with client_for(api) as client:
        assert (await client.get("/notes")).json() == "listed"


async def test_a_slash_more_or_less_is_redirected_with_method_and_query(client_for):
    api = FastAPI()
    api.post("/with/")(lambda: "posted")
    api.post("/without")(lambda: "posted")
    async with client_for(api) as client:
        for path, other in [("/with", "/with/"), ("/without/", "/without")]:
            answer = await client.post(f"{path}?a=1")
            assert answer.status_code == 307
            assert answer.headers["location"] == f"http://test{other}?a=1"
            assert answer.content == b""
        followed = await client.post("/without//", follow_redirects=True)
        assert (followed.request.method, followed.json()) == ("POST", "posted")


async def test_the_redirect_does_not_look_at_the_method(client):
    assert await statuses(client, "PATCH /notes/", "PATCH /notes") == [307, 405]


async def test_a_redirect_costs_a_second_request_each_time(client_for):
    async def probe(path):
        seen = []
        api = FastAPI()
        api.get(path)(lambda: "listed")

        async def count(scope, receive, send):
            if scope["type"] == "http":
                seen.append(scope["path"])
            await api(scope, receive, send)

        async with client_for(count, follow_redirects=True) as client:
            for _ in range(3):
                assert (await client.get("/notes")).json() == "listed"
        return len(seen)

    assert await probe("/notes/") == 6
    assert await probe("/notes") == 3


async def test_a_catch_all_turns_the_redirect_and_the_404_of_others_into_405(
    client_for,
):
    async def probe(*paths):
        api = FastAPI()
        api.post("/notes")(lambda: "added")
        for path in paths:
            api.get(path)(lambda: "a page")
        async with client_for(api) as client:
            return await statuses(client, "POST /notes/", "POST /nothing")

    assert await probe() == [307, 404]
    assert await probe("/{rest:path}") == [405, 405]


async def test_only_the_app_decides_about_slash_redirects(client_for):
    async def probe(app_option, router_option):
        router = APIRouter(prefix="/notes", redirect_slashes=router_option)
        router.get("")(lambda: "listed")
        api = FastAPI(redirect_slashes=app_option)
        api.include_router(router)
        async with client_for(api) as client:
            return await statuses(client, "GET /notes", "GET /notes/")

    assert await probe(True, False) == [200, 307]
    assert await probe(False, True) == [200, 404]


async def test_the_docs_page_answers_head_because_starlette_made_its_route(client):
    assert await statuses(client, "HEAD /docs", "HEAD /openapi.json") == [200, 200]


async def test_the_query_method_has_no_decorator_but_works(client_for):
    class Search(BaseModel):
        text: str

    api = FastAPI()
    assert not hasattr(api, "query")

    @api.api_route("/notes", methods=["QUERY"])
    def search(search: Search) -> str:
        return search.text

    async with client_for(api) as client:
        answer = await client.request("QUERY", "/notes", json=TEA)
    assert (answer.status_code, answer.json()) == (200, "Buy tea")
    documented = api.openapi()["paths"]["/notes"]["query"]
    assert "requestBody" not in documented


# How the shipped app behaves


async def test_an_order_is_placed_once_for_each_key(client_for):
    async with client_for(real.app) as client:
        first = await client.post("/orders", json={"item": "tea"}, headers=KEY)
        again = await client.post("/orders", json={"item": "tea"}, headers=KEY)
        placed = {"item": "tea", "quantity": 1, "id": 1}
        assert [(each.status_code, each.json()) for each in (first, again)] == [
            (201, placed)
        ] * 2
        other = await client.post("/orders", json={"item": "milk"}, headers=KEY)
        assert (other.status_code, other.json()) == (
            409,
            {"detail": "This key belongs to another order"},
        )
        assert (await client.get("/orders")).json() == [placed]
        assert (await client.get("/orders/1")).json() == placed


async def test_an_order_without_a_key_is_refused(client_for):
    async with client_for(real.app) as client:
        answer = await client.post("/orders", json={"item": "tea"})
    assert answer.status_code == 422
    assert answer.json()["detail"][0]["loc"] == ["header", "idempotency-key"]


async def test_two_retries_at_the_same_time_need_the_lock(client_for, monkeypatch):
    async def probe(lock, patience):
        meeting = Barrier(2)

        class Watched(dict):
            def __contains__(self, key):
                found = super().__contains__(key)
                with suppress(BrokenBarrierError):
                    meeting.wait(patience)
                return found

        real.ORDERS.clear()
        monkeypatch.setattr(real, "PLACED", Watched())
        monkeypatch.setattr(real, "placing", lock)
        async with client_for(real.app) as client:
            retries = [
                client.post("/orders", json={"item": "tea"}, headers=KEY)
                for _ in range(2)
            ]
            await asyncio.gather(*retries)
        return len(real.ORDERS)

    assert await probe(nullcontext(), 10) == 2
    assert await probe(Lock(), 0.1) == 1


async def test_the_shipped_app_does_not_redirect(client_for):
    async with client_for(real.app) as client:
        assert await statuses(client, "GET /orders", "GET /orders/") == [200, 404]


async def test_the_answer_to_head_has_the_headers_of_get_and_no_body(server):
    async def exchange(url, method):
        reader, writer = await asyncio.open_connection("127.0.0.1", url.port)
        head = f"{method} /orders/1 HTTP/1.1\r\nHost: test\r\nConnection: close"
        writer.write(f"{head}\r\n\r\n".encode())
        text = (await reader.read()).decode()
        writer.close()
        await writer.wait_closed()
        headers, _, body = text.partition("\r\n\r\n")
        lines = headers.lower().splitlines()
        return [each for each in lines if not each.startswith("date")], body

    async with server("real:app") as url, url.client() as client:
        await client.post("/orders", json={"item": "tea"}, headers=KEY)
        got, asked = await exchange(url, "GET"), await exchange(url, "HEAD")
    assert got[0] == asked[0]
    assert got[1] == '{"item":"tea","quantity":1,"id":1}'
    assert asked[1] == ""


def test_head_stays_out_of_the_docs():
    assert set(real.app.openapi()["paths"]["/orders/{order_id}"]) == {"get"}


def test_metadata_goes_into_the_docs_and_no_further_than_the_form_feed(shown):
    placing = real.app.openapi()["paths"]["/orders"]["post"]
    assert "lock" in real.place_order.__doc__
    assert "lock" not in placing["description"]
    parts = {"parameters", "requestBody"}
    brief = {name: part for name, part in placing.items() if name not in parts}
    brief["responses"] = {
        status: answer["description"]
        for status, answer in brief["responses"].items()
    }
    shown("operation", json.dumps(brief, indent=2))


def test_operation_ids_can_be_plain_function_names():
    def ids(**options):
        api = FastAPI(**options)
        api.include_router(real.orders)
        items = api.openapi()["paths"].values()
        return [each["operationId"] for item in items for each in item.values()]

    assert ids() == [
        "list_orders_orders_get",
        "place_order_orders_post",
        "read_order_orders__order_id__get",
    ]
    assert ids(generate_unique_id_function=lambda route: route.name) == [
        "list_orders",
        "place_order",
        "read_order",
    ]


def test_equal_function_names_in_two_routers_need_different_ids():
    def duplicates(unique_id):
        api = FastAPI(generate_unique_id_function=unique_id)
        for tag in ("books", "users"):
            router = APIRouter(prefix=f"/{tag}", tags=[tag])

            @router.get("")
            def find() -> str:
                return "found"

            api.include_router(router)
        with warnings.catch_warnings(record=True) as caught:
            warnings.simplefilter("always")
            api.openapi()
        return [str(each.message).split(" for ")[0] for each in caught]

    assert duplicates(lambda route: route.name) == ["Duplicate Operation ID find"]
    assert duplicates(lambda route: f"{route.tags[0]}_{route.name}") == []


def test_no_operation_of_both_apps_is_declared_twice():
    assert real.declared_twice(main.app) == real.declared_twice(real.app) == []


# The gotchas


async def test_head_is_refused(client_for):
    def read() -> str:
        return "fine"

    async def probe(*decorators):
        api = FastAPI()
        for name in decorators:
            getattr(api, name)("/health")(read)
        async with client_for(api) as client:
            answer = await client.head("/health")
            return answer.status_code, answer.headers.get("allow")

    assert await probe("get") == (405, "GET")
    assert await probe("get", "head") == (200, None)


async def test_options_is_refused(client_for):
    preflight = {
        "Origin": "https://shop.example",
        "Access-Control-Request-Method": "POST",
    }

    async def probe(*handlers):
        api = FastAPI()
        api.include_router(real.orders)
        api.add_middleware(CORSMiddleware, allow_origins=["*"], allow_methods=["*"])
        for handler in handlers:
            api.add_exception_handler(405, handler)
        async with client_for(api) as client:
            plain = await client.options("/orders")
            asked = await client.options("/orders", headers=preflight)
            other = await client.patch("/orders")
        assert other.status_code == 405
        return plain.status_code, asked.status_code, other.headers["allow"]

    assert await probe() == (405, 200, "GET")
    assert await probe(real.name_every_method) == (204, 200, "GET, OPTIONS, POST")


async def test_get_deletes(client_for):
    async def probe(declare):
        notes = {1: "tea", 2: "milk"}
        api = FastAPI()

        @api.get("/")
        def links() -> list[str]:
            return [f"/notes/{number}/delete" for number in notes]

        @declare(api)("/notes/{number}/delete")
        def delete(number: int) -> None:
            del notes[number]

        async with client_for(api) as crawler:
            for link in (await crawler.get("/")).json():
                await crawler.get(link)
        return notes

    assert await probe(lambda api: api.get) == {}
    assert await probe(lambda api: api.delete) == {1: "tea", 2: "milk"}


async def test_retry_orders_twice(client_for):
    trap, placed = FastAPI(), []

    @trap.post("/orders")
    def place(order: real.Order) -> int:
        placed.append(order)
        return len(placed)

    @trap.get("/orders")
    def list_orders() -> list[real.Order]:
        return placed

    async def probe(api):
        async with client_for(api) as client:
            for _ in ("the answer is lost", "the retry"):
                await client.post("/orders", json={"item": "tea"}, headers=KEY)
            return len((await client.get("/orders")).json())

    assert await probe(trap) == 2
    assert await probe(real.app) == 1


async def test_slash_route_redirects(client_for):
    async def probe(path):
        router = APIRouter(prefix="/notes")
        router.get(path)(lambda: ["tea"])
        api = FastAPI()
        api.include_router(router)
        async with client_for(api) as client:
            answer = await client.get("/notes")
            return answer.status_code, answer.text

    assert await probe("/") == (307, "")
    assert await probe("") == (200, '["tea"]')


async def test_redirect_drops_the_token(client_for):
    api = FastAPI()

    @api.get("/notes")
    def read(authorization: Annotated[str | None, Header()] = None) -> str:
        if authorization is None:
            raise HTTPException(401)
        return "welcome"

    def behind_proxy(trusted):
        server = ProxyHeadersMiddleware(api, trusted_hosts=trusted)

        async def proxy(scope, receive, send):
            if scope["type"] == "http":
                forwarded = (b"x-forwarded-proto", scope["scheme"].encode())
                headers = [*scope["headers"], forwarded]
                scope = {**scope, "scheme": "http", "headers": headers}
            await server(scope, receive, send)

        return proxy

    async def probe(trusted, path):
        async with client_for(
            behind_proxy(trusted),
            peer=("10.0.0.7", 50000),
            base_url="https://notes.example",
            headers={"Authorization": "Bearer t"},
            follow_redirects=True,
        ) as client:
            answer = await client.get(path)
            return str(answer.url), answer.status_code

    assert await probe("127.0.0.1", "/notes/") == (
        "http://notes.example/notes",
        401,
    )
    assert await probe("10.0.0.7", "/notes/") == (
        "https://notes.example/notes",
        200,
    )
    assert await probe("127.0.0.1", "/notes") == (
        "https://notes.example/notes",
        200,
    )


async def test_second_function_never_runs(client_for):
    def old() -> str:
        return "old"

    def new() -> str:
        return "new"

    async def probe(*routes):
        api = FastAPI()
        for path, endpoint in routes:
            api.get(path)(endpoint)
        async with client_for(api) as client:
            answer = (await client.get("/notes")).json()
        documented = api.openapi()["paths"]["/notes"]["get"]["summary"]
        return answer, documented, real.declared_twice(api)

    assert await probe(("/notes", old), ("/notes", new)) == (
        "old",
        "New",
        ["GET /notes"],
    )
    assert await probe(("/v1/notes", old), ("/notes", new)) == ("new", "New", [])


def test_the_check_looks_into_routers_and_past_the_names_of_holes():
    api = FastAPI()
    for hole in ("number", "name"):
        router = APIRouter()
        router.get(f"/notes/{{{hole}}}")(lambda: None)
        api.include_router(router)
    assert real.declared_twice(api) == ["GET /notes/{}"]


def test_two_methods_share_one_id():
    def save() -> str:
        return "saved"

    def probe(declare):
        api = FastAPI()
        declare(api)
        with warnings.catch_warnings(record=True) as caught:
            warnings.simplefilter("always")
            item = api.openapi()["paths"]["/notes"]
        return len({each["operationId"] for each in item.values()}), len(caught)

    def together(api):
        api.api_route("/notes", methods=["POST", "PUT"])(save)

    def stacked(api):
        api.post("/notes")(api.put("/notes")(save))

    assert probe(together) == (1, 1)
    assert probe(stacked) == (2, 0)


def test_the_shared_id_depends_on_the_order_of_a_set():
    code = """
import fastapi
app = fastapi.FastAPI()
app.api_route("/notes", methods=["POST", "PUT"])(lambda: "saved")
print(app.openapi()["paths"]["/notes"]["put"]["operationId"].split("_")[-1])
"""
    command = [sys.executable, "-W", "ignore", "-c", code]
    runs = [
        subprocess.Popen(
            command, env={"PYTHONHASHSEED": seed}, text=True, stdout=subprocess.PIPE
        )
        for seed in ("1", "2")
    ]
    assert [run.communicate()[0].strip() for run in runs] == ["put", "post"]


async def test_get_with_a_body(client_for):
    class Search(BaseModel):
        text: str

    async def probe(kind):
        api = FastAPI()

        @api.get("/search")
        def search(search: kind) -> str:
            return search.text

        async with client_for(api) as client:
            answer = await client.get("/search", params=TEA)
            said = answer.json()
            return said if answer.is_success else said["detail"][0]["loc"]

    assert await probe(Search) == ["body"]
    assert await probe(Annotated[Search, Query()]) == "Buy tea"


async def test_a_body_sent_with_get_is_read_but_the_client_has_no_option_for_it(
    client_for,
):
    class Search(BaseModel):
        text: str

    api = FastAPI()

    @api.get("/search")
    def search(search: Search) -> str:
        return search.text

    async with client_for(api) as client:
        with pytest.raises(TypeError, match="unexpected keyword argument 'json'"):
            await client.get("/search", json=TEA)
        answer = await client.request("GET", "/search", json=TEA)
    assert (answer.status_code, answer.json()) == (200, "Buy tea")


def test_app_routes_lists_an_included_router_and_not_its_routes():
    paths = {getattr(route, "path", None) for route in real.app.routes}
    assert "/orders" not in paths
    assert "/orders" in {each.path for each in iter_route_contexts(real.app.routes)}
