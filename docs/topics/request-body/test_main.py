import enum
import hmac
import json
import sqlite3
import typing
import uuid
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import Annotated, Any

import fastapi
import pytest
import real
from fastapi import Body, Depends, FastAPI, Header, HTTPException, Request
from fastapi.responses import JSONResponse
from main import Line, Order
from pydantic import MISSING, BaseModel, ConfigDict, Field, create_model

JSON = {"Content-Type": "application/json"}
ORDER = {"deliver_on": "2026-12-24", "lines": [{"product": "tea", "price": "4.50"}]}
ADA = {
    "name": "Ada",
    "email": "ada@example.com",
    "address": {"street": "Main 1", "city": "Bern"},
}
REPLACE = "/orders/7?notify=yes"
TILL = {"X-Till": "3"}
KEY = "k" * 32


def app_with(endpoint, method="post", path="/", **options):
    app = FastAPI(**options)
    app.add_api_route(path, endpoint, methods=[method.upper()])
    return app


def first_error(answer):
    return answer.json()["detail"][0]


@pytest.fixture
def shop(client_for):
    """Give real.py one customer; yield how to open a client on it."""
    real.customers[1] = real.Customer.model_validate(ADA)
    yield lambda: client_for(real.app)
    real.customers.clear()


def signature(body, key=KEY):
    return {"X-Signature": hmac.digest(key.encode(), body, "sha256").hex()}


# How the small app behaves


async def test_json_becomes_dates_decimals_and_nested_models(client):
    lines = [
        {"product": "tea", "price": "4.50", "quantity": 2},
        {"product": "cup", "price": 12},
    ]
    answer = await client.post("/orders", json=ORDER | {"lines": lines})
    assert answer.status_code == 200
    assert answer.json() == {"total": "21.00 EUR", "arrives": "Thursday"}
    order = Order.model_validate(ORDER)
    assert order.deliver_on == date(2026, 12, 24)
    assert order.lines == [Line(product="tea", price=Decimal("4.50"))]


async def test_one_signature_reads_path_query_header_and_body(client):
    body = ORDER | {"note": "ring twice"}
    answer = await client.put(REPLACE, json=body, headers=TILL)
    assert answer.status_code == 200
    assert answer.json() == {
        "path": 7,
        "query": True,
        "header": "3",
        "body": "ring twice",
    }


async def test_a_query_value_inside_the_json_is_not_found(client):
    answer = await client.put(
        "/orders/7", json=ORDER | {"notify": True}, headers=TILL
    )
    assert answer.status_code == 422
    assert [error["loc"] for error in answer.json()["detail"]] == [
        ["query", "notify"]
    ]


async def test_two_bodies_and_an_embedded_one_are_taken_by_name(client):
    two = await client.post("/quotes", json={"order": ORDER, "coupon": "SPRING"})
    assert (two.status_code, two.json()) == (200, {"coupon": "SPRING", "lines": 1})
    one = await client.post("/coupons", json={"coupon": "SPRING"})
    assert (one.status_code, one.json()) == (200, {"coupon": "SPRING"})
    bare = await client.post("/coupons", json="SPRING")
    assert (bare.status_code, first_error(bare)["loc"]) == (422, ["body", "coupon"])


async def test_a_list_of_models_takes_a_json_array(client_for):
    def endpoint(orders: list[Order]) -> int:
        return len(orders)

    async with client_for(app_with(endpoint)) as client:
        array = await client.post("/", json=[ORDER, ORDER])
        single = await client.post("/", json=ORDER)
    assert (array.status_code, array.json()) == (200, 2)
    assert (single.status_code, first_error(single)["type"]) == (422, "list_type")


async def test_an_error_names_the_index_of_a_nested_item(client):
    lines = [{"product": "tea", "price": "1"}, {"product": "cup", "price": "cheap"}]
    answer = await client.post("/orders", json=ORDER | {"lines": lines})
    assert answer.status_code == 422
    assert first_error(answer) == {
        "type": "decimal_parsing",
        "loc": ["body", "lines", 1, "price"],
        "msg": "Input should be a valid decimal",
        "input": "cheap",
    }


