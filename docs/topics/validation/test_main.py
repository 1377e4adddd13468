import json
import re
import threading
from datetime import date
from decimal import Decimal
from typing import Annotated, Any, Literal, Self

import pytest
import real
from fastapi import (
    Body,
    Cookie,
    FastAPI,
    File,
    Form,
    Header,
    HTTPException,
    Path,
    Query,
)
from fastapi.exceptions import FastAPIDeprecationWarning
from main import Booking, app, book
from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    Discriminator,
    Field,
    PydanticDeprecatedSince20,
    StringConstraints,
    Tag,
    ValidationError,
    ValidationInfo,
    create_model,
    model_validator,
)
from pydantic_core import PydanticCustomError, SchemaError

URL = "/rooms/garden/bookings"
ADA = {"name": "Ada", "day": "2026-12-24"}
EVENING = ADA | {"start": "18:00", "end": "20:00"}
ABSENT = object()


def app_with(endpoint, method="get"):
    api = FastAPI()
    api.add_api_route("/", endpoint, methods=[method.upper()])
    return api


def app_with_field(kind, default=...):
    model = create_model("Model", value=(kind, default))

    def endpoint(body: model) -> Any:
        return body.value

    return app_with(endpoint, "post")


@pytest.fixture
def send(client_for):
    """Send a value to a body field; give what arrives, or the type of the error."""

    async def send(kind, value=ABSENT, default=...):
        async with client_for(app_with_field(kind, default)) as client:
            body = {} if value is ABSENT else {"value": value}
            answer = await client.post("/", json=body)
        if answer.status_code == 422:
            return answer.json()["detail"][0]["type"]
        return answer.json() if answer.is_success else answer.status_code

    return send


@pytest.fixture
def restaurant(client_for):
    yield lambda **options: client_for(real.app, **options)
    real.booked.clear()


def summary(answer):
    return [(each["type"], each["loc"]) for each in answer.json()["detail"]]


# How the small app behaves


async def test_a_valid_booking_arrives_converted_and_with_its_defaults(client):
    answer = await client.post(URL, json=ADA | {"guests": "4"})
    assert answer.status_code == 201
    assert answer.json() == {
        "room": "garden",
        "hold": 15,
        "booking": ADA | {"guests": 4, "wishes": []},
    }


async def test_all_broken_rules_of_path_query_and_body_come_in_one_list(client):
    body = {"name": "A", "day": "2026-12-21", "guests": 9, "wishes": ["x", 7]}
    answer = await client.post("/rooms/Garden/bookings?hold=2", json=body)
    assert answer.status_code == 422
    assert summary(answer) == [
        ("string_pattern_mismatch", ["path", "room"]),
        ("greater_than_equal", ["query", "hold"]),
        ("string_too_short", ["body", "name"]),
        ("value_error", ["body", "day"]),
        ("less_than_equal", ["body", "guests"]),
        ("string_type", ["body", "wishes", 1]),
    ]


async def test_a_default_fills_an_absent_guest_count_but_not_a_null(client):
    absent = await client.post(URL, json=ADA)
    null = await client.post(URL, json=ADA | {"guests": None})
    assert absent.json()["booking"]["guests"] == 2
    assert (null.status_code, summary(null)) == (
        422,
        [("int_type", ["body", "guests"])],
    )


# The shape of an error


async def test_an_error_has_type_loc_msg_input_and_sometimes_ctx_but_no_url(client):
    limit = await client.post(URL, json=ADA | {"guests": 9})
    empty = await client.post(URL, json={"name": "Ada"})
    own = await client.post(URL, json=ADA | {"day": "2026-12-21"})
    assert limit.json() == {
        "detail": [
            {
                "type": "less_than_equal",
                "loc": ["body", "guests"],
                "msg": "Input should be less than or equal to 8",
                "input": 9,
                "ctx": {"le": 8},
            }
        ]
    }
    assert empty.json()["detail"] == [
        {
            "type": "missing",
            "loc": ["body", "day"],
            "msg": "Field required",
            "input": {"name": "Ada"},
        }
    ]
    assert own.json()["detail"] == [
        {
            "type": "value_error",
            "loc": ["body", "day"],
            "msg": "Value error, we are closed on Mondays",
            "input": "2026-12-21",
            "ctx": {"error": {}},
        }
    ]


