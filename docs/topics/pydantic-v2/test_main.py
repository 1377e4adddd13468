import json
import warnings
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from types import SimpleNamespace
from typing import Annotated, Any, Literal, Optional, Self, Union

import measure
import pydantic
import pytest
import real
from fastapi import Body, FastAPI
from fastapi.exceptions import PydanticV1NotSupportedError
from main import app
from pydantic import (
    MISSING,
    AfterValidator,
    AliasChoices,
    AliasPath,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    PlainValidator,
    PydanticDeprecatedSince20,
    PydanticDeprecatedSince211,
    PydanticDeprecatedSince212,
    PydanticUserError,
    RootModel,
    TypeAdapter,
    ValidationError,
    WrapValidator,
    computed_field,
    constr,
    create_model,
    field_serializer,
    field_validator,
    model_serializer,
    model_validator,
    root_validator,
    v1,
    validator,
)

LOCKER = {"kind": "locker", "number": 12}
SENT = {"code": " px-17 ", "sizeCm": [40, 30, 20], "deliverTo": LOCKER}
PICKED = {"kind": "picked", "at": "2026-11-22T10:00:00+01:00"}


def app_with(endpoint, method="post"):
    api = FastAPI()
    api.add_api_route("/", endpoint, methods=[method.upper()])
    return api


@pytest.fixture
def send(client_for):
    """Send JSON to a route with this body type; give the answer."""

    async def send(kind, value):
        def endpoint(body: Annotated[kind, Body()]) -> Any:
            return repr(body)

        async with client_for(app_with(endpoint)) as client:
            return await client.post("/", json=value)

    return send


@pytest.fixture
def carrier(client_for):
    yield lambda: client_for(real.app)
    real.stored.clear()


def summary(answer):
    return [(each["type"], each["loc"]) for each in answer.json()["detail"]]


def outcome(call):
    """The result of a call, or the name of what it raised."""
    try:
        return call()
    except ValidationError as error:
        return error.errors()[0]["type"]


# How the small app behaves


async def test_a_parcel_comes_back_tidied_sorted_and_measured(client):
    sent = SENT | {"labels": ["fragile", "cold"]}
    answer = await client.post("/parcels", json=sent)
    assert answer.status_code == 201
    assert answer.json() == {
        "code": "PX-17",
        "sizeCm": [40, 30, 20],
        "labels": ["cold", "fragile"],
        "deliverTo": LOCKER,
        "liters": 24.0,
    }


async def test_a_rule_of_the_whole_parcel_fails_at_the_body(client):
    answer = await client.post("/parcels", json=SENT | {"sizeCm": [90, 10, 10]})
    (error,) = answer.json()["detail"]
    assert answer.status_code == 422
    assert (error["loc"], error["msg"]) == (
        ["body"],
        "Value error, too long for a locker",
    )


async def test_a_home_without_a_street_is_one_error_of_the_home(client):
    sent = SENT | {"deliverTo": {"kind": "home", "number": 12}}
    answer = await client.post("/parcels", json=sent)
    assert answer.status_code == 422
    assert summary(answer) == [("missing", ["body", "deliverTo", "home", "street"])]


async def test_a_code_that_is_no_text_is_refused_by_the_type(client):
    answer = await client.post("/parcels", json=SENT | {"code": 17})
    assert summary(answer) == [("string_type", ["body", "code"])]


def test_the_docs_have_one_schema_for_each_direction():
    schemas = app.openapi()["components"]["schemas"]
    assert "liters" not in schemas["Parcel-Input"]["properties"]
    assert schemas["Parcel-Output"]["properties"]["liters"]["readOnly"]
    assert "liters" in schemas["Parcel-Output"]["required"]


# Order and modes of validators


