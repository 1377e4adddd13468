import json
import threading
from contextlib import suppress
from dataclasses import asdict, dataclass
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Annotated, Any, Literal

import kinds
import main
import measure
import pytest
import real
from fastapi import Depends, FastAPI, Response
from fastapi import routing as fastapi_routing
from fastapi.exceptions import (
    FastAPIDeprecationWarning,
    FastAPIError,
    ResponseValidationError,
)
from fastapi.responses import JSONResponse, ORJSONResponse, UJSONResponse
from pydantic import (
    BaseModel,
    ConfigDict,
    Field,
    SecretStr,
    SerializeAsAny,
    field_serializer,
    field_validator,
)

ADA = {"id": 1, "name": "Ada"}
HASH = main.USERS[0].password_hash


@pytest.fixture(autouse=True)
def fresh():
    """Leave the stores as they were found."""
    yield
    del main.USERS[1:]
    real.USERS.clear()
    kinds.DRAFTS.clear()


@pytest.fixture
def answer(client_for):
    """Return what an app with one GET route answers; the route is made here."""

    async def get(returns, annotation=None, *, app=None, query="", **options):
        app = app or FastAPI()
        if callable(returns) and not isinstance(returns, type):
            endpoint = returns
        else:

            def endpoint():
                return returns

        if annotation is not None:
            endpoint.__annotations__["return"] = annotation
        app.get("/", **options)(endpoint)
        async with client_for(app) as http:
            return await http.get("/" + query)

    return get


# How the small app behaves


async def test_without_a_declaration_the_whole_object_leaves(client):
    response = await client.get("/careless")
    assert response.status_code == 200
    assert response.json() == ADA | {"password_hash": HASH}


async def test_a_response_model_and_a_return_type_send_the_same_body(client):
    filtered, built = await client.get("/filtered"), await client.get("/built")
    assert filtered.status_code == built.status_code == 200
    assert filtered.json() == built.json() == ADA


async def test_a_created_user_comes_back_without_the_password(client):
    new = {"name": "Grace", "password": "correct horse"}
    response = await client.post("/users", json=new)
    assert response.status_code == 201
    assert response.json() == {"id": 2, "name": "Grace"}
    assert main.passwords.verify("correct horse", main.USERS[1].password_hash)


async def test_the_declaration_is_the_documented_schema(client):
    paths = (await client.get("/openapi.json")).json()["paths"]

    def schema(path):
        return paths[path]["get"]["responses"]["200"]["content"]

    user = {
        "application/json": {"schema": {"$ref": "#/components/schemas/UserOut"}}
    }
    assert schema("/filtered") == schema("/built") == user
    assert schema("/careless") == {"application/json": {"schema": {}}}


# How the real app behaves

GRACE = {"name": "Grace", "nickname": None, "password": "correct horse"}


async def test_each_reader_gets_a_model_of_its_own(client_for):
    async with client_for(real.app) as http:
        created = await http.post("/users", json=GRACE)
        assert created.status_code == 201
        assert created.headers["location"] == "/users/1"
        public = {"name": "Grace", "nickname": None, "id": 1}
        assert created.json() == public
        assert (await http.get("/users/1")).json() == public
        assert (await http.get("/users")).json() == [public]
        [admin] = (await http.get("/admin/users")).json()
        assert admin.keys() == public.keys() | {"joined", "blocked"}
        missing = await http.get("/users/2")
        assert (missing.status_code, missing.json()) == (
            404,
            {"detail": "No such user"},
        )


async def test_rules_for_input_are_rules_for_input_only(client_for):
    async with client_for(real.app) as http:
        short = GRACE | {"name": "G", "password": "short"}
        refused = await http.post("/users", json=short)
        assert refused.status_code == 422
        real.USERS[1] = real.User(1, "G", None, "hash")
        assert (await http.get("/users/1")).json()["name"] == "G"