async def test_a_missing_body_and_broken_json_have_locations_of_their_own(client):
    missing = await client.post(URL)
    headers = {"Content-Type": "application/json"}
    broken = await client.post(URL, content=b'{"name": }', headers=headers)
    assert missing.json()["detail"] == [
        {"type": "missing", "loc": ["body"], "msg": "Field required", "input": None}
    ]
    assert summary(broken) == [("json_invalid", ["body", 9])]


def test_the_schema_of_an_error_lists_input_and_ctx_as_optional():
    error = app.openapi()["components"]["schemas"]["ValidationError"]
    assert set(error["properties"]) == {"type", "loc", "msg", "input", "ctx"}
    assert set(error["required"]) == {"type", "loc", "msg"}


async def test_a_union_adds_the_tried_member_to_the_location(client_for):
    def endpoint(when: Annotated[int | date, Query()]) -> str:
        return "ok"

    async with client_for(app_with(endpoint)) as client:
        answer = await client.get("/?when=soon")
    assert [loc for _, loc in summary(answer)] == [
        ["query", "when", "int"],
        ["query", "when", "date"],
    ]


def test_pydantic_alone_adds_a_url_and_the_exception_itself():
    with pytest.raises(ValidationError) as caught:
        Booking.model_validate(ADA | {"day": "2026-12-21"})
    (error,) = caught.value.errors()
    assert error["url"].startswith("https://errors.pydantic.dev/")
    with pytest.raises(TypeError, match="ValueError is not JSON serializable"):
        json.dumps(error)


# What constraints check


async def test_what_each_constraint_refuses(client_for, shown):
    rows = [
        ("int, ge=1, le=8", int, Field(ge=1, le=8), 9),
        ("int, gt=0, lt=8", int, Field(gt=0, lt=8), 0),
        ("int, multiple_of=5", int, Field(multiple_of=5), 12),
        ("Decimal, decimal_places=2", Decimal, Field(decimal_places=2), "1.505"),
        ("Decimal, max_digits=5", Decimal, Field(max_digits=5), "1234.56"),
        ("float, allow_inf_nan=False", float, Field(allow_inf_nan=False), "inf"),
        ("str, min_length=2", str, Field(min_length=2), "A"),
        ("str, pattern='^[a-z]+$'", str, Field(pattern="^[a-z]+$"), "A1"),
        ("list[int], max_length=2", list[int], Field(max_length=2), [1, 2, 3]),
        ("Literal['tea', 'cup']", Literal["tea", "cup"], Field(), "pot"),
    ]
    hidden = ("field_type", "actual_length")
    lines = [f"{'declared':27} {'sent':9} {'type':23} ctx"]
    for name, kind, limit, value in rows:
        async with client_for(app_with_field(Annotated[kind, limit])) as client:
            answer = await client.post("/", json={"value": value})
        error = answer.json()["detail"][0]
        ctx = ", ".join(
            f"{k}={v}" for k, v in error.get("ctx", {}).items() if k not in hidden
        )
        lines.append(f"{name:27} {value!s:9} {error['type']:23} {ctx}".rstrip())
    shown("constraints", "\n".join(lines))


async def test_one_alias_serves_a_query_parameter_and_a_body_field(client_for):
    def query(guests: real.Guests) -> int:
        return guests

    def body(guests: Annotated[real.Guests, Body(embed=True)]) -> int:
        return guests

    async with client_for(app_with(query)) as client:
        assert summary(await client.get("/?guests=9")) == [
            ("less_than_equal", ["query", "guests"])
        ]
    async with client_for(app_with(body, "post")) as client:
        assert summary(await client.post("/", json={"guests": 9})) == [
            ("less_than_equal", ["body", "guests"])
        ]


def test_a_function_with_annotated_defaults_can_be_called_directly():
    def old_style(hold: int = Query(15, ge=5)) -> int:
        return hold

    booking = Booking.model_validate(ADA)
    assert book("garden", booking)["hold"] == 15
    assert type(old_style()).__name__ == "Query"


