import re
from datetime import date, datetime
from itertools import count
from operator import attrgetter
from typing import Annotated
from urllib.parse import urlencode

import pytest
import real
from fastapi import Depends, FastAPI, Form, Query, Request, Security
from fastapi.exceptions import FastAPIDeprecationWarning
from fastapi.security import APIKeyQuery
from pydantic import (
    AliasChoices,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Json,
    model_validator,
)
from pydantic.alias_generators import to_camel

REQUIRED = object()


@pytest.fixture
def ask(client_for):
    """Return a function that sends query strings to one endpoint."""

    async def send(endpoint, *queries):
        api = FastAPI()
        api.get("/")(endpoint)
        async with client_for(api) as client:
            answers = [await client.get(f"/?{query}") for query in queries]
        seen = [
            answer.json()
            if answer.is_success
            else (answer.status_code, reasons(answer))
            for answer in answers
        ]
        return seen[0] if len(seen) == 1 else seen

    return send


def reasons(answer):
    """Return type and place of each error."""
    if answer.status_code != 422:
        return answer.text
    return [
        (error["type"], ".".join(map(str, error["loc"])))
        for error in answer.json()["detail"]
    ]


def missing(place):
    return 422, [("missing", place)]


# How the small app behaves


async def test_defaults_fill_in_what_is_not_sent(client):
    answer = await client.get("/books?shelf=poetry")
    assert answer.status_code == 200
    assert answer.json() == {
        "shelf": "poetry",
        "page": 1,
        "author": None,
        "in_stock": False,
    }


async def test_text_becomes_what_the_annotation_says(client):
    answer = await client.get("/books?shelf=a+b&page=2&author=%2B&in_stock=on")
    assert answer.status_code == 200
    assert answer.json() == {
        "shelf": "a b",
        "page": 2,
        "author": "+",
        "in_stock": True,
    }


async def test_all_wrong_parameters_are_told_at_once(client):
    answer = await client.get("/books?page=two&in_stock=maybe")
    assert answer.status_code == 422
    assert reasons(answer) == [
        ("missing", "query.shelf"),
        ("int_parsing", "query.page"),
        ("bool_parsing", "query.in_stock"),
    ]


async def test_a_repeated_name_fills_a_list(client):
    assert (await client.get("/compare?ids=7&ids=42")).json() == [7, 42]
    assert reasons(await client.get("/compare")) == [("missing", "query.ids")]
    assert reasons(await client.get("/compare?ids=7&ids=x")) == [
        ("int_parsing", "query.ids.1")
    ]
    too_many = await client.get("/compare?" + "&".join(["ids=1"] * 5))
    assert reasons(too_many) == [("too_long", "query.ids")]


async def test_the_alias_is_the_name_on_the_wire(client):
    answer = await client.get("/sales?from=2026-11-01")
    assert (answer.status_code, answer.json()) == (200, {"since": "2026-11-01"})
    assert reasons(await client.get("/sales?since=2026-11-01")) == [
        ("missing", "query.from")
    ]


async def test_a_model_reads_each_field_by_its_name(client):
    answer = await client.get("/search?tags=war&tags=peace&sort=price")
    assert answer.status_code == 200
    assert answer.json() == {
        "tags": ["war", "peace"],
        "sort": "price",
        "limit": 20,
    }
    refused = await client.get("/search?limt=5&limit=0&sort=age")
    assert reasons(refused) == [
        ("literal_error", "query.sort"),
        ("greater_than_equal", "query.limit"),
        ("extra_forbidden", "query.limt"),
    ]


# How FastAPI decides, and what arrives


class Low(BaseModel):
    low: int
    high: int = 9


def test_type_and_default_decide_where_a_value_is_read(shown):
    cases = [
        ("author: str", str, REQUIRED),
        ("author: str | None", str | None, REQUIRED),
        ("author: str | None = None", str | None, None),
        ("ids: list[int]", list[int], REQUIRED),
        ("ids: list[int] = []", list[int], []),
        ("ids: Annotated[list[int], Query()]", Annotated[list[int], Query()], ...),
        ("span: Span", Low, REQUIRED),
        ("span: Annotated[Span, Query()]", Annotated[Low, Query()], ...),
    ]
    lines = []
    for label, annotation, default in cases:

        def endpoint(value):
            """Take one argument."""

        endpoint.__annotations__["value"] = annotation
        endpoint.__defaults__ = () if default in (REQUIRED, ...) else (default,)
        api = FastAPI()
        api.get("/")(endpoint)
        operation = api.openapi()["paths"]["/"]["get"]
        needed = {True: "required", False: "optional"}
        found = [
            f"{'' if each['name'] == 'value' else each['name'] + ' '}"
            f"{each['in']} {needed[each['required']]}"
            for each in operation.get("parameters", [])
        ]
        if body := operation.get("requestBody"):
            found.append(f"body {needed[body.get('required', False)]}")
        lines.append(f"{label:<36} {', '.join(found)}")
    shown("declarations", "\n".join(lines))