async def test_responses_declares_and_checks_nothing(answer):
    def not_what_was_promised():
        return JSONResponse({"error": 7}, status_code=404)

    response = await answer(
        not_what_was_promised, responses={404: {"model": real.Problem}}
    )
    assert (response.status_code, response.json()) == (404, {"error": 7})


def test_the_guard_names_every_route_that_may_leak():
    class UserOut(real.UserIn):
        id: int

    class Team(BaseModel):
        members: list[UserOut]
        parent: "Team | None" = None

    class Open(BaseModel):
        model_config = ConfigDict(extra="allow")

    class Described(BaseModel):
        extra: Any = Field(None, description="whatever it is")

    class Harmless(BaseModel):
        title: str

    class AlsoHarmless(BaseModel):
        labels: dict[str, str] = {}

    app = FastAPI()

    def declare(path, annotation, **options):
        def endpoint():
            """Never called."""

        if annotation:
            endpoint.__annotations__["return"] = annotation
        app.get(path, **options)(endpoint)

    declare("/inherits", UserOut)
    declare("/nested", list[Team])
    declare("/dict", dict[str, Any])
    declare("/any", Any)
    declare("/open", Open)
    declare("/described", Described)
    declare("/nothing", None)
    declare("/fine", list[real.UserOut])
    declare("/harmless", Harmless)
    declare("/also-harmless", AlsoHarmless)
    declare("/empty", None, status_code=204)
    declare("/hidden", None, include_in_schema=False)
    assert list(real.leaks(app)) == [
        "GET /inherits may send password",
        "GET /nested may send password",
        "GET /dict may send anything",
        "GET /any may send anything",
        "GET /open may send anything",
        "GET /described may send anything",
        "GET /nothing may send anything",
    ]
    assert list(real.leaks(real.app)) == []
    assert list(real.leaks(main.app)) == ["GET /careless may send anything"]
    assert list(real.leaks(kinds.app)) == ["GET /cached may send anything"]


# Responses of several kinds


async def test_each_kind_of_response_says_what_it_is(client_for, shown):
    requests = [
        ("GET", "/notes.txt"),
        ("GET", "/source"),
        ("GET", "/old-notes"),
        ("GET", "/cached"),
        ("GET", "/payments"),
        ("PUT", "/drafts/a?text=first"),
        ("PUT", "/drafts/a?text=second"),
        ("GET", "/exports/1"),
        ("GET", "/exports/2"),
    ]
    told = ("content-type", "content-disposition", "location", "set-cookie")
    lines, answers = [], {}
    async with client_for(kinds.app) as http:
        for method, path in requests:
            response = await http.request(method, path)
            lines.append(f"{method} {path} -> {response.status_code}")
            for name in (*told, "retry-after"):
                if name in response.headers:
                    lines.append(f"    {name}: {response.headers[name]}")
            body = "(the file)" if path == "/source" else response.text
            lines += [f"    {line}" for line in body.splitlines()]
            answers[path] = response
    shown("kinds", "\n".join(lines) + "\n")

    assert answers["/source"].text == Path(kinds.__file__).read_text("utf-8")
    assert [answers[path].status_code for _, path in requests] == [
        *(200, 200, 308, 200, 200, 201, 200, 200, 202)
    ]


async def test_a_response_class_in_the_decorator_documents_the_kind():
    paths = kinds.app.openapi()["paths"]

    def documented(path):
        return {
            code: list(response.get("content", {}))
            for code, response in paths[path]["get"]["responses"].items()
        }

    assert documented("/notes.txt") == {"200": ["text/plain"]}
    assert documented("/source") == {"200": []}
    assert documented("/old-notes") == {"308": []}
    assert documented("/cached") == {"200": ["application/json"]}


async def test_a_dependency_can_set_headers_and_status_too(answer):
    def rate_limit(response: Response):
        response.headers["X-Left"] = "9"
        response.status_code = 202

    response = await answer(ADA, main.UserOut, dependencies=[Depends(rate_limit)])
    assert (response.status_code, response.json()) == (202, ADA)
    assert response.headers["x-left"] == "9"


# What decides, and in which order