def test_the_order_of_validators(shown):
    seen = []

    def say(step, value):
        seen.append(f"{step:24} {value!r}")
        return value

    def before(name):
        return BeforeValidator(lambda value: say(f"  before {name}", value))

    def after(name):
        return AfterValidator(lambda value: say(f"  after  {name}", value))

    def around(name):
        def wrap(value, handler):
            say(f"  wrap   {name}, in", value)
            return say(f"  wrap   {name}, out", handler(value))

        return WrapValidator(wrap)

    class Model(BaseModel):
        x: Annotated[
            int,
            before("1"),
            after("2"),
            around("3"),
            before("4"),
            after("5"),
        ]

        @field_validator("x", mode="before")
        @classmethod
        def first(cls, value: Any) -> Any:
            return say("  before, decorator", value)

        @field_validator("x")
        @classmethod
        def last(cls, value: int) -> int:
            return say("  after,  decorator", value)

        @model_validator(mode="before")
        @classmethod
        def raw(cls, data: Any) -> Any:
            return say("model before", data)

        @model_validator(mode="wrap")
        @classmethod
        def whole(cls, data: Any, handler: Any) -> Self:
            say("model wrap, in", data)
            return say("model wrap, out", handler(data))

        @model_validator(mode="after")
        def done(self) -> Self:
            return say("model after", self)

    Model.model_validate({"x": "7"})
    shown("order", "\n".join(seen))


def test_a_plain_validator_replaces_the_type_and_its_schema():
    def probe(note):
        adapter = TypeAdapter(Annotated[int, note])
        return outcome(lambda: adapter.validate_python("x")), adapter.json_schema()

    assert probe(PlainValidator(str.upper)) == ("X", {})
    assert probe(AfterValidator(abs)) == ("int_parsing", {"type": "integer"})


def test_a_plain_validator_drops_the_limits_to_its_left_only():
    plain, limit = PlainValidator(int), Field(ge=5)

    def probe(*notes):
        adapter = TypeAdapter(Annotated[int, *notes])
        return outcome(lambda: adapter.validate_python("1"))

    assert probe(limit, plain) == 1
    assert probe(plain, limit) == "greater_than_equal"


def test_an_after_validator_changes_what_a_later_limit_sees():
    strip, limit = AfterValidator(str.strip), Field(min_length=2)

    def probe(*notes):
        adapter = TypeAdapter(Annotated[str, *notes])
        return outcome(lambda: adapter.validate_python(" a "))

    assert probe(limit, strip) == "a"
    assert probe(strip, limit) == "too_short"


async def test_a_validator_may_be_a_class_static_or_bare_method(send):
    class Bare(BaseModel):
        name: str

        @field_validator("name")
        def upper(cls, value: str) -> str:  # noqa: N805
            return value.upper()

    class Explicit(BaseModel):
        name: str

        @field_validator("name")
        @classmethod
        def upper(cls, value: str) -> str:
            return value.upper()

    class Static(BaseModel):
        name: str

        @field_validator("name")
        @staticmethod
        def upper(value: str) -> str:
            return value.upper()

    class Before(BaseModel):
        name: str

        @model_validator(mode="before")
        def upper(cls, data: Any) -> Any:  # noqa: N805
            return {"name": data["name"].upper()}

    for model in (Bare, Explicit, Static, Before):
        assert model(name="ada").name == "ADA"
        answer = await send(model, {"name": "ada"})
        assert "ADA" in answer.json()


def test_a_subclass_inherits_a_decorated_validator():
    class Child(Old):
        @field_validator("n")
        @classmethod
        def double(cls, value: int) -> int:
            return value * 2

    class Grandchild(Child):
        pass

    assert Grandchild(n=2).n == 4


def test_a_validator_with_self_is_refused_when_the_class_is_built():
    with pytest.raises(PydanticUserError, match="cannot be applied to instance"):

        class Model(BaseModel):
            name: str

            @field_validator("name")
            def upper(self, value: str) -> str:
                return value.upper()


def test_context_reaches_validators_and_serializers_of_one_call():
    class Price(BaseModel):
        cents: int

        @field_validator("cents")
        @classmethod
        def rounded(cls, cents: int, info: pydantic.ValidationInfo) -> int:
            step = (info.context or {}).get("step", 1)
            return cents // step * step

        @field_serializer("cents")
        def text(self, cents: int, info: pydantic.SerializationInfo) -> str:
            return f"{cents / 100:.2f} {(info.context or {}).get('currency', '')}"

    price = Price.model_validate({"cents": 1234}, context={"step": 10})
    assert price.cents == 1230
    assert price.model_dump(context={"currency": "EUR"}) == {"cents": "12.30 EUR"}