async def test_every_error_of_a_request_is_in_one_list(client):
    url = "/orders/x?notify=perhaps"
    answer = await client.put(url, json={"lines": []}, headers=TILL)
    locations = [error["loc"] for error in answer.json()["detail"]]
    assert locations == [
        ["path", "number"],
        ["query", "notify"],
        ["body", "deliver_on"],
    ]


async def test_each_station_refuses_in_its_own_way(client):
    async def probe(body=b"", **headers):
        answer = await client.post("/orders", content=body, headers=headers)
        detail = answer.json()["detail"]
        if isinstance(detail, str):
            return answer.status_code, detail
        return answer.status_code, detail[0]["type"], detail[0]["loc"]

    text = json.dumps(ORDER).encode()
    assert await probe() == (422, "missing", ["body"])
    assert await probe(text) == (422, "model_attributes_type", ["body"])
    assert await probe(b'{"a": 1', **JSON) == (422, "json_invalid", ["body", 7])
    latin = '{"note": "é"}'.encode("latin-1")
    assert await probe(latin, **JSON) == (
        400,
        "There was an error parsing the body",
    )
    assert await probe(b"[]", **JSON) == (422, "model_attributes_type", ["body"])
    assert await probe(b"null", **JSON) == (422, "model_attributes_type", ["body"])
    assert await probe(b"{}", **JSON) == (422, "missing", ["body", "deliver_on"])


# Where an argument is read


@dataclass
class Point:
    x: int


async def test_where_fastapi_reads_each_kind_of_argument(shown):
    names = (
        vars(typing) | vars(fastapi) | globals() | {"current_user": lambda: "ada"}
    )
    declarations = [
        "number: int",
        "page: int = 1",
        "day: date",
        "choice: Literal['a', 'b']",
        "anything",
        "raw: bytes",
        "tag: str | None = None",
        "tags: list[str]",
        "pair: tuple[int, int]",
        "tags: Annotated[list[str], Query()]",
        "limits: dict[str, int]",
        "point: Point",
        "order: Order",
        "order: Order | None = None",
        "order: Annotated[Order, Query()]",
        "coupon: Annotated[str, Body()]",
        "x_till: Annotated[str, Header()]",
        "photo: UploadFile",
        "request: Request",
        "user: Annotated[str, Depends(current_user)]",
    ]

    def place(declaration):
        exec(f"def endpoint({declaration}): ...", names)
        path = "/{number}" if declaration.startswith("number") else "/"
        app = app_with(names["endpoint"], path=path)
        operation = app.openapi()["paths"][path]["post"]
        if "requestBody" in operation:
            kind = next(iter(operation["requestBody"]["content"]))
            return "body, JSON" if kind == "application/json" else "body, form"
        found = {each["in"] for each in operation.get("parameters", [])}
        return found.pop() if found else "handed in"

    places = {each: place(each) for each in declarations}
    assert places["page: int = 1"] == places["raw: bytes"] == "query"
    assert places["tags: list[str]"] == places["order: Order"] == "body, JSON"
    shown("sources", "".join(f"{v:12}{k}\n" for k, v in places.items()))


def test_a_name_in_the_path_cannot_be_marked_as_something_else():
    def endpoint(number: Annotated[int, Body()]): ...

    with pytest.raises(
        AssertionError, match="Cannot use `Body` for path param 'number'"
    ):
        app_with(endpoint, path="/{number}")


async def test_the_method_does_not_change_where_an_argument_is_read(client_for):
    def endpoint(order: Order, page: int = 1) -> dict[str, int]:
        return {"lines": len(order.lines), "page": page}

    for method in ("get", "post", "delete"):
        async with client_for(app_with(endpoint, method)) as client:
            answer = await client.request(method.upper(), "/?page=3", json=ORDER)
        assert (answer.status_code, answer.json()) == (200, {"lines": 1, "page": 3})


# What the JSON becomes