async def test_the_text_behind_the_question_mark_becomes_a_list_of_pairs(ask):
    def read(request: Request) -> list[str | list[tuple[str, str]]]:
        raw = request.scope["query_string"].decode()
        return [raw, request.query_params.multi_items()]

    assert await ask(read, "tags=war&tags=a+b&page=%32&c") == [
        "tags=war&tags=a+b&page=%32&c",
        [["tags", "war"], ["tags", "a b"], ["page", "2"], ["c", ""]],
    ]


async def test_what_arrives_for_each_way_to_write_a_value(client_for, shown):
    api = FastAPI()

    @api.get("/")
    def text(q: str | None = None) -> str:
        return repr(q)

    @api.get("/number")
    def number(q: int | None = None) -> str:
        return repr(q)

    @api.get("/switch")
    def switch(q: bool = False) -> str:
        return repr(q)

    @api.get("/texts")
    def texts(q: Annotated[list[str] | None, Query()] = None) -> str:
        return repr(q)

    queries = "/ ?q ?q= ?q=null ?q=1 ?q=1&q=0 ?q=1,0 ?q=a+b ?q=a%2Bb ?q[]=1 ?Q=1"
    header = ("", "str | None", "int | None", "bool", "list[str] | None")
    row = "{:<9} {:<11} {:<11} {:<6} {}".format
    lines = [row(*header)]
    async with client_for(api) as client:
        for query in queries.split():
            seen = []
            for path in ("/", "/number", "/switch", "/texts"):
                answer = await client.get(path + query.removeprefix("/"))
                seen.append(answer.json() if answer.is_success else "422")
            label = "no q" if query == "/" else query
            lines.append(row(label, *seen).rstrip())
    shown("arrivals", "\n".join(lines))


async def test_a_switch_knows_seven_words_for_each_state(ask):
    def read(q: bool) -> bool:
        return q

    yes = ["1", "t", "true", "y", "yes", "on", "TRUE", "Yes"]
    no = ["0", "f", "false", "n", "no", "off", "FALSE", "Off"]
    assert await ask(read, *(f"q={word}" for word in yes)) == [True] * 8
    assert await ask(read, *(f"q={word}" for word in no)) == [False] * 8
    refused = await ask(read, "q=2", "q=ja", "q=", "q")
    assert refused == [(422, [("bool_parsing", "query.q")])] * 4


async def test_the_last_value_wins_where_one_is_expected(ask):
    def read(page: int = 1) -> int:
        return page

    assert await ask(read, "page=2&page=3") == 3
    assert await ask(read, "page=x&page=3") == 3


async def test_a_union_with_text_stays_text_unless_tried_in_order(ask):
    def read(key: int | str) -> str:
        return repr(key)

    def in_order(
        key: Annotated[int | str, Query(union_mode="left_to_right")],
    ) -> str:
        return repr(key)

    assert await ask(read, "key=7") == "'7'"
    assert await ask(in_order, "key=7", "key=emma") == ["7", "'emma'"]


async def test_defaults_are_not_checked_unless_asked(ask):
    def trusting(page: Annotated[int, Query(ge=5)] = 1) -> int:
        return page

    def checking(
        page: Annotated[int, Query(ge=5, validate_default=True)] = 1,
    ) -> int:
        return page

    assert await ask(trusting, "") == 1
    assert await ask(checking, "") == (422, [("greater_than_equal", "query.page")])


async def test_a_default_list_is_copied_for_each_request(ask):
    def read(ids: Annotated[list[int], Query()] = [1]) -> list[int]:  # noqa: B006
        ids.append(2)
        return ids

    assert await ask(read, "", "") == [[1, 2], [1, 2]]