async def test_fastapi_passes_no_context(send):
    seen = []

    class Model(BaseModel):
        n: int

        @field_validator("n")
        @classmethod
        def note(cls, n: int, info: pydantic.ValidationInfo) -> int:
            seen.append(info.context)
            return n

    assert (await send(Model, {"n": 1})).status_code == 200
    assert seen == [None]


# Serializers and computed fields


def test_what_each_dump_writes(shown):
    class Event(BaseModel):
        day: date
        labels: set[str]
        seats: int

        @field_serializer("labels")
        def in_order(self, labels: set[str]) -> list[str]:
            return sorted(labels)

        @field_serializer("day", when_used="json")
        def short(self, day: date) -> str:
            return f"{day:%d.%m.%y}"

        @computed_field
        @property
        def full(self) -> bool:
            return self.seats == 0

    event = Event(day=date(2026, 12, 24), labels={"b", "a"}, seats=0)
    rows = {
        "model_dump()": event.model_dump(),
        'model_dump(mode="json")': event.model_dump(mode="json"),
        "model_dump_json()": event.model_dump_json(),
        "model_dump(round_trip=True)": event.model_dump(round_trip=True),
    }
    shown("dumps", "\n".join(f"{name}\n  {row}" for name, row in rows.items()))


def test_a_model_serializer_may_wrap_the_usual_output():
    class Point(BaseModel):
        x: int
        y: int

        @computed_field
        @property
        def steps(self) -> int:
            return self.x + self.y

        @model_serializer(mode="wrap")
        def tagged(self, handler: Any) -> dict[str, Any]:
            return {"type": "point"} | handler(self)

    class Short(Point):
        @model_serializer
        def text(self) -> str:
            return f"{self.x},{self.y}"

    dumped = Point(x=1, y=2).model_dump()
    assert dumped == {"type": "point", "x": 1, "y": 2, "steps": 3}
    assert Short(x=1, y=2).model_dump() == "1,2"


def test_docs_take_the_annotation_and_computed_fields_run_at_each_dump():
    calls = []

    class Event(BaseModel):
        day: date

        @field_serializer("day")
        def year(self, day: date) -> int:
            return day.year

        @computed_field
        @property
        def count(self) -> int:
            calls.append(1)
            return len(calls)

    properties = Event.model_json_schema(mode="serialization")["properties"]
    assert properties["day"]["type"] == "integer"
    event = Event(day=date(2026, 12, 24))
    assert [event.model_dump()["count"] for _ in range(2)] == [1, 2]


def test_a_subclass_keeps_its_fields_only_if_asked_for():
    class Payment(BaseModel):
        cents: int

    class Card(Payment):
        digits: str

    class Order(BaseModel):
        payment: Payment

    order = Order(payment=Card(cents=1, digits="4242"))
    assert order.model_dump() == {"payment": {"cents": 1}}
    kept = order.model_dump(polymorphic_serialization=True)
    assert kept == {"payment": {"cents": 1, "digits": "4242"}}


# Unions


def test_a_discriminator_shortens_the_errors(shown):
    class Home(BaseModel):
        kind: Literal["home"]
        street: str

    class Locker(BaseModel):
        kind: Literal["locker"]
        number: int

    class Plain(BaseModel):
        to: Home | Locker

    class Tagged(BaseModel):
        to: Annotated[Home | Locker, Field(discriminator="kind")]

    lines = []
    for sent in ({"kind": "home"}, {"kind": "cellar"}, {}):
        lines.append(f"# {sent}")
        for model in (Plain, Tagged):
            with pytest.raises(ValidationError) as caught:
                model.model_validate({"to": sent})
            for error in caught.value.errors():
                loc = ".".join(map(str, error["loc"]))
                lines.append(f"{model.__name__:7} {error['type']:20} {loc}")
    shown("unions", "\n".join(lines))


def test_a_plain_text_field_is_no_discriminator():
    class Loose(BaseModel):
        kind: str

    class Exact(BaseModel):
        kind: Literal["exact"]

    with pytest.raises(PydanticUserError, match="to be of type `Literal`"):
        TypeAdapter(Annotated[Loose | Exact, Field(discriminator="kind")])