async def test_what_lax_and_strict_fields_make_of_json(client_for, shown):
    class Size(enum.Enum):
        LARGE = "L"

    some_id = "0193a1c2-7b5e-7c3d-8e9f-a0b1c2d3e4f5"
    cases = [
        (int, ["3", '"3"', "3.0", "3.5", "true", "null"]),
        (str, ['"3"', "3"]),
        (bool, ["true", '"yes"', "1"]),
        (float, ["1", "NaN"]),
        (Decimal, ['"4.50"', "4.50"]),
        (date, ['"2026-12-24"', '"24.12.2026"', "0"]),
        (Size, ['"L"', '"LARGE"']),
        (uuid.UUID, [f'"{some_id}"']),
        (set[int], ["[1, 2, 1]"]),
    ]

    async def made(kind, text, strict):
        config = ConfigDict(strict=strict)
        model = create_model("Model", __config__=config, value=(kind, ...))

        def endpoint(body: model) -> str:
            if isinstance(body.value, uuid.UUID | Size):
                return f"{type(body.value).__name__} object"
            return repr(body.value)

        app = app_with(endpoint)
        app.exception_handler(real.RequestValidationError)(real.refuse)
        async with client_for(app) as client:
            content = f'{{"value": {text}}}'
            answer = await client.post("/", content=content, headers=JSON)
        if answer.is_success:
            return answer.json().removeprefix("datetime.")
        return first_error(answer)["type"]

    table = {("field", "JSON"): ("value", "with strict=True")}
    for kind, texts in cases:
        for text in texts:
            name = str(kind) if kind == set[int] else kind.__name__
            short = '"0193a…"' if kind is uuid.UUID else text
            table[name, short] = (
                await made(kind, text, False),
                await made(kind, text, True),
            )
    assert table["int", '"3"'] == ("3", "int_type")
    assert table["date", '"2026-12-24"'] == ("date(2026, 12, 24)", "date_type")
    assert table["str", "3"] == ("string_type", "string_type")
    lines = [f"{a:10}{b:15}{c:28}{d}".rstrip() for (a, b), (c, d) in table.items()]
    shown("conversions", "\n".join(lines) + "\n")


async def test_a_strict_model_takes_a_date_from_json_text_but_not_in_fastapi(
    client_for,
):
    class Strict(BaseModel):
        model_config = ConfigDict(strict=True)
        day: date

    text = '{"day": "2026-12-24"}'
    assert Strict.model_validate_json(text).day == date(2026, 12, 24)

    def endpoint(body: Strict) -> str:
        return "ok"

    async with client_for(app_with(endpoint)) as client:
        answer = await client.post("/", content=text, headers=JSON)
    assert (answer.status_code, first_error(answer)["type"]) == (422, "date_type")


async def test_the_last_of_two_equal_keys_wins(client):
    body = json.dumps(ORDER)[:-1] + ', "note": "one", "note": "two"}'
    answer = await client.put(REPLACE, content=body, headers=JSON | TILL)
    assert answer.json()["body"] == "two"


async def test_a_misspelled_key_is_dropped_unless_extra_keys_are_forbidden(
    client, shop
):
    answer = await client.put(
        REPLACE, json=ORDER | {"nota": "ring twice"}, headers=TILL
    )
    assert (answer.status_code, answer.json()["body"]) == (200, None)
    async with shop() as http:
        answer = await http.patch("/customers/1", json={"nmae": "Grace"})
    assert (answer.status_code, first_error(answer)["type"]) == (
        422,
        "extra_forbidden",
    )


async def test_a_field_without_nan_needs_a_422_that_does_not_repeat_it(client_for):
    class Price(BaseModel):
        value: Annotated[float, Field(allow_inf_nan=False)]

    def endpoint(price: Price) -> str:
        return "ok"

    async def probe(app):
        async with client_for(app) as client:
            body = b'{"value": NaN}'
            return (await client.post("/", content=body, headers=JSON)).status_code

    plain, handled = app_with(endpoint), app_with(endpoint)
    handled.exception_handler(real.RequestValidationError)(real.refuse)
    assert (await probe(plain), await probe(handled)) == (500, 422)


# Absent, null, value


async def test_absent_and_null_are_two_questions(client_for, shown):
    declarations = {
        "note: str": (str, ...),
        'note: str = "none"': (str, "none"),
        "note: str | None": (str | None, ...),
        "note: str | None = None": (str | None, None),
        "note: str | MISSING = MISSING": (str | MISSING, MISSING),
        "note: str | MISSING | None = MISSING": (str | MISSING | None, MISSING),
    }

    async def probe(field, body):
        model = create_model("Model", note=field)

        def endpoint(order: model) -> str:
            return repr(order.note)

        async with client_for(app_with(endpoint)) as client:
            answer = await client.post("/", json=body)
        return (
            answer.json()
            if answer.is_success
            else f"422 {first_error(answer)['type']}"
        )

    rows = [("absent", "null", "declared")]
    for text, field in declarations.items():
        rows.append(
            (await probe(field, {}), await probe(field, {"note": None}), text)
        )
    assert rows[3] == ("422 missing", "None", "note: str | None")
    shown("absent-null", "".join(f"{a:13}{b:17}{c}\n" for a, b, c in rows))