async def test_response_model_beats_the_annotation_and_none_switches_both_off(
    answer,
):
    user = real.User(1, "Ada", None, "hash", joined=datetime.now(UTC))
    public, admin = real.UserOut, real.UserForAdmins

    async def names(annotation, **options):
        return set((await answer(user, annotation, **options)).json())

    assert await names(public) == {"id", "name", "nickname"}
    assert await names(admin, response_model=public) == await names(public)
    assert await names(public, response_model=admin) == await names(admin)
    assert "password_hash" in await names(public, response_model=None)


async def test_an_instance_of_a_subclass_is_cut_down_to_the_declared_class(answer):
    class Stored(main.UserOut):
        password_hash: str

    class Team(BaseModel):
        members: list[main.UserOut]

    class Duck(BaseModel):
        members: list[SerializeAsAny[main.UserOut]]

    stored = Stored(**ADA, password_hash="x")
    assert (await answer(stored, main.UserOut)).json() == ADA
    either = await answer(stored, response_model=main.UserOut)
    assert either.json() == ADA
    assert (await answer({"u": stored}, dict[str, main.UserOut])).json() == {
        "u": ADA
    }
    nested = await answer(Team(members=[stored]), Team)
    assert nested.json() == {"members": [ADA]}

    leak = {"password_hash": "x"}
    duck = await answer(Duck(members=[stored]), Duck)
    assert duck.json() == {"members": [ADA | leak]}
    for annotation in (dict[str, Any], dict, Any):
        assert (await answer({"u": stored}, annotation)).json() == {"u": ADA | leak}


async def test_objects_need_no_from_attributes_in_the_model(answer):
    @dataclass
    class Owner:
        id: int
        name: str

    @dataclass
    class Pet:
        owner: Owner

    class PetOut(BaseModel):
        owner: main.UserOut

    assert "from_attributes" not in main.UserOut.model_config
    assert (await answer(Pet(Owner(**ADA)), PetOut)).json() == {"owner": ADA}


async def test_a_wrong_value_is_a_500_that_says_nothing_to_the_client(
    answer, caplog
):
    response = await answer({"id": 1}, main.UserOut)
    assert (response.status_code, response.text) == (500, "Internal Server Error")


async def test_the_error_names_the_field_and_the_function(client_for):
    app = FastAPI()

    @app.get("/users")
    def read_users() -> main.UserOut:
        return {"id": 1}

    async with client_for(app, raise_app_exceptions=True) as http:
        with pytest.raises(ResponseValidationError) as caught:
            await http.get("/users")
    [error] = caught.value.errors()
    assert (error["type"], error["loc"]) == ("missing", ("response", "name"))
    assert "in read_users" in str(caught.value)
    assert "GET /users" in str(caught.value)


async def test_a_forgotten_return_is_caught_only_by_a_declaration(answer):
    def forgets():
        """Fall off the end."""

    undeclared = await answer(forgets)
    assert (undeclared.status_code, undeclared.json()) == (200, None)
    assert (await answer(forgets, main.UserOut)).status_code == 500


async def test_dicts_and_objects_are_checked_and_finished_models_are_not(answer):
    class Short(BaseModel):
        name: Annotated[str, Field(min_length=2)]

    assert (await answer({"name": "A"}, Short)).status_code == 500
    unchecked = await answer(Short.model_construct(name="A"), Short)
    assert (unchecked.status_code, unchecked.json()) == (200, {"name": "A"})


async def test_a_dict_needs_the_alias_unless_it_is_for_output_only(answer):
    class Both(BaseModel):
        user_id: int = Field(alias="userId")

    class OutputOnly(BaseModel):
        user_id: int = Field(serialization_alias="userId")

    assert (await answer({"user_id": 1}, Both)).status_code == 500
    assert (await answer({"user_id": 1}, OutputOnly)).json() == {"userId": 1}


