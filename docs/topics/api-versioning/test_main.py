import json
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Any

import main
import pytest
import real
from contract import breaking
from fastapi import APIRouter, FastAPI, Header, HTTPException, Response
from main import app
from pydantic import BaseModel


async def test_both_versions_show_the_same_dish(client):
    old = await client.get("/v1/dishes/1")
    assert (old.status_code, old.json()) == (200, {"name": "Soup", "price": 4.5})
    new = await client.get("/v2/dishes/1")
    assert (new.status_code, new.json()) == (
        200,
        {"name": "Soup", "price": {"amount": 450, "currency": "EUR"}},
    )


async def test_the_old_version_says_when_it_ends(client):
    headers = (await client.get("/v1/dishes/1")).headers
    assert headers["link"] == '</v2/dishes/1>; rel="successor-version"'
    assert (await client.get("/v2/dishes/1")).status_code == 200
    since = datetime.fromtimestamp(
        int(headers["deprecation"].removeprefix("@")), UTC
    )
    assert since == main.DEPRECATED
    assert parsedate_to_datetime(headers["sunset"]) == main.SUNSET
    assert "sunset" not in (await client.get("/v2/dishes/1")).headers


async def test_the_docs_strike_the_old_operations_through(client):
    paths = (await client.get("/openapi.json")).json()["paths"]
    assert paths["/v1/dishes/{dish_id}"]["get"]["deprecated"] is True
    assert "deprecated" not in paths["/v2/dishes/{dish_id}"]["get"]


@pytest.mark.parametrize(
    ("headers", "status", "price"),
    [
        ({}, 200, 4.5),
        ({"API-Version": "1"}, 200, 4.5),
        ({"API-Version": "2"}, 200, {"amount": 450, "currency": "EUR"}),
        (
            {"Accept": "application/vnd.menu.v2+json"},
            200,
            {"amount": 450, "currency": "EUR"},
        ),
        (
            {"API-Version": "1", "Accept": "application/vnd.menu.v2+json"},
            200,
            4.5,
        ),
        ({"API-Version": "3"}, 406, None),
        ({"API-Version": "two"}, 406, None),
    ],
)
async def test_a_header_or_a_media_type_chooses(client_for, headers, status, price):
    async with client_for(real.served) as http:
        response = await http.get("/dishes/1", headers=headers)
    assert response.status_code == status
    assert response.json().get("price") == price
    assert response.headers["vary"] == "API-Version, Accept"


async def test_a_path_still_chooses(client_for):
    async with client_for(real.served) as http:
        assert (await http.get("/v2/dishes/1")).json()["price"]["amount"] == 450
        for path in ("/openapi.json", "/docs", "/redoc"):
            assert (await http.get(path)).status_code == 200


def test_the_contract_of_the_old_version_is_kept(bundle_dir):
    promised = json.loads((bundle_dir / "v1.json").read_text())
    assert breaking(promised, app.openapi()) == []


def test_what_breaks_a_client_and_what_does_not(shown):
    class Old(BaseModel):
        name: str
        price: float

    class MoreFields(Old):
        spicy: bool = False

    class Renamed(BaseModel):
        title: str
        price: float

    class Retyped(BaseModel):
        name: str
        price: str

    class Order(BaseModel):
        dish: int

    class OrderWithTable(Order):
        table: int

    class OrderMaybeTable(Order):
        table: int | None = None

    def document(
        answer: type[BaseModel], order: type[BaseModel], **more: Any
    ) -> Any:
        app = FastAPI()

        def read(dish_id: int) -> Any: ...

        def read_filtered(dish_id: int, lang: str) -> Any: ...

        def read_maybe(dish_id: int, lang: str = "en") -> Any: ...

        reads = {None: read, "required": read_filtered, "optional": read_maybe}
        app.get("/dishes/{dish_id}", response_model=answer)(reads[more.get("lang")])
        if not more.get("without_order"):

            @app.post("/orders", status_code=201)
            def place(order: order) -> None: ...

        return app.openapi()

    old = document(Old, Order)
    changes = {
        "a new field in an answer": document(MoreFields, Order),
        "a field renamed in an answer": document(Renamed, Order),
        "another type in an answer": document(Retyped, Order),
        "a new optional field in a body": document(Old, OrderMaybeTable),
        "a new required field in a body": document(Old, OrderWithTable),
        "a new optional parameter": document(Old, Order, lang="optional"),
        "a new required parameter": document(Old, Order, lang="required"),
        "an operation less": document(Old, Order, without_order=True),
    }
    told = {what: breaking(old, new) for what, new in changes.items()}
    assert [what for what, problems in told.items() if not problems] == [
        "a new field in an answer",
        "a new optional field in a body",
        "a new optional parameter",
    ]
    shown(
        "changes",
        "\n".join(
            f"{what:31} {'; '.join(p) or 'fine'}" for what, p in told.items()
        ),
    )