def test_smart_mode_prefers_the_exact_type_and_left_to_right_the_first():
    smart = TypeAdapter(int | str)
    first = TypeAdapter(Annotated[int | str, Field(union_mode="left_to_right")])
    assert smart.validate_python("7") == "7"
    assert first.validate_python("7") == 7


# Strict mode, aliases, generics


def test_what_strict_mode_takes(shown):
    rows = [
        (int, "7"),
        (int, 7.0),
        (float, 7),
        (bool, 1),
        (str, 7),
        (date, "2026-12-24"),
        (Decimal, "4.50"),
        (set[int], [1, 2]),
    ]
    lines = [
        f"{'type':9} {'value':13} {'lax':20} {'strict, Python':15} strict, JSON"
    ]
    for kind, value in rows:
        adapter = TypeAdapter(kind)
        text = json.dumps(value)
        results = [
            outcome(lambda a=adapter, v=value: repr(a.validate_python(v))),
            outcome(
                lambda a=adapter, v=value: repr(a.validate_python(v, strict=True))
            ),
            outcome(
                lambda a=adapter, t=text: repr(a.validate_json(t, strict=True))
            ),
        ]
        lax, python, from_json = (
            each.replace("datetime.", "").replace("'", '"') for each in results
        )
        name = getattr(kind, "__name__", "") if kind != set[int] else "set[int]"
        lines.append(f"{name:9} {text:13} {lax:20} {python:15} {from_json}")
    shown("strict", "\n".join(lines))


async def test_fastapi_hands_python_objects_to_strict_models(send):
    class Trip(BaseModel, strict=True):
        day: date

    class Count(BaseModel):
        day: date
        seats: Annotated[int, Field(strict=True)]

    assert summary(await send(Trip, {"day": "2026-12-24"})) == [
        ("date_type", ["body", "day"])
    ]
    text = '{"day": "2026-12-24"}'
    assert Trip.model_validate_json(text).day == date(2026, 12, 24)
    sent = {"day": "2026-12-24", "seats": "2"}
    assert summary(await send(Count, sent)) == [("int_type", ["body", "seats"])]


async def test_which_name_counts_where(client_for, shown):
    lines = [f"{'declared':40} {'client sends':17} route sends"]
    cases = [
        ("alias='x'", Field(alias="x"), {"x": 1}),
        ("validation_alias='x'", Field(validation_alias="x"), {"x": 1}),
        (
            "serialization_alias='x'",
            Field(serialization_alias="x"),
            {"f": 1},
        ),
        (
            "validation_alias=AliasChoices('x', 'y')",
            Field(validation_alias=AliasChoices("x", "y")),
            {"y": 1},
        ),
        (
            "validation_alias=AliasPath('x', 'y')",
            Field(validation_alias=AliasPath("x", "y")),
            {"x": {"y": 1}},
        ),
    ]
    for name, field, sent in cases:
        model = create_model("Model", f=(int, field))

        def endpoint(body: model) -> model:
            return body

        async with client_for(app_with(endpoint)) as client:
            answer = await client.post("/", json=sent)
        assert answer.status_code == 200
        lines.append(f"{name:40} {json.dumps(sent):17} {answer.text}")
    shown("aliases", "\n".join(lines))


def test_a_generic_model_is_checked_only_with_its_argument():
    page = {"items": ["x"], "total_items": 1}
    assert real.Page(**page).items == ["x"]
    with pytest.raises(ValidationError, match="unable to parse string"):
        real.Page[int](**page)
    assert real.Page[int] is real.Page[int]
    assert real.Page[int].__name__ == "Page[int]"


def test_a_row_is_read_by_attributes_only_if_asked_for():
    @dataclass
    class Row:
        kind: str
        raw: str

    class Plain(BaseModel):
        raw: str

    row = Row("unknown", "x")
    with pytest.raises(
        ValidationError, match="valid dictionary or instance of Plain"
    ):
        Plain.model_validate(row)
    assert Plain.model_validate(row, from_attributes=True).raw == "x"
    assert real.Unknown.model_validate(row).raw == "x"