def test_a_direct_call_checks_no_parameter():
    assert book("NO ROOM", Booking.model_validate(ADA), hold=-1)["hold"] == -1


async def test_a_pattern_finds_its_match_anywhere_and_d_is_any_digit(send):
    assert (
        await send(Annotated[str, Field(pattern="[a-z]+")], "12tea34") == "12tea34"
    )
    anchored = Annotated[str, Field(pattern="^[a-z]+$")]
    assert await send(anchored, "12tea34") == "string_pattern_mismatch"
    arabic = "١٢٣"
    assert await send(Annotated[str, Field(pattern=r"^\d+$")], arabic) == arabic
    ascii_only = Annotated[str, Field(pattern="^[0-9]+$")]
    assert await send(ascii_only, arabic) == "string_pattern_mismatch"


# What validators see and may raise


async def test_the_order_of_checks(client_for, shown):
    seen = []

    def note(step):
        def check(value):
            seen.append(f"{step:16} {type(value).__name__} {value!r}")
            return value

        return check

    class Party(BaseModel):
        guests: Annotated[
            int,
            Field(ge=1, le=8),
            BeforeValidator(note("BeforeValidator")),
            AfterValidator(note("AfterValidator")),
        ]

        @model_validator(mode="after")
        def whole(self) -> Self:
            return note("model_validator")(self)

    def endpoint(party: Party) -> int:
        return party.guests

    async with client_for(app_with(endpoint, "post")) as client:
        for value in ("4", "9", "many"):
            seen.append(f"# guests: {value!r}")
            answer = await client.post("/", json={"guests": value})
            result = answer.json() if answer.is_success else summary(answer)[0][0]
            seen.append(f"{answer.status_code:<16} {result}")
    shown("order", "\n".join(seen))


async def test_what_an_exception_in_a_validator_becomes(client_for, shown):
    errors = [
        ("ValueError", ValueError("no")),
        ("AssertionError", AssertionError("no")),
        ("PydanticCustomError", PydanticCustomError("nope", "no")),
        ("HTTPException(409)", HTTPException(409, "no")),
        ("TypeError", TypeError("no")),
        ("KeyError", KeyError("no")),
    ]
    lines = [f"{'raised':20} {'answer':7} what the client sees"]
    for name, error in errors:

        def check(value, error=error):
            raise error

        class Model(BaseModel):
            value: Annotated[str, AfterValidator(check)]
            number: int

        def endpoint(model: Model) -> str:
            return "ok"

        api = app_with(endpoint, "post")
        async with client_for(api) as client:
            answer = await client.post("/", json={"value": "x", "number": "x"})
        sees = answer.text
        if answer.status_code == 422:
            own, other = answer.json()["detail"]
            assert other["loc"] == ["body", "number"]
            sees = f"{own['type']}: {own['msg']}; and the error of number"
        lines.append(f"{name:20} {answer.status_code:<7} {sees}")
    shown("raised", "\n".join(lines))


async def test_a_validator_runs_on_the_event_loop_even_for_a_def_route(client_for):
    threads = []

    def note(value: int) -> int:
        threads.append(threading.current_thread())
        return value

    def endpoint(value: Annotated[int, AfterValidator(note)]) -> int:
        return note(value)

    async with client_for(app_with(endpoint)) as client:
        assert (await client.get("/?value=1")).status_code == 200
    in_validator, in_route = threads
    assert in_validator is threading.current_thread()
    assert in_route is not in_validator


async def test_an_assert_in_a_validator_is_gone_under_python_o(send):
    source = "def check(value):\n    assert value > 0\n    return value\n"

    async def probe(level):
        names = {}
        exec(compile(source, "rules.py", "exec", optimize=level), names)
        return await send(Annotated[int, AfterValidator(names["check"])], -1)

    assert await probe(0) == "assertion_error"
    assert await probe(1) == -1


async def test_parameters_see_no_neighbors(client_for):
    def after(end: int, info: ValidationInfo) -> int:
        assert info.data is None or not info.data
        return end

    def endpoint(
        start: int, end: Annotated[int, Query(), AfterValidator(after)]
    ) -> int:
        return end

    async with client_for(app_with(endpoint)) as client:
        assert (await client.get("/?start=2&end=1")).json() == 1


# What is new and what is gone