async def test_null_is_a_value_and_only_an_absent_body_takes_the_default(
    client_for,
):
    def embedded(count: Annotated[int | None, Body(embed=True)] = 7) -> int | None:
        return count

    def required(order: Order | None) -> str:
        return repr(order)

    async def probe(endpoint, body):
        async with client_for(app_with(endpoint)) as client:
            answer = await client.post("/", content=body, headers=JSON)
            return answer.status_code, answer.json()

    assert await probe(embedded, b'{"count": null}') == (200, None)
    assert await probe(embedded, b"{}") == (200, 7)
    assert await probe(embedded, b"") == (200, 7)
    assert await probe(required, b"null") == (200, "None")
    status, answer = await probe(required, b"")
    assert (status, answer["detail"][0]) == (
        422,
        {
            "type": "missing",
            "loc": ["body"],
            "msg": "Field required",
            "input": None,
        },
    )


# The content type


async def test_json_types_are_read_and_all_other_types_stay_text(client):
    async def status(kind):
        body = json.dumps(ORDER)
        headers = {"Content-Type": kind} if kind else {}
        return (
            await client.post("/orders", content=body, headers=headers)
        ).status_code

    read = [
        "application/json",
        "Application/JSON; charset=utf-8",
        "application/ld+json",
    ]
    assert [await status(kind) for kind in read] == [200, 200, 200]
    form = "application/x-www-form-urlencoded"
    refused = ["", "text/plain", "text/json", "model/gltf+json", form]
    assert [await status(kind) for kind in refused] == [422] * 5


async def test_the_loose_setting_only_forgives_a_missing_header(client_for):
    def endpoint(order: Order) -> str:
        return "ok"

    async with client_for(app_with(endpoint, strict_content_type=False)) as client:
        body = json.dumps(ORDER)
        absent = await client.post("/", content=body)
        text = await client.post(
            "/", content=body, headers={"Content-Type": "text/plain"}
        )
    assert (absent.status_code, text.status_code) == (200, 422)


# The raw request


async def test_the_raw_bytes_are_still_there_when_the_model_is_made(client_for):
    async def endpoint(order: Order, request: Request) -> dict[str, Any]:
        chunks = [chunk async for chunk in request.stream()]
        return {"body": await request.body(), "stream": b"".join(chunks)}

    body = b'{"deliver_on":  "2026-12-24",  "lines": []}'
    async with client_for(app_with(endpoint)) as client:
        answer = await client.post("/", content=body, headers=JSON)
    assert answer.json() == {"body": body.decode(), "stream": body.decode()}


async def test_bytes_as_body_are_raw_for_everything_but_json(client_for):
    def endpoint(raw: Annotated[bytes, Body()]) -> str:
        return raw.hex()

    async with client_for(app_with(endpoint)) as client:
        octets = {"Content-Type": "application/octet-stream"}
        image = await client.post("/", content=b"\x89PNG", headers=octets)
        data = await client.post("/", content=b"{}", headers=JSON)
    assert (image.status_code, image.json()) == (200, "89504e47")
    assert (data.status_code, first_error(data)["type"]) == (422, "bytes_type")


async def test_json_read_by_hand_skips_every_check(client_for):
    async def by_hand(request: Request) -> str:
        return (await request.json())["deliver_on"]

    def declared(order: Order) -> str:
        return str(order.deliver_on)

    async def probe(endpoint):
        app = app_with(endpoint)
        async with client_for(app) as client:
            text = {"Content-Type": "text/plain"}
            broken = await client.post("/", content=b"{", headers=JSON)
            wrong = await client.post("/", json={"deliver_on": "never"})
            plain = await client.post("/", json=ORDER, headers=text)
        documented = "requestBody" in app.openapi()["paths"]["/"]["post"]
        codes = [answer.status_code for answer in (broken, wrong, plain)]
        return codes, documented

    assert await probe(by_hand) == ([500, 200, 200], False)
    assert await probe(declared) == ([422, 422, 422], True)