async def test_query_takes_a_compiled_pattern_and_can_stop_at_the_first_error(ask):
    def coded(code: Annotated[str, Query(pattern=re.compile("^[a-z]+$"))]) -> str:
        return code

    def listed(ids: Annotated[list[int], Query(fail_fast=True)]) -> list[int]:
        return ids

    assert await ask(coded, "code=A") == (
        422,
        [("string_pattern_mismatch", "query.code")],
    )
    assert await ask(listed, "ids=a&ids=b") == (
        422,
        [("int_parsing", "query.ids.0")],
    )


def test_query_takes_a_function_that_edits_its_schema():
    def edit(schema: dict[str, object]) -> None:
        schema["x-unit"] = "days"

    api = FastAPI()

    @api.get("/")
    def read(age: Annotated[int, Query(json_schema_extra=edit)]) -> int:
        return age

    [parameter] = api.openapi()["paths"]["/"]["get"]["parameters"]
    assert parameter["schema"]["x-unit"] == "days"


def test_query_refuses_options_that_it_does_not_know():
    with pytest.raises(TypeError, match="unexpected keyword argument 'min_items'"):
        Query(min_items=1)
    with pytest.warns(FastAPIDeprecationWarning, match="use `pattern` instead"):
        Query(regex="^a$")
    with pytest.warns(FastAPIDeprecationWarning, match="use `examples` instead"):
        Query(example="a")


def test_a_dict_is_refused_when_the_route_is_declared():
    with pytest.raises(
        AssertionError,
        match="Query parameter 'names' must be one of the supported types",
    ):

        @FastAPI().get("/")
        def read(names: Annotated[dict[str, str], Query()]) -> None: ...


async def test_one_parameter_can_carry_json(ask):
    def read(span: Annotated[Json[Low], Query()]) -> Low:
        return span

    assert await ask(read, 'span={"low":3}') == {"low": 3, "high": 9}
    assert await ask(read, 'span={"low":"x"}', "span=low") == [
        (422, [("int_parsing", "query.span.low")]),
        (422, [("json_invalid", "query.span")]),
    ]


async def test_a_model_inside_a_query_model_is_never_filled(ask):
    class Outer(BaseModel):
        span: Low | None = None

    api = FastAPI()

    @api.get("/")
    def read(query: Annotated[Outer, Query()]) -> Outer:
        return query

    [parameter] = api.openapi()["paths"]["/"]["get"]["parameters"]
    assert parameter["name"] == "span"

    assert await ask(read, "low=3", 'span={"low":3}') == [
        {"span": None},
        (422, [("model_attributes_type", "query.span")]),
    ]


# Models in the query


class Page(BaseModel):
    limit: int = 20
    offset: int = 0


async def test_several_models_and_plain_arguments_share_the_query(ask):
    def read(
        page: Annotated[Page, Query()],
        span: Annotated[Low | None, Query()] = None,
        name: str | None = None,
    ) -> list[Page | Low | str | None]:
        return [page, span, name]

    assert await ask(read, "limit=5&low=3&name=ada") == [
        {"limit": 5, "offset": 0},
        {"low": 3, "high": 9},
        "ada",
    ]


async def test_an_optional_model_is_none_until_one_of_its_fields_is_sent(ask):
    def read(span: Annotated[Low | None, Query()] = None) -> Low | None:
        return span

    assert await ask(read, "", "other=1", "low=3") == [
        None,
        None,
        {"low": 3, "high": 9},
    ]
    assert await ask(read, "high=3") == missing("query.low")


async def test_two_names_can_lead_to_one_parameter(ask):
    names = AliasChoices("since", "from")

    def read(day: Annotated[date | None, Query(validation_alias=names)] = None):
        return day

    assert await ask(read, "since=2026-11-01", "from=2026-11-01", "day=x") == [
        "2026-11-01",
        "2026-11-01",
        None,
    ]
    assert await ask(read, "from=2026-11-02&since=2026-11-01") == "2026-11-01"


# How the shipped app behaves


@pytest.fixture
def books(client_for):
    async def send(query):
        async with client_for(real.app) as client:
            answer = await client.get(f"/books?{query}")
        if not answer.is_success:
            return reasons(answer)
        return [book["id"] for book in answer.json()]

    return send


async def test_books_are_filtered_sorted_and_cut(books):
    assert await books("") == [2, 1, 3]
    assert await books("author=Jane&sort=-published") == [3, 1]
    assert await books("limit=1&offset=1") == [1]
    assert await books("since=1816-01-01&until=1818-01-01") == [3]


async def test_an_empty_field_of_a_form_counts_as_absent(books):
    assert await books("author=&limit=&ids=&sort=&until=") == [2, 1, 3]