FUNCTIONS = [Path, Query, Header, Cookie, Body, Form, File]


@pytest.mark.parametrize("function", FUNCTIONS, ids=lambda each: each.__name__)
def test_unknown_options_are_type_errors_everywhere(function):
    for option in ("gte", "min_items", "env"):
        with pytest.raises(TypeError, match="unexpected keyword argument"):
            function(**{option: 1})


@pytest.mark.parametrize("option", ["foo", "openapi_prefix"])
def test_the_app_takes_no_unknown_options_either(option):
    with pytest.raises(TypeError, match="unexpected keyword argument"):
        FastAPI(**{option: "x"})


async def test_regex_and_example_still_work_and_warn(client_for):
    with pytest.warns(FastAPIDeprecationWarning) as warned:
        code = Query(regex="^a", example="abc")

    def endpoint(q: Annotated[str, code]) -> str:
        return q

    texts = sorted(str(each.message) for each in warned)
    assert ["`example`" in texts[0], "`regex`" in texts[1]] == [True, True]
    async with client_for(app_with(endpoint)) as client:
        assert (await client.get("/?q=abc")).status_code == 200
        assert (await client.get("/?q=b")).status_code == 422


@pytest.mark.parametrize("function", FUNCTIONS, ids=lambda each: each.__name__)
def test_every_parameter_function_takes_the_new_options(function):
    function(
        union_mode="left_to_right",
        fail_fast=True,
        validate_default=True,
        pattern=re.compile("^a"),
        discriminator=Discriminator("kind"),
        json_schema_extra=lambda schema: schema.update(unit="minutes"),
    )


async def test_what_the_new_options_do(client_for):
    def extra(schema):
        schema["unit"] = "minutes"

    def endpoint(
        key: Annotated[int | str, Query(union_mode="left_to_right")],
        ids: Annotated[list[int], Query(fail_fast=True)],
        hold: Annotated[int, Query(json_schema_extra=extra)],
    ) -> str:
        return type(key).__name__

    api = app_with(endpoint)
    async with client_for(api) as client:
        good = await client.get("/?key=7&ids=1&hold=5")
        bad = await client.get("/?key=7&ids=a&ids=b&hold=5")
    assert good.json() == "int"
    assert summary(bad) == [("int_parsing", ["query", "ids", 0])]
    parameters = api.openapi()["paths"]["/"]["get"]["parameters"]
    assert parameters[2]["schema"]["unit"] == "minutes"


async def test_a_discriminator_leaves_only_the_errors_of_one_member(client_for):
    class Table(BaseModel):
        seats: int

    class Bar(BaseModel):
        stool: int

    def kind(value):
        return "table" if "seats" in value else "bar"

    tagged = Annotated[Table, Tag("table")] | Annotated[Bar, Tag("bar")]

    def plain(place: Table | Bar) -> str:
        return "ok"

    def chosen(
        place: Annotated[tagged, Body(discriminator=Discriminator(kind))],
    ) -> str:
        return "ok"

    async def probe(endpoint):
        async with client_for(app_with(endpoint, "post")) as client:
            return summary(await client.post("/", json={"seats": "x"}))

    assert await probe(plain) == [
        ("int_parsing", ["body", "Table", "seats"]),
        ("missing", ["body", "Bar", "stool"]),
    ]
    assert await probe(chosen) == [("int_parsing", ["body", "table", "seats"])]


# How the app one would ship behaves


async def test_a_real_booking_is_stored_stripped_and_once(restaurant):
    async with restaurant() as client:
        first = await client.post(URL, json=EVENING | {"name": "  Ada "})
        second = await client.post(URL, json=EVENING)
    assert (first.status_code, first.json()["name"]) == (201, "Ada")
    assert (second.status_code, second.json()) == (
        409,
        {"detail": "The room is taken on that day"},
    )