async def test_a_dependency_runs_after_the_json_is_read_and_before_it_is_checked(
    client_for,
):
    def refuse():
        raise HTTPException(401)

    def endpoint(order: Order, user: Annotated[None, Depends(refuse)]) -> str:
        return "never"

    async with client_for(app_with(endpoint)) as client:
        broken = await client.post("/", content=b"{", headers=JSON)
        invalid = await client.post("/", json={})
    assert (broken.status_code, invalid.status_code) == (422, 401)


async def test_without_a_limit_a_large_body_is_read(client):
    answer = await client.put(
        REPLACE, json=ORDER | {"note": "x" * 2_000_000}, headers=TILL
    )
    assert (answer.status_code, len(answer.json()["body"])) == (200, 2_000_000)


# How the app one would ship behaves


async def test_a_patch_changes_what_was_sent_and_nothing_else(shop):
    async with shop() as client:

        async def patch(changes):
            answer = await client.patch("/customers/1", json=changes)
            return answer.status_code, answer.json()

        stored = ADA | {"phone": None}
        assert await patch({}) == (200, stored)
        assert await patch({"name": "Grace"}) == (200, stored | {"name": "Grace"})
        moved = {"street": "Main 1", "city": "Basel"}
        status, body = await patch({"address": {"city": "Basel"}})
        assert (status, body["address"]) == (200, moved)
        status, body = await patch({"phone": "031", "email": None})
        assert (status, body["phone"], body["email"]) == (200, "031", None)


async def test_a_patch_that_breaks_a_rule_of_the_whole_is_a_422_and_stores_nothing(
    shop,
):
    async with shop() as client:
        answer = await client.patch("/customers/1", json={"email": None})
        assert answer.status_code == 422
        assert answer.json()["detail"] == [
            {
                "type": "value_error",
                "loc": ["body"],
                "msg": "Value error, give an email or a phone number",
            }
        ]
        again = await client.patch("/customers/1", json={})
    assert again.json()["email"] == "ada@example.com"


async def test_a_put_replaces_and_forgets_what_is_not_sent(shop):
    async with shop() as client:
        body = {"name": "Ada", "phone": "031", "address": ADA["address"]}
        answer = await client.put("/customers/1", json=body)
        partial = await client.put("/customers/1", json={"name": "Grace"})
    assert (answer.status_code, answer.json()["email"]) == (200, None)
    assert (partial.status_code, first_error(partial)["loc"]) == (
        422,
        ["body", "address"],
    )


async def test_patching_nobody_is_a_404(shop):
    async with shop() as client:
        answer = await client.patch("/customers/2", json={})
    assert (answer.status_code, answer.json()) == (
        404,
        {"detail": "There is no customer 2"},
    )


async def test_missing_stays_out_of_the_schema_and_of_the_dump():
    schema = real.CustomerPatch.model_json_schema()
    assert "required" not in schema
    assert schema["properties"]["name"] == {
        "maxLength": 80,
        "minLength": 1,
        "title": "Name",
        "type": "string",
    }
    assert {"type": "null"} in schema["properties"]["phone"]["anyOf"]
    assert real.CustomerPatch.model_validate({"phone": None}).model_dump() == {
        "phone": None
    }


async def test_a_signed_event_needs_no_content_type(shop, monkeypatch):
    monkeypatch.setenv("WEBHOOK_SECRET", KEY)
    body = b'{"id": "e1", "amount": 1.50}'
    async with shop() as client:

        async def status(body, headers):
            return (
                await client.post("/events", content=body, headers=headers)
            ).status_code

        assert await status(body, signature(body)) == 202
        assert (
            await status(body, signature(body) | {"Content-Type": "text/plain"})
            == 422
        )
        assert await status(body, signature(body, "other")) == 401
        assert await status(body + b" ", signature(body)) == 401
        assert await status(body, {"X-Signature": "é".encode("latin-1")}) == 401


async def test_a_body_over_the_limit_of_the_router_is_a_413(shop, monkeypatch):
    monkeypatch.setenv("WEBHOOK_SECRET", KEY)

    async def chunks():
        for _ in range(65):
            yield b" " * 1024

    async with shop() as client:

        async def probe(content):
            headers = {"X-Signature": "x"}
            answer = await client.post("/events", content=content, headers=headers)
            return answer.status_code, answer.text

        announced = await probe(b" " * 65 * 1024)
        chunked = await probe(chunks())
    assert announced == (413, "Content Too Large")
    assert chunked == (413, '{"detail":"Content Too Large"}')