async def test_ids_may_be_repeated_or_joined_by_commas(books):
    assert await books("ids=1,3&ids=2") == [2, 1, 3]
    assert await books("ids=1,x") == [("int_parsing", "query.ids.1")]
    assert await books("ids=" + ",".join(["1"] * 51)) == [("too_long", "query.ids")]


async def test_the_old_name_still_works_and_both_at_once_are_refused(books):
    assert await books("from=1890-01-01") == await books("since=1890-01-01") == [2]
    assert await books("from=1890-01-01&since=1890-01-01") == [
        ("extra_forbidden", "query.from")
    ]


async def test_sorting_by_free_text_would_be_a_500(ask):
    def read(sort: str) -> list[str]:
        books = sorted(real.BOOKS, key=attrgetter(sort))
        return [book.title for book in books]

    assert await ask(read, "sort=id", "sort=price") == [
        ["Emma", "Dracula", "Persuasion"],
        (500, "Internal Server Error"),
    ]


async def test_what_the_model_refuses_names_its_place(books):
    assert await books("sort=price") == [("enum", "query.sort")]
    assert await books("offset=10001") == [("less_than_equal", "query.offset")]
    assert await books("since=1900-01-01&until=1800-01-01") == [
        ("value_error", "query")
    ]
    assert await books("auhtor=Jane") == [("extra_forbidden", "query.auhtor")]


def test_the_docs_list_every_field_and_the_first_of_two_names():
    [*parameters] = real.app.openapi()["paths"]["/books"]["get"]["parameters"]
    names = [each["name"] for each in parameters]
    assert names == ["limit", "offset", "author", "ids", "since", "until", "sort"]
    assert {each["in"] for each in parameters} == {"query"}


# The gotchas


async def test_list_becomes_the_body(ask):
    def trap(ids: list[int]) -> list[int]:
        return ids

    def silent_trap(ids: list[int] = []) -> list[int]:  # noqa: B006
        return ids

    def model_trap(span: Low) -> Low:
        return span

    def fix(ids: Annotated[list[int], Query()]) -> list[int]:
        return ids

    def model_fix(span: Annotated[Low, Query()]) -> Low:
        return span

    assert await ask(trap, "ids=1&ids=2") == missing("body")
    assert await ask(silent_trap, "ids=1&ids=2") == []
    assert await ask(fix, "ids=1&ids=2") == [1, 2]
    assert await ask(model_trap, "low=3") == missing("body")
    assert await ask(model_fix, "low=3") == {"low": 3, "high": 9}


async def test_none_in_the_type_is_still_required(ask):
    def trap(author: str | None) -> str | None:
        return author

    def fix(author: str | None = None) -> str | None:
        return author

    assert await ask(trap, "") == missing("query.author")
    assert await ask(trap, "author=null") == "null"
    assert await ask(fix, "") is None


async def test_empty_is_not_absent(ask):
    def trap(page: int = 1) -> int:
        return page

    def none_if_blank(text: str) -> str | None:
        return text or None

    def fix(
        page: Annotated[int | None, BeforeValidator(none_if_blank)] = None,
    ) -> int:
        return page or 1

    class Paged(real.QueryModel):
        page: int = 1

    def model_fix(query: Annotated[Paged, Query()]) -> int:
        return query.page

    assert await ask(trap, "page=") == (422, [("int_parsing", "query.page")])
    for fixed in (fix, model_fix):
        assert await ask(fixed, "page=", "", "page=3") == [1, 1, 3]


async def test_in_a_form_an_empty_field_is_absent(client_for):
    api = FastAPI()

    @api.post("/")
    def read(page: Annotated[int, Form()] = 1) -> int:
        return page

    async with client_for(api) as client:
        assert (await client.post("/", data={"page": ""})).json() == 1


async def test_a_typo_changes_nothing(ask):
    class Strict(Page):
        model_config = ConfigDict(extra="forbid")

    def trap(limit: int = 20) -> int:
        return limit

    def fix(page: Annotated[Strict, Query()]) -> int:
        return page.limit

    assert await ask(trap, "limt=5") == 20
    assert await ask(fix, "limt=5") == (422, [("extra_forbidden", "query.limt")])
    assert await ask(fix, "limit=5") == 5