async def test_a_def_route_is_checked_in_its_thread_and_written_on_the_loop(answer):
    steps = []

    def where(step):
        on_loop = threading.current_thread() is threading.main_thread()
        steps.append((step, "loop" if on_loop else "thread"))

    class Traced(BaseModel):
        a: int

        @field_validator("a")
        @classmethod
        def check(cls, value):
            where("check")
            return value

        @field_serializer("a")
        def write(self, value):
            where("write")
            return value

    def in_a_thread():
        where("route")
        return {"a": 1}

    async def on_the_loop():
        where("route")
        return {"a": 1}

    await answer(in_a_thread, Traced)
    assert steps == [("route", "thread"), ("check", "thread"), ("write", "loop")]
    steps.clear()
    await answer(on_the_loop, Traced)
    assert steps == [("route", "loop"), ("check", "loop"), ("write", "loop")]


async def test_the_order_of_a_union_counts_for_a_common_subclass_only(answer):
    class Stored(real.UserForAdmins):
        password_hash: str

    small, large = real.UserOut, real.UserForAdmins
    day = datetime(2030, 1, 31, tzinfo=UTC)
    user = {"id": 1, "name": "Ada", "joined": day, "blocked": False}
    stored = Stored(**user, password_hash="x")

    async def shows_all(value, union):
        names = (await answer(value, union)).json().keys()
        assert "password_hash" not in names
        return "joined" in names

    assert await shows_all(stored, small | large) is False
    assert await shows_all(stored, large | small) is True
    in_order = Annotated[small | large, Field(union_mode="left_to_right")]
    assert await shows_all(user, small | large) is True
    assert await shows_all(user, in_order) is False


# What is left out


class Profile(BaseModel):
    kind: Literal["profile"] = "profile"
    name: str
    nickname: str | None = None
    tags: list[str] = []


async def test_three_options_leave_out_three_different_things(answer, shown):
    lines = []
    for option in ("", "exclude_unset", "exclude_defaults", "exclude_none"):
        options = {f"response_model_{option}": True} if option else {}
        response = await answer(
            Profile(name="Ada", nickname=None), Profile, **options
        )
        lines.append(f"{option or '(none)':<17} {response.text}")
    shown("left-out", "\n".join(lines) + "\n")
    assert [line.count(":") for line in lines] == [4, 2, 1, 3]


async def test_exclude_unset_finds_every_field_of_a_row_set(answer):
    @dataclass
    class Row:
        name: str
        kind: str = "profile"
        nickname: None = None
        tags: tuple[str, ...] = ()

    options = {"response_model_exclude_unset": True}
    from_a_row = await answer(Row("Ada"), Profile, **options)
    from_a_dict = await answer({"name": "Ada"}, Profile, **options)
    assert len(from_a_row.json()) == 4
    assert from_a_dict.json() == {"name": "Ada"}


async def test_the_options_do_nothing_where_nothing_is_declared(answer):
    async def count(annotation=None, **more):
        options = {"response_model_exclude_unset": True, **more}
        return len(
            (await answer(Profile(name="Ada"), annotation, **options)).json()
        )

    assert await count() == 4
    assert await count(Profile, response_model=None) == 4
    assert await count(Profile) == 1
    assert await count(response_model=Profile) == 1


async def test_leaving_a_field_out_does_not_change_the_documentation(answer):
    app = FastAPI()
    options = {
        "response_model_exclude": {"tags"},
        "response_model_exclude_none": True,
    }
    response = await answer(Profile(name="Ada"), Profile, app=app, **options)
    assert response.json() == {"kind": "profile", "name": "Ada"}
    documented = app.openapi()["components"]["schemas"]["Profile"]["properties"]
    assert documented.keys() == {"kind", "name", "nickname", "tags"}


async def test_a_field_can_be_left_out_or_masked_by_the_model(answer):
    class Stored(BaseModel):
        name: str
        password_hash: str = Field(exclude=True)
        token: SecretStr

    row = {"name": "Ada", "password_hash": "x", "token": "t"}
    response = await answer(row, Stored)
    assert response.json() == {"name": "Ada", "token": "**********"}
    undeclared = await answer(Stored(**row))
    assert undeclared.json() == response.json()