# One proof per gotcha


async def test_scalar_reads_the_query(client_for):
    def trap(coupon: str) -> str:
        return coupon

    def fix(coupon: Annotated[str, Body(embed=True)]) -> str:
        return coupon

    class Redemption(BaseModel):
        coupon: str

    def model_fix(redemption: Redemption) -> str:
        return redemption.coupon

    async def probe(endpoint):
        async with client_for(app_with(endpoint)) as client:
            answer = await client.post("/", json={"coupon": "SPRING"})
        return answer.json() if answer.is_success else first_error(answer)["loc"]

    assert await probe(trap) == ["query", "coupon"]
    assert await probe(fix) == "SPRING"
    assert await probe(model_fix) == "SPRING"


async def test_body_without_json_header(client):
    async def probe(headers):
        body = json.dumps(ORDER)
        answer = await client.post("/orders", content=body, headers=headers)
        if answer.is_success:
            return answer.status_code
        return first_error(answer)["type"], first_error(answer)["input"] == body

    stayed_text = ("model_attributes_type", True)
    assert await probe({}) == stayed_text
    assert (
        await probe({"Content-Type": "application/x-www-form-urlencoded"})
        == stayed_text
    )
    assert await probe({"Content-Type": "text/plain;charset=UTF-8"}) == stayed_text
    assert await probe(JSON) == 200


async def test_second_body_moves_the_first(client_for):
    def before(line: Line) -> str:
        return line.product

    def trap(line: Line, gift: Annotated[bool, Body()] = False) -> str:
        return line.product

    def reason(why: Annotated[str | None, Body()] = None) -> str | None:
        return why

    def dependency_trap(
        line: Line, why: Annotated[str | None, Depends(reason)]
    ) -> str:
        return line.product

    class GiftLine(Line):
        gift: bool = False

    def fix(line: GiftLine) -> str:
        return line.product

    async def probe(endpoint):
        async with client_for(app_with(endpoint)) as client:
            answer = await client.post(
                "/", json={"product": "tea", "price": "4.50"}
            )
        return answer.json() if answer.is_success else first_error(answer)["loc"]

    assert await probe(before) == "tea"
    assert await probe(trap) == ["body", "line"]
    assert await probe(dependency_trap) == ["body", "line"]
    assert await probe(fix) == "tea"


async def test_a_body_embedded_from_the_start_can_get_a_neighbor(client_for):
    def before(line: Annotated[Line, Body(embed=True)]) -> str:
        return line.product

    def after(line: Line, gift: Annotated[bool, Body()] = False) -> str:
        return line.product

    for endpoint in (before, after):
        async with client_for(app_with(endpoint)) as client:
            line = {"product": "tea", "price": "4.50"}
            answer = await client.post("/", json={"line": line})
        assert (answer.status_code, answer.json()) == (200, "tea")


async def test_patch_wipes_unsent_fields(client_for):
    class Patch(BaseModel):
        name: str | None = None
        phone: str | None = None

    async def probe(**options):
        def endpoint(patch: Patch) -> dict[str, str | None]:
            return {"name": "Ada", "phone": "031"} | patch.model_dump(**options)

        async with client_for(app_with(endpoint, "patch")) as client:
            renamed = (await client.patch("/", json={"name": "Grace"})).json()
            cleared = (await client.patch("/", json={"phone": None})).json()
        return renamed["phone"], cleared["phone"]

    assert await probe() == (None, None)
    assert await probe(exclude_none=True) == ("031", "031")
    assert await probe(exclude_unset=True) == ("031", None)