async def test_messages_come_in_the_language_of_the_reader(restaurant, shown):
    body = {"day": "2026-12-21", "start": "18:00", "end": "17:00"}
    async with restaurant() as client:

        async def probe(language):
            headers = {"Accept-Language": language}
            answer = await client.post(
                URL, json=body | {"guests": 9, "wishes": 1}, headers=headers
            )
            assert answer.status_code == 422
            return answer.json()["detail"]

        german, english = await probe("de-CH,de;q=0.9"), await probe("en")
    assert [each | {"msg": ""} for each in german] == [
        each | {"msg": ""} for each in english
    ]
    lines = [f"{'type':15} {'English':39} German"]
    for one, other in zip(english, german, strict=True):
        lines.append(f"{one['type']:15} {one['msg']:39} {other['msg']}")
    shown("messages", "\n".join(lines))


async def test_every_german_text_can_be_reached(restaurant):
    bodies = [
        {},
        EVENING | {"name": " ", "day": "2026-12-21", "end": "17:00", "guests": 0},
        EVENING | {"name": "x" * 41, "guests": 9},
    ]
    found = set()
    async with restaurant() as client:
        for body in bodies:
            found |= {
                kind for kind, _ in summary(await client.post(URL, json=body))
            }
    assert found == set(real.TEXTS["de"])


async def test_an_error_of_the_real_app_repeats_no_input(restaurant):
    async with restaurant() as client:
        answer = await client.post(URL, json=EVENING | {"guests": "secret"})
        extra = await client.post(URL, json=EVENING | {"gests": 3})
    assert answer.status_code == 422
    assert "secret" not in answer.text
    assert summary(extra) == [("extra_forbidden", ["body", "gests"])]


async def test_an_end_is_not_compared_with_a_broken_start(restaurant):
    async with restaurant() as client:
        answer = await client.post(URL, json=EVENING | {"start": "noon"})
    assert [loc for _, loc in summary(answer)] == [["body", "start"]]


# One proof per gotcha


async def test_default_skips_every_check(client_for, send):
    def trap(size: Annotated[int, Query(le=100)] = 500) -> int:
        return size

    def fix(
        size: Annotated[int, Query(le=100, validate_default=True)] = 500,
    ) -> int:
        return size

    async def probe(endpoint):
        async with client_for(app_with(endpoint)) as client:
            return [
                (await client.get(url)).status_code for url in ("/", "/?size=500")
            ]

    assert await probe(trap) == [200, 422]
    assert await probe(fix) == [422, 422]
    assert await send(int, default=(0,)) == [0]
    assert await send(int, default=Field((0,), validate_default=True)) == "int_type"


async def test_a_validated_default_is_also_converted(send):
    assert await send(int, default="7") == "7"
    assert await send(int, default=Field("7", validate_default=True)) == 7


async def test_misspelled_limit_limits_nothing(send):
    with pytest.warns(PydanticDeprecatedSince20, match="Extra keys: 'gte'"):
        trap = Field(gte=1)
    assert await send(Annotated[int, trap], 0) == 0
    assert await send(Annotated[int, Field(ge=1)], 0) == "greater_than_equal"
    with pytest.raises(TypeError, match="unexpected keyword argument 'gte'"):
        Query(gte=1)


async def test_spaces_pass_min_length(send):
    with pytest.warns(PydanticDeprecatedSince20, match="'strip_whitespace'"):
        no_fix = Field(min_length=1, strip_whitespace=True)
    too_late = AfterValidator(str.strip)
    fix = StringConstraints(min_length=1, strip_whitespace=True)

    async def probe(*notes):
        return await send(Annotated[str, *notes], "  ")

    assert await probe(Field(min_length=1)) == "  "
    assert await probe(no_fix) == "  "
    assert await probe(Field(min_length=1), too_late) == ""
    assert await probe(fix) == "string_too_short"


async def test_length_counts_the_list(client_for):
    def trap(tags: Annotated[list[str], Query(max_length=3)]) -> list[str]:
        return tags

    def fix(
        tags: Annotated[list[Annotated[str, Field(max_length=3)]], Query()],
    ) -> list[str]:
        return tags

    async def probe(endpoint):
        async with client_for(app_with(endpoint)) as client:
            long = await client.get("/?tags=vegetarian")
            many = await client.get("/?tags=a&tags=b&tags=c&tags=d")
        return [long.status_code, many.status_code]

    assert await probe(trap) == [200, 422]
    assert await probe(fix) == [422, 200]