# --- gotchas


def test_shared_model_changes_the_old_version():
    class Shared(BaseModel):
        name: str
        price: float

    class SharedAfter(BaseModel):
        name: str
        price: main.Money

    def app_with(first: Any, second: Any) -> Any:
        app = FastAPI()
        for prefix, model in (("/v1", first), ("/v2", second)):
            router = APIRouter(prefix=prefix)
            router.get("/dishes/{dish_id}", response_model=model)(
                lambda dish_id: None
            )
            app.include_router(router)
        return app.openapi()

    def broken(before: Any, after: Any) -> list[str]:
        return [told for told in breaking(before, after) if "/v1" in told]

    before = app_with(Shared, Shared)
    assert broken(before, app_with(SharedAfter, SharedAfter)) == [
        "GET /v1/dishes/{dish_id} 200: price: number became object"
    ]
    assert broken(before, app_with(Shared, SharedAfter)) == []


class Cache:
    """A shared cache in front of an app, as small as RFC 9111 allows."""

    def __init__(self, http: Any) -> None:
        self._http = http
        self._stored: list[tuple[str, dict[str, str], Any]] = []

    async def get(self, path: str, headers: dict[str, str]) -> Any:
        for stored_path, key, body in self._stored:
            if stored_path == path and all(
                headers.get(k) == v for k, v in key.items()
            ):
                return body
        response = await self._http.get(path, headers=headers)
        vary = response.headers.get("vary", "")
        names = [name.strip() for name in vary.split(",") if name.strip()]
        key = {name: headers.get(name) for name in names}
        self._stored.append((path, key, response.json()))
        return response.json()


async def test_cache_serves_the_other_version(client_for):
    without_vary = FastAPI()

    @without_vary.get("/dishes/{dish_id}")
    def read(dish_id: int, api_version: int = Header(1)) -> dict[str, Any]:
        return {"price": 4.5 if api_version == 1 else {"amount": 450}}

    async def price_for_version_two(served: Any) -> Any:
        """What a client of version 2 gets after one of version 1 asked."""
        async with client_for(served) as http:
            cache = Cache(http)
            await cache.get("/dishes/1", {"API-Version": "1"})
            return (await cache.get("/dishes/1", {"API-Version": "2"}))["price"]

    assert await price_for_version_two(without_vary) == 4.5
    assert (await price_for_version_two(real.served))["amount"] == 450


async def test_newest_by_default_breaks_whoever_says_nothing(client_for):
    async def price_after_a_release(default_of: Any) -> list[Any]:
        """What a client without a header gets, before and after version 2."""
        seen = []
        for known in ((1,), (1, 2)):
            served = real.Versions(app, known, default=default_of(known))
            async with client_for(served) as http:
                seen.append((await http.get("/dishes/1")).json()["price"])
        return seen

    before, after = await price_after_a_release(max)
    assert before != after
    before, after = await price_after_a_release(min)
    assert before == after == 4.5


async def test_deprecated_true_tells_only_readers_of_the_docs(client_for):
    only_docs = FastAPI()
    only_docs.get("/v1/dishes", deprecated=True)(list)

    async def announced(served: Any, path: str) -> bool:
        async with client_for(served) as http:
            return "deprecation" in (await http.get(path)).headers

    assert await announced(only_docs, "/v1/dishes") is False
    assert await announced(app, "/v1/dishes/1") is True


async def test_errors_do_not_announce_the_end(client_for):
    small = FastAPI()

    @small.get("/v1/dishes/{dish_id}")
    def read(dish_id: int, response: Response) -> None:
        response.headers["Deprecation"] = "@1"
        raise HTTPException(404)

    async def announced(served: Any) -> bool:
        async with client_for(served) as http:
            answer = await http.get("/v1/dishes/99")
        assert answer.status_code == 404
        return "deprecation" in answer.headers

    assert await announced(small) is False
    assert await announced(real.GoingAway(small, "/v1/")) is True


async def test_only_the_old_version_is_announced(client_for):
    async with client_for(real.served) as http:
        for path, announced in (("/v1/dishes/99", True), ("/v2/dishes/99", False)):
            assert ("sunset" in (await http.get(path)).headers) is announced