async def test_null_reaches_the_column(client_for):
    db = sqlite3.connect(":memory:", check_same_thread=False)
    db.execute("CREATE TABLE customers (name TEXT NOT NULL, phone TEXT)")
    db.execute("INSERT INTO customers VALUES ('Ada', '031')")

    class Trap(BaseModel):
        name: str | None = None
        phone: str | None = None

    class Fix(BaseModel):
        name: str | MISSING = MISSING
        phone: str | MISSING | None = MISSING

    class OlderFix(BaseModel):
        name: str = ""
        phone: str | None = None

    async def probe(model):
        def endpoint(patch: model) -> str:
            for column, value in patch.model_dump(exclude_unset=True).items():
                db.execute(f"UPDATE customers SET {column} = ?", [value])
            return "stored"

        async with client_for(app_with(endpoint, "patch")) as client:
            bodies = [{"name": None}, {"phone": None}, {}]
            return [
                (await client.patch("/", json=body)).status_code for body in bodies
            ]

    with pytest.raises(sqlite3.IntegrityError, match="NOT NULL constraint failed"):
        db.execute("UPDATE customers SET name = NULL")
    assert await probe(Trap) == [500, 200, 200]
    assert await probe(Fix) == [422, 200, 200]
    assert await probe(OlderFix) == [422, 200, 200]


async def test_patched_copy_is_not_validated(client_for):
    stored = real.Customer.model_validate(ADA)

    def copied(patch):
        return stored.model_copy(update=patch.model_dump())

    def shallow(patch):
        data = stored.model_dump() | patch.model_dump()
        try:
            return real.Customer.model_validate(data)
        except ValueError as error:
            raise HTTPException(422, str(error)) from None

    async def probe(apply):
        def endpoint(patch: real.CustomerPatch) -> str:
            customer = apply(patch)
            return f"{customer.address.street}, {customer.address.city}"

        async with client_for(app_with(endpoint, "patch")) as client:
            moved = await client.patch("/", json={"address": {"city": "Basel"}})
            unreachable = await client.patch("/", json={"email": None})
        found = moved.json() if moved.is_success else moved.status_code
        return found, unreachable.status_code

    assert await probe(copied) == (500, 200)
    assert await probe(shallow) == (422, 422)
    assert await probe(lambda patch: real.patched(stored, patch)) == (
        "Main 1, Basel",
        422,
    )


def test_a_copy_with_a_nested_change_holds_a_dict():
    stored = real.Customer.model_validate(ADA)
    copy = stored.model_copy(update={"address": {"city": "Basel"}})
    with pytest.raises(
        AttributeError, match="'dict' object has no attribute 'street'"
    ):
        _ = copy.address.street


async def test_signature_needs_the_raw_bytes(client_for, monkeypatch):
    monkeypatch.setenv("WEBHOOK_SECRET", KEY)
    sent = b'{"amount": 1.50, "id": "e1"}'

    async def of_the_model(
        event: real.Event, x_signature: Annotated[str, Header()]
    ):
        body = event.model_dump_json().encode()
        if x_signature != signature(body)["X-Signature"]:
            raise HTTPException(401)

    async def of_the_parsed_json(
        request: Request, x_signature: Annotated[str, Header()]
    ):
        body = json.dumps(await request.json()).encode()
        if x_signature != signature(body)["X-Signature"]:
            raise HTTPException(401)

    async def probe(check):
        app = FastAPI()

        @app.post("/", dependencies=[Depends(check)])
        def receive(event: real.Event) -> str:
            return event.id

        async with client_for(app) as client:
            headers = JSON | signature(sent)
            return (
                await client.post("/", content=sent, headers=headers)
            ).status_code

    assert await probe(of_the_model) == 401
    assert await probe(of_the_parsed_json) == 401
    assert await probe(real.signed) == 200


async def test_error_echoes_the_body(client_for):
    class Login(BaseModel):
        email: str
        password: str
        score: float = 0

    def endpoint(login: Login) -> str:
        return "ok"

    async def probe(app):
        async with client_for(app) as client:
            incomplete = await client.post("/", json={"password": "hunter2"})
            bodies = ['{"score": NaN}', '{"score": 1e999}']
            sent = [await client.post("/", content=b, headers=JSON) for b in bodies]
        assert incomplete.status_code == 422
        assert first_error(incomplete)["loc"] == ["body", "email"]
        return "hunter2" in incomplete.text, [each.status_code for each in sent]

    with pytest.raises(ValueError, match="Out of range float values are not JSON"):
        JSONResponse({"input": float("nan")})
    trap, fix = app_with(endpoint), app_with(endpoint)
    fix.exception_handler(real.RequestValidationError)(real.refuse)
    assert await probe(trap) == (True, [500, 500])
    assert await probe(fix) == (False, [422, 422])