def test_adapters_validate_types_that_are_no_models():
    adapter = TypeAdapter(dict[str, tuple[int, ...]])
    assert adapter.validate_json('{"a": [1, "2"]}') == {"a": (1, 2)}
    assert adapter.dump_json({"a": (1, 2)}) == b'{"a":[1,2]}'
    assert adapter.json_schema()["type"] == "object"

    class Tags(RootModel[list[str]]):
        pass

    assert Tags(["a"]).root == ["a"]
    assert Tags(["a"]).model_dump() == ["a"]


# How the app one would ship behaves


async def test_a_known_event_is_converted_to_utc_and_kept(carrier):
    async with carrier() as client:
        first = await client.post("/parcels/px-17/events", json=[PICKED])
        second = await client.get("/parcels/px-17/events")
    assert first.status_code == 202
    assert first.json() == {
        "items": [{"kind": "picked", "at": "2026-11-22T09:00:00Z"}],
        "totalItems": 1,
    }
    assert (second.status_code, second.json()) == (200, first.json())


async def test_a_strange_event_does_not_refuse_the_batch(carrier):
    strange = {"kind": "scanned", "where": "Graz"}
    unsigned = {"kind": "delivered", "at": PICKED["at"]}
    async with carrier() as client:
        answer = await client.post(
            "/parcels/px-17/events", json=[PICKED, strange, unsigned]
        )
        again = await client.get("/parcels/px-17/events")
    assert answer.status_code == 202
    assert answer.json()["items"][1:] == [
        {"kind": "unknown", "raw": strange},
        {"kind": "unknown", "raw": unsigned},
    ]
    assert again.json() == answer.json()


async def test_a_batch_that_is_no_list_is_still_refused(carrier):
    async with carrier() as client:
        answer = await client.post("/parcels/px-17/events", json=PICKED)
        missing = await client.get("/parcels/px-99/events")
    assert summary(answer) == [("list_type", ["body"])]
    assert missing.status_code == 404
    assert missing.json() == {"detail": "There is no parcel px-99"}


def test_python_code_may_use_the_names_and_the_wire_gets_the_aliases():
    event = real.Delivered(at="2026-11-22T10:00:00Z", signed_by="Ada")
    assert json.loads(event.model_dump_json())["signedBy"] == "Ada"
    with pytest.raises(ValidationError, match="timezone"):
        real.Picked(at="2026-11-22T10:00:00")


def test_settings_are_a_model_that_reads_the_environment(monkeypatch):
    pytest.importorskip("pydantic_settings")
    from config import Settings

    monkeypatch.setenv("PARCELS_CARRIER_KEY", "s3cret")
    monkeypatch.setenv("PARCELS_PAGE_SIZE", "50")
    settings = Settings()
    assert settings.page_size == 50
    assert "s3cret" not in repr(settings)
    assert settings.carrier_key.get_secret_value() == "s3cret"
    monkeypatch.setenv("PARCELS_PAGE_SIZE", "500")
    with pytest.raises(ValidationError, match="less than or equal to 100"):
        Settings()
    monkeypatch.delenv("PARCELS_CARRIER_KEY")
    with pytest.raises(ValidationError, match="Field required"):
        Settings()


# From v1 to v2


class Old(BaseModel):
    n: int = 1


class Readable(Old):
    model_config = ConfigDict(from_attributes=True)


def with_validator():
    class Model(BaseModel):
        n: int

        @validator("n")
        def check(cls, value):  # noqa: N805
            return value

    return Model(n=1)


def with_root_validator(**options):
    class Model(BaseModel):
        n: int

        @root_validator(**options)
        def check(cls, values):  # noqa: N805
            return values

    return Model(n=1)


def with_config():
    class Model(BaseModel):
        n: int

        class Config:
            frozen = True

    return Model(n=1)


def with_root():
    class Model(BaseModel):
        __root__: list[int]

    return Model