# What is written, and how fast


VALUES = {
    "decimal": Decimal("1.50"),
    "datetime": datetime(2030, 1, 31, 9, tzinfo=UTC),
    "timedelta": timedelta(minutes=90),
    "date": date(2030, 1, 31),
    "nan": float("nan"),
}


async def test_the_same_dict_is_written_in_two_ways(answer, shown):
    lines = [f"{'':<10}{'nothing declared':<29}-> dict"]
    for name, value in VALUES.items():
        bodies = []
        for annotation in (None, dict):
            response = await answer({"": value}, annotation)
            text = response.text.removeprefix('{"":').removesuffix("}")
            ok = response.status_code == 200
            bodies.append(text if ok else str(response.status_code))
        lines.append(f"{name:<10}{bodies[0]:<29}{bodies[1]}")
    shown("written", "\n".join(lines) + "\n")


async def test_inside_a_model_only_nan_depends_on_the_declaration(answer):
    class Values(BaseModel):
        decimal: Decimal
        datetime: datetime
        timedelta: timedelta
        nan: float = 0.0

    values = Values(**VALUES | {"nan": 0.0})
    assert (await answer(values)).text == (await answer(values, Values)).text
    values.nan = float("nan")
    assert (await answer(values)).status_code == 500
    assert (await answer(values, Values)).json()["nan"] is None


async def test_a_declared_route_never_meets_the_slow_encoder(answer, monkeypatch):
    encoder, calls = fastapi_routing.jsonable_encoder, []

    def counted(value, **options):
        calls.append(value)
        return encoder(value, **options)

    monkeypatch.setattr(fastapi_routing, "jsonable_encoder", counted)
    await answer(ADA, main.UserOut)
    await answer(ADA, dict)
    await answer(ADA, Any)
    assert calls == []
    await answer(ADA)
    assert calls == [ADA]


async def test_declaring_a_type_is_several_times_faster():
    ratio = await measure.ratios(rounds=3)
    assert ratio["nothing declared; returns models"] > 3
    assert ratio["nothing declared; returns dicts"] > 3
    by_class = "declared, `response_class=JSONResponse`; returns models"
    assert ratio[by_class] > 1.2


@pytest.mark.parametrize("cls", [ORJSONResponse, UJSONResponse])
async def test_the_classes_for_speed_are_deprecated(cls):
    warned = pytest.warns(FastAPIDeprecationWarning, match="directly to JSON bytes")
    # The instance needs orjson or ujson to be installed; the warning comes first.
    with warned, suppress(AssertionError):
        cls({})
    assert issubclass(FastAPIDeprecationWarning, UserWarning)


# One proof per gotcha


async def test_response_skips_the_filter(answer):
    row = main.USERS[0]

    def hand_made():
        return JSONResponse(asdict(row))

    def returned():
        return row

    async def probe(endpoint):
        response = await answer(endpoint, response_model=main.UserOut)
        return "password_hash" in response.json()

    assert await probe(hand_made) is True
    assert await probe(returned) is False


async def test_union_takes_the_richest_model(answer):
    row = real.User(1, "Ada", None, "x", joined=datetime(2030, 1, 31, tzinfo=UTC))

    async def probe(value):
        names = set()
        for union in (
            real.UserOut | real.UserForAdmins,
            real.UserForAdmins | real.UserOut,
        ):
            names |= (await answer(value, union)).json().keys()
        return names

    public = real.UserOut.model_validate(row, from_attributes=True)
    assert await probe(row) == {"id", "name", "nickname", "joined", "blocked"}
    assert await probe(asdict(row)) == await probe(row)
    assert await probe(public) == {"id", "name", "nickname"}