async def test_a_strict_model_refuses_its_neighbors(ask):
    class Strict(Page):
        model_config = ConfigDict(extra="forbid")

    class Whole(Strict):
        name: str | None = None

    def reader(name: str | None = None) -> str | None:
        return name

    def trap(
        page: Annotated[Strict, Query()], name: str | None = None
    ) -> str | None:
        return name

    def hidden_trap(
        page: Annotated[Strict, Query()],
        name: Annotated[str | None, Depends(reader)],
    ) -> str | None:
        return name

    def fix(query: Annotated[Whole, Query()]) -> str | None:
        return query.name

    def key_trap(
        page: Annotated[Strict, Query()],
        key: Annotated[str, Security(APIKeyQuery(name="name"))],
    ) -> str:
        return key

    refused = (422, [("extra_forbidden", "query.name")])
    assert await ask(key_trap, "name=ada") == refused
    assert await ask(trap, "name=ada") == refused
    assert await ask(hidden_trap, "name=ada") == refused
    assert await ask(fix, "name=ada") == "ada"
    assert await ask(fix, "nam=ada") == (422, [("extra_forbidden", "query.nam")])


async def test_depends_turns_a_422_into_a_500(ask):
    class Span(BaseModel):
        model_config = ConfigDict(extra="forbid")

        low: int = 0
        high: int = 9
        tags: list[str] = []

        @model_validator(mode="after")
        def in_order(self):
            if self.low > self.high:
                raise ValueError("low is above high")
            return self

    def trap(span: Annotated[Span, Depends()]) -> Span:
        return span

    def fix(span: Annotated[Span, Query()]) -> Span:
        return span

    queries = ("low=3&high=2", "lwo=3", "tags=a")
    crash, typo, tags = await ask(trap, *queries)
    assert crash == (500, "Internal Server Error")
    assert (typo, tags) == (Span().model_dump(), Span().model_dump())
    assert await ask(fix, *queries) == [
        (422, [("value_error", "query")]),
        (422, [("extra_forbidden", "query.lwo")]),
        {"low": 0, "high": 9, "tags": ["a"]},
    ]


async def test_commas_and_brackets_make_no_list(ask):
    def trap(ids: Annotated[list[int], Query()]) -> list[int]:
        return ids

    def comma_fix(ids: Annotated[real.Ids, Query()]) -> list[int]:
        return ids

    def bracket_fix(ids: Annotated[list[int], Query(alias="ids[]")]) -> list[int]:
        return ids

    assert await ask(trap, "ids=1,2") == (422, [("int_parsing", "query.ids.0")])
    assert await ask(trap, "ids[]=1&ids[]=2") == missing("query.ids")
    assert await ask(comma_fix, "ids=1,2") == [1, 2]
    assert await ask(bracket_fix, "ids[]=1&ids[]=2") == [1, 2]


async def test_plus_arrives_as_a_space(ask):
    def read(at: datetime) -> datetime:
        return at

    def text(at: str) -> str:
        return at

    at = "2026-11-22T10:00:00+01:00"
    trap, fix = f"at={at}", urlencode({"at": at})
    assert await ask(text, trap) == at.replace("+", " ")
    assert await ask(read, trap) == (
        422,
        [("datetime_from_date_parsing", "query.at")],
    )
    assert await ask(read, fix) == at


async def test_an_alias_closes_the_python_name(ask):
    class Camel(BaseModel):
        model_config = ConfigDict(alias_generator=to_camel)

        page_size: int = 20

    class Both(Camel):
        model_config = ConfigDict(validate_by_name=True)

    def trap(query: Annotated[Camel, Query()]) -> int:
        return query.page_size

    def fix(query: Annotated[Both, Query()]) -> int:
        return query.page_size

    assert await ask(trap, "page_size=5", "pageSize=5") == [20, 5]
    assert await ask(fix, "page_size=5", "pageSize=5") == [5, 5]


async def test_a_default_model_is_ignored(ask):
    def trap(page: Annotated[Page, Query()] = Page(limit=50)) -> int:
        return page.limit

    class Long(Page):
        limit: int = 50

    def fix(page: Annotated[Long, Query()]) -> int:
        return page.limit

    assert await ask(trap, "") == 20
    assert await ask(fix, "") == 50


async def test_a_computed_default_is_made_once(ask):
    tick = count(1).__next__

    def trap(at: int = tick()) -> int:
        return at

    def fix(at: Annotated[int, Query(default_factory=tick)]) -> int:
        return at

    assert await ask(trap, "", "", "") == [1, 1, 1]
    assert await ask(fix, "", "", "") == [2, 3, 4]