V1_NAMES = [
    (".dict()", ".model_dump()", lambda: Old().dict()),
    (".json()", ".model_dump_json()", lambda: Old().json()),
    (".copy()", ".model_copy()", lambda: Old().copy()),
    (".schema()", ".model_json_schema()", lambda: Old.schema()),
    (".parse_obj(d)", ".model_validate(d)", lambda: Old.parse_obj({})),
    (".parse_raw(t)", ".model_validate_json(t)", lambda: Old.parse_raw("{}")),
    (
        ".from_orm(o)",
        ".model_validate(o), from_attributes",
        lambda: Readable.from_orm(SimpleNamespace(n=1)),
    ),
    (".construct()", ".model_construct()", lambda: Old.construct()),
    (".__fields__", ".model_fields, on the class", lambda: Old.__fields__),
    ("parse_obj_as(T, d)", "TypeAdapter(T)", lambda: pydantic.parse_obj_as(int, 1)),
    ("@validator", "@field_validator", with_validator),
    (
        "@root_validator(pre=True)",
        '@model_validator(mode="before")',
        lambda: with_root_validator(pre=True),
    ),
    ("class Config", "model_config = ConfigDict()", with_config),
    ("@root_validator", '@model_validator(mode="after")', with_root_validator),
    ("__root__", "RootModel", with_root),
    ("constr(regex=)", "pattern=", lambda: constr(regex="a")),
    (
        "conlist(min_items=)",
        "min_length=",
        lambda: pydantic.conlist(int, min_items=1),
    ),
    ("Field(const=True)", "Literal", lambda: Field(const=True)),
    (
        "pydantic.BaseSettings",
        "package pydantic-settings",
        lambda: pydantic.BaseSettings,
    ),
]


def test_which_v1_names_still_work(shown):
    lines = [f"{'v1':26} {'v2':36} the v1 name today"]
    for old, new, use in V1_NAMES:
        with warnings.catch_warnings(record=True) as caught:
            warnings.simplefilter("always")
            try:
                use()
                today = "works, and warns"
                assert {each.category for each in caught} == {
                    PydanticDeprecatedSince20
                }
            except Exception as error:
                today = type(error).__name__
        lines.append(f"{old:26} {new:36} {today}")
    shown("v1-names", "\n".join(lines))


def test_from_orm_needs_the_config_and_an_instance_has_no_fields():
    with pytest.warns(PydanticDeprecatedSince20), pytest.raises(PydanticUserError):
        Old.from_orm(SimpleNamespace(n=1))
    with pytest.warns(PydanticDeprecatedSince211, match="from the model class"):
        Old().model_fields  # noqa: B018


def test_what_the_same_model_does_in_v1_and_in_v2(shown):
    rows = [
        ("Optional[int], absent", Optional[int], MISSING),  # noqa: UP045
        ("str", str, 1),
        ("int", int, 1.7),
        ("int", int, "1.0"),
        ("Union[int, str]", Union[int, str], "1"),  # noqa: UP007
        ("dict[str, int]", dict[str, int], [("a", 1)]),
    ]
    lines = [f"{'field':22} {'value':12} {'v1':20} v2"]
    for name, kind, value in rows:
        results = []
        for package in (v1, pydantic):
            model = package.create_model("Model", x=(kind, ...))
            if value is MISSING:
                space = {"__annotations__": {"x": kind}, "__module__": __name__}
                model = type("Model", (package.BaseModel,), space)
            try:
                sent = {} if value is MISSING else {"x": value}
                results.append(repr(model(**sent).x))
            except package.ValidationError as error:
                results.append(error.errors()[0]["type"])
        sent = "" if value is MISSING else repr(value)
        lines.append(f"{name:22} {sent:12} {results[0]:20} {results[1]}")

    class V1Model(v1.BaseModel):
        x: int

    class V1Child(V1Model):
        y: int

    class V1Box(v1.BaseModel):
        part: V1Model

    class V2Model(BaseModel):
        x: int

    class V2Child(V2Model):
        y: int

    class V2Box(BaseModel):
        part: V2Model

    def row(name, old, new):
        lines.append(f"{name:35} {old!s:20} {new}")

    row(
        "Model(x=1) == {'x': 1}", V1Model(x=1) == {"x": 1}, V2Model(x=1) == {"x": 1}
    )
    row(
        "fields of a subclass in the dump",
        "y" in V1Box(part=V1Child(x=1, y=2)).dict()["part"],
        "y" in V2Box(part=V2Child(x=1, y=2)).model_dump()["part"],
    )
    one, two = V1Model(x=1), V2Model(x=1)
    row(
        "a model inside is the same object",
        V1Box(part=one).part is one,
        V2Box(part=two).part is two,
    )
    row("JSON of Model(x=1)", V1Model(x=1).json(), two.model_dump_json())
    shown("v1-behavior", "\n".join(lines))