async def test_look_ahead_stops_the_import(send):
    pattern = r"^(?=.*[0-9]).{8,}$"

    async def probe(pattern):
        kind = Annotated[str, Field(pattern=pattern)]
        try:
            return [await send(kind, each) for each in ("password", "passw0rd")]
        except SchemaError as error:
            return "look-around" in str(error)

    assert await probe(pattern) is True
    assert await probe(re.compile(pattern)) == [
        "string_pattern_mismatch",
        "passw0rd",
    ]


async def test_the_dollar_of_a_compiled_pattern_overlooks_a_newline(send):
    async def probe(pattern):
        return await send(Annotated[str, Field(pattern=pattern)], "tea\n")

    assert await probe("^[a-z]+$") == "string_pattern_mismatch"
    assert await probe(re.compile("^[a-z]+$")) == "tea\n"
    assert await probe(re.compile(r"^[a-z]+\Z")) == "string_pattern_mismatch"


async def test_validator_without_return(send):
    def trap(value: int) -> None:
        if value % 2:
            raise ValueError("must be even")

    def fix(value: int) -> int:
        if value % 2:
            raise ValueError("must be even")
        return value

    async def probe(check):
        kind = Annotated[int, AfterValidator(check)]
        return [await send(kind, 3), await send(kind, 4)]

    assert await probe(trap) == ["value_error", None]
    assert await probe(fix) == ["value_error", 4]


async def test_null_reaches_the_validator(send):
    async def probe(kind):
        return [await send(kind, value, None) for value in (" x ", None, ABSENT)]

    trap = Annotated[str | None, AfterValidator(str.strip)]
    fix = Annotated[str, AfterValidator(str.strip)] | None
    assert await probe(trap) == ["x", 500, None]
    assert await probe(fix) == ["x", None, None]
    with pytest.raises(TypeError, match="doesn't apply to a 'NoneType' object"):
        str.strip(None)


async def test_rule_waits_for_the_fields(client_for):
    class Trap(BaseModel):
        start: int
        end: int
        guests: int

        @model_validator(mode="after")
        def ordered(self) -> Self:
            if self.end <= self.start:
                raise ValueError("must end after the start")
            return self

    def after_start(end: int, info: ValidationInfo) -> int:
        if "start" in info.data and end <= info.data["start"]:
            raise ValueError("must end after the start")
        return end

    class Fix(BaseModel):
        start: int
        end: Annotated[int, AfterValidator(after_start)]
        guests: int

    async def probe(model):
        def endpoint(body: model) -> str:
            return "ok"

        async with client_for(app_with(endpoint, "post")) as client:
            body = {"start": 20, "end": 18, "guests": "many"}
            first = await client.post("/", json=body)
            second = await client.post("/", json=body | {"guests": 4})
        return [[loc for _, loc in summary(each)] for each in (first, second)]

    guests, end = ["body", "guests"], ["body", "end"]
    assert await probe(Trap) == [[guests], [["body"]]]
    assert await probe(Fix) == [[end, guests], [end]]


async def test_value_error_in_front_of_my_words(client_for):
    def trap(value: str) -> str:
        raise ValueError("The name is reserved")

    def fix(value: str) -> str:
        raise PydanticCustomError("reserved", "The name is reserved")

    async def probe(check):
        api = app_with_field(Annotated[str, AfterValidator(check)])
        async with client_for(api) as client:
            answer = await client.post("/", json={"value": "admin"})
        error = answer.json()["detail"][0]
        return error["type"], error["msg"], error.get("ctx")

    prefixed = "Value error, The name is reserved"
    assert await probe(trap) == ("value_error", prefixed, {"error": {}})
    assert await probe(fix) == ("reserved", "The name is reserved", None)


async def test_one_error_for_each_item(client_for):
    async def probe(kind):
        async with client_for(app_with_field(kind)) as client:
            sent = {"value": ["x"] * 1000}
            answer = await client.post("/", json=sent)
        factor = len(answer.content) / len(answer.request.content)
        return len(answer.json()["detail"]), factor > 20

    assert await probe(list[int]) == (1000, True)
    assert await probe(Annotated[list[int], Field(max_length=100)]) == (1, False)
    assert await probe(Annotated[list[int], Field(fail_fast=True)]) == (1, False)