async def test_subclass_fields_disappear(answer):
    class Payment(BaseModel):
        kind: str

    class Card(Payment):
        kind: Literal["card"] = "card"
        last_digits: str

    class Invoice(Payment):
        kind: Literal["invoice"] = "invoice"
        due: date

    async def probe(item):
        response = await answer(
            [Card(last_digits="4242"), Invoice(due=date(2030, 1, 31))], list[item]
        )
        return [sorted(payment) for payment in response.json()]

    union = Annotated[Card | Invoice, Field(discriminator="kind")]
    assert await probe(Payment) == [["kind"], ["kind"]]
    assert await probe(union) == [["kind", "last_digits"], ["due", "kind"]]


async def test_input_rules_break_old_rows(answer):
    class Fields(BaseModel):
        name: Annotated[str, Field(min_length=2)]

    class InheritsTheRule(Fields):
        id: int

    async def probe(model):
        return (await answer({"id": 1, "name": "A"}, model)).status_code

    assert await probe(InheritsTheRule) == 500
    assert await probe(main.UserOut) == 200


async def test_exclude_unset_drops_a_default(answer):
    async def probe(**options):
        return (await answer(Profile(name="Ada"), Profile, **options)).json()

    assert "kind" not in await probe(response_model_exclude_unset=True)
    fixed = await probe(response_model_exclude_none=True)
    assert fixed == {"kind": "profile", "name": "Ada", "tags": []}


async def test_headers_set_on_the_way_are_lost(answer):
    def set_all(response):
        response.headers["X-Total"] = "1"
        response.set_cookie("seen", "yes")

    def another_response(response: Response):
        set_all(response)
        return JSONResponse([ADA])

    def plain_value(response: Response):
        set_all(response)
        return [ADA]

    def set_on_the_one_returned():
        response = JSONResponse([ADA], status_code=201)
        set_all(response)
        return response

    async def probe(endpoint):
        response = await answer(endpoint, status_code=201)
        present = {"x-total", "set-cookie"} & response.headers.keys()
        return response.status_code, len(present)

    assert await probe(another_response) == (200, 0)
    assert await probe(plain_value) == (201, 2)
    assert await probe(set_on_the_one_returned) == (201, 2)


async def test_response_or_model_does_not_start(answer):
    def export(late: bool = False):
        if late:
            return JSONResponse({"state": "queued"}, status_code=202)
        return ADA | {"password_hash": "x"}

    async def probe(**options):
        try:
            late = await answer(
                export, main.UserOut | JSONResponse, query="?late=1", **options
            )
            done = await answer(export, **options)
        except FastAPIError as error:
            return str(error).partition("!")[0]
        return late.status_code, done.json()

    assert await probe() == "Invalid args for response field"
    assert await probe(response_model=main.UserOut) == (202, ADA)
    unfiltered = (202, ADA | {"password_hash": "x"})
    assert await probe(response_model=None) == unfiltered


async def test_json_text_is_quoted_twice(answer):
    text = json.dumps(ADA)

    async def probe(returned):
        return type((await answer(returned)).json())

    assert await probe(text) is str
    assert await probe(ADA) is dict
    assert await probe(Response(text, media_type="application/json")) is dict


async def test_annotation_changes_the_wire(answer):
    class Price(BaseModel):
        amount: Annotated[Decimal, Field(decimal_places=2)]

        @field_serializer("amount")
        def number(self, amount: Decimal) -> float:
            return float(amount)

    async def probe(annotation):
        return (await answer({"amount": Decimal("1.50")}, annotation)).text

    before = '{"amount":1.5}'
    assert await probe(None) == before
    for annotation in (dict[str, Decimal], dict[str, Any]):
        assert await probe(annotation) == '{"amount":"1.50"}'
    assert await probe(Price) == before


async def test_response_class_leaves_the_fast_path(answer):
    class Reading(BaseModel):
        value: float

    reading = Reading(value=float("nan"))

    async def probe(app):
        response = await answer(reading, Reading, app=app)
        return response.status_code, response.text

    trap = FastAPI(default_response_class=JSONResponse)
    assert await probe(trap) == (500, "Internal Server Error")
    with pytest.raises(ValueError, match="Out of range float values are not JSON"):
        JSONResponse({"value": float("nan")})
    assert await probe(FastAPI()) == (200, '{"value":null}')