# New names


def test_extra_can_be_forbidden_for_one_call():
    assert Old.model_validate({"n": 1, "m": 2}).n == 1
    with pytest.raises(ValidationError, match="Extra inputs are not permitted"):
        Old.model_validate({"n": 1, "m": 2}, extra="forbid")


def test_exclude_if_leaves_a_field_out_by_its_value():
    class Model(BaseModel):
        note: Annotated[str | None, Field(exclude_if=lambda note: note is None)] = (
            None
        )

    assert Model().model_dump() == {}
    assert Model(note="x").model_dump() == {"note": "x"}


def test_missing_is_told_apart_from_null():
    class Model(BaseModel):
        note: str | MISSING | None = MISSING

    assert Model().note is MISSING
    assert Model().model_dump() == {}
    assert Model(note=None).model_dump() == {"note": None}


def test_model_is_free_as_a_prefix_but_for_two_methods():
    assert create_model("Model", model_name=(str, "x"))().model_name == "x"
    with pytest.warns(UserWarning, match="protected namespace 'model_dump'"):
        create_model("Model", model_dump_path=(str, "x"))


def test_a_mistake_in_a_model_is_a_runtime_error_and_no_type_error():
    assert issubclass(PydanticUserError, RuntimeError)
    assert not issubclass(PydanticUserError, TypeError)


def test_json_with_both_names_is_refused_where_extra_is_forbidden():
    class Model(BaseModel, extra="forbid", validate_by_name=True):
        f: int = Field(alias="from")

    for sent in ('{"from": 1, "f": 2}', '{"f": 2, "from": 1}'):
        with pytest.raises(ValidationError, match="Extra inputs are not permitted"):
            Model.model_validate_json(sent)


# Speed: only what is far apart, the figures come from measure.py


def test_the_large_differences_of_the_measured_ways():
    ratio = measure.ratios(rounds=5)
    tagged = ratio["a union of 8 models with a discriminator"]
    assert ratio["the same union without"] > 2 * tagged
    assert ratio["`model_construct`, which checks nothing"] > 1.2
    assert ratio["a new `TypeAdapter` for each object"] > 10
    assert ratio["`pydantic.v1`, the pure Python that ships with v2"] > 4
    assert ratio["the same models again, already valid"] < 0.5


# One proof per gotcha


async def test_classmethod_hides_the_validator(send):
    class Trap(BaseModel):
        name: str

        @classmethod
        @field_validator("name")
        def reserved(cls, value: str) -> str:
            if value == "admin":
                raise ValueError("reserved")
            return value

    class Fix(BaseModel):
        name: str

        @field_validator("name")
        @classmethod
        def reserved(cls, value: str) -> str:
            if value == "admin":
                raise ValueError("reserved")
            return value

    async def probe(model):
        answer = await send(model, {"name": "admin"})
        found = model.__pydantic_decorators__.field_validators
        return answer.status_code, list(found)

    assert await probe(Trap) == (200, [])
    assert await probe(Fix) == (422, ["reserved"])


async def test_after_validator_loses_the_model(send):
    class Trap(BaseModel):
        start: int
        end: int

        @model_validator(mode="after")
        def ordered(self) -> Self:
            if self.end < self.start:
                raise ValueError("ends before it starts")

    class Fix(BaseModel):
        start: int
        end: int

        @model_validator(mode="after")
        def ordered(self) -> Self:
            if self.end < self.start:
                raise ValueError("ends before it starts")
            return self

    async def probe(model):
        answer = await send(model, {"start": 1, "end": 2})
        return answer.json() == "None"

    assert await probe(Trap) is True
    assert await probe(Fix) is False
    with pytest.warns(UserWarning, match="returning a value other than `self`"):
        assert Trap(start=1, end=2).end == 2


def test_an_after_validator_of_the_class_is_deprecated():
    with pytest.warns(PydanticDeprecatedSince212, match="use an instance method"):

        class Model(BaseModel):
            n: int

            @model_validator(mode="after")
            def check(cls, values):  # noqa: N805
                return values

    assert Model(n=1).n == 1


async def test_before_validator_expects_a_dict(send):
    class Trap(BaseModel):
        name: str

        @model_validator(mode="before")
        @classmethod
        def rename(cls, data: Any) -> Any:
            data["name"] = data.pop("nick", "nobody")
            return data

    class Fix(BaseModel):
        name: str

        @model_validator(mode="before")
        @classmethod
        def rename(cls, data: Any) -> Any:
            if not isinstance(data, dict):
                return data
            rest = {key: value for key, value in data.items() if key != "nick"}
            return rest | {"name": data.get("nick", "nobody")}

    async def probe(model):
        mine = {"nick": "Ada"}
        assert model.model_validate(mine).name == "Ada"
        answers = [await send(model, sent) for sent in ({"nick": "Ada"}, [1])]
        return [answer.status_code for answer in answers], mine

    assert await probe(Trap) == ([200, 500], {"name": "Ada"})
    assert await probe(Fix) == ([200, 422], {"nick": "Ada"})


def test_alias_hides_the_name():
    class Trap(BaseModel):
        sender: str = Field(alias="from")

    class Fix(BaseModel):
        model_config = ConfigDict(validate_by_name=True, serialize_by_alias=True)

        sender: str = Field(alias="from")

    def probe(model):
        built = outcome(lambda: model(sender="Ada").sender)
        sent = model.model_validate({"from": "Ada"})
        return built, sent.model_dump()

    assert probe(Trap) == ("missing", {"sender": "Ada"})
    assert probe(Fix) == ("Ada", {"from": "Ada"})


async def test_a_response_uses_the_alias_without_any_setting(client_for):
    class Message(BaseModel):
        sender: str = Field(alias="from")

    def endpoint() -> Message:
        return Message(**{"from": "Ada"})

    async with client_for(app_with(endpoint, "get")) as client:
        assert (await client.get("/")).json() == {"from": "Ada"}


def test_computed_field_comes_back():
    class Box(BaseModel, extra="forbid"):
        side: int

        @computed_field
        @property
        def area(self) -> int:
            return self.side**2

    def probe(**options):
        dumped = Box(side=2).model_dump_json(**options)
        return outcome(lambda: Box.model_validate_json(dumped).area)

    assert probe() == "extra_forbidden"
    assert probe(round_trip=True) == 4
    assert probe(exclude_computed_fields=True) == 4


def test_assignment_is_unchecked():
    class Trap(BaseModel):
        seats: int

    class Fix(BaseModel, validate_assignment=True):
        seats: int

    def probe(model):
        table = model(seats=4)

        def change():
            table.seats = "many"
            return table.seats

        return outcome(change)

    assert probe(Trap) == "many"
    assert probe(Fix) == "int_parsing"

    class Frozen(BaseModel, frozen=True):
        seats: int

    assert probe(Frozen) == "frozen_instance"
    table = Trap(seats=4)
    table.seats = "many"
    with pytest.warns(UserWarning, match="PydanticSerializationUnexpectedValue"):
        assert table.model_dump() == {"seats": "many"}


def test_a_failed_model_rule_leaves_the_assigned_value():
    class Table(BaseModel, validate_assignment=True):
        seats: int

        @model_validator(mode="after")
        def small(self) -> Self:
            if self.seats > 8:
                raise ValueError("too many")
            return self

    table = Table(seats=4)
    with pytest.raises(ValidationError):
        table.seats = 9
    assert table.seats == 9


def test_v1_model_stops_the_import():
    class Trap(v1.BaseModel):
        n: int

    class Fix(BaseModel):
        n: int

    def probe(model):
        def endpoint(body: model) -> None: ...

        def answer() -> list[model]: ...

        for function in (endpoint, answer):
            try:
                app_with(function)
            except PydanticV1NotSupportedError as error:
                return "no longer supported" in str(error)
        return "starts"

    assert probe(Trap) is True
    assert probe(Fix) == "starts"
    with pytest.warns(UserWarning, match="Mixing V1 models and V2 models"):
        create_model("Model", part=(Trap, ...))
