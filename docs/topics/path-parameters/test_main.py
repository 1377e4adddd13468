import enum
import re
import sqlite3
import uuid
from datetime import date
from pathlib import Path as FilePath
from typing import Annotated, Literal
from urllib.parse import quote

import main
import pytest
import real
from fastapi import APIRouter, FastAPI, Path, Request
from fastapi.responses import FileResponse
from fastapi.routing import APIRoute
from fastapi.staticfiles import StaticFiles
from main import app
from pydantic import BaseModel, BeforeValidator

ORDER = "ord_01JD9W3V5Z8Q2M4N6P7R8S9T0A"


async def statuses(client, *paths):
    return [(await client.get(path)).status_code for path in paths]


# How the small app behaves


async def test_the_text_in_the_path_arrives_as_a_number(client):
    answer = await client.get("/books/7")
    assert answer.status_code == 200
    assert answer.json() == {"book_id": 7, "next": 8}


async def test_the_fixed_path_stands_first_and_wins(client):
    answer = await client.get("/books/latest")
    assert answer.status_code == 200
    assert answer.json() == {"book_id": 42}


async def test_a_422_says_where_what_and_which_input(client):
    answer = await client.get("/books/seven")
    assert answer.status_code == 422
    assert answer.json()["detail"] == [
        {
            "type": "int_parsing",
            "loc": ["path", "book_id"],
            "msg": "Input should be a valid integer, "
            "unable to parse string as an integer",
            "input": "seven",
        }
    ]


async def test_a_broken_limit_is_told_with_the_limit(client):
    [error] = (await client.get("/books/0")).json()["detail"]
    assert (error["type"], error["ctx"]) == ("greater_than_equal", {"ge": 1})


async def test_an_enum_is_found_by_value_and_not_by_member(client):
    by_value = await client.get("/shelves/new-arrivals")
    assert (by_value.status_code, by_value.json()["member"]) == (200, "NEW")
    by_member = await client.get("/shelves/NEW")
    assert by_member.status_code == 422
    assert (
        by_member.json()["detail"][0]["msg"]
        == "Input should be 'new-arrivals' or 'classics'"
    )
    assert app.openapi()["components"]["schemas"]["Shelf"]["enum"] == [
        "new-arrivals",
        "classics",
    ]


async def test_a_path_convertor_takes_slashes_and_also_nothing(client):
    assert (await client.get("/covers/a/b.png")).json()["file"] == "a/b.png"
    nothing = await client.get("/covers/")
    assert (nothing.status_code, nothing.json()["file"]) == (200, "")


async def test_an_empty_segment_matches_no_plain_hole(client):
    assert await statuses(client, "/books/", "/books//", "/books") == [
        404,
        404,
        404,
    ]


async def test_an_empty_segment_redirects_to_a_route_without_the_slash(client_for):
    api = FastAPI()
    api.get("/books")(lambda: "all books")
    api.get("/books/{book_id}")(lambda book_id: book_id)
    async with client_for(api) as client:
        answer = await client.get("/books/")
    assert answer.status_code == 307
    assert answer.headers["location"] == "http://test/books"


async def test_paths_are_case_sensitive_and_a_plus_is_no_space(client):
    assert await statuses(client, "/Books/7") == [404]
    assert (await client.get("/covers/a+b%20c")).json()["file"] == "a+b c"


def test_the_router_compiles_each_path_to_a_pattern(shown):
    routes = [route for route in app.routes if isinstance(route, APIRoute)]
    lines = [f"{each.path:<20} {each.path_regex.pattern}" for each in routes]
    shown("patterns", "\n".join(lines))


async def test_conversions_are_generous(client_for, shown):
    class Level(enum.IntEnum):
        LOW = 1

    texts = {
        int: ["7", "007", "+7", " 7", "7.0", "7_000", "7.5", "7e3"],
        float: ["1.5", "nan", "1e400"],
        bool: ["1", "yes", "ON", "maybe"],
        date: ["2026-11-22", "0", "22.11.2026"],
        Level: ["1", "LOW"],
    }
    lines = []
    for kind, inputs in texts.items():
        seen = FastAPI()

        @seen.get("/{value}")
        def read(value: kind) -> str:
            return repr(value).replace("datetime.", "")

        async with client_for(seen) as client:
            for text in inputs:
                answer = await client.get("/" + quote(text))
                said = answer.json()
                if answer.status_code == 422:
                    said = "422 " + said["detail"][0]["type"]
                lines.append(f"{kind.__name__:<6} {text!r:<13} {said}")
    shown("conversions", "\n".join(lines))


async def test_a_uuid_may_come_without_hyphens_and_in_capitals(client_for):
    api = FastAPI()

    @api.get("/{key}")
    def read(key: uuid.UUID) -> uuid.UUID:
        return key

    key = uuid.uuid4()
    async with client_for(api) as client:
        for text in (str(key), key.hex, str(key).upper()):
            assert (await client.get(f"/{text}")).json() == str(key)
        assert await statuses(client, f"/{key.hex[:-1]}") == [422]


async def test_a_strict_number_is_never_matched_because_a_path_is_text(client_for):
    strict = FastAPI()

    @strict.get("/books/{book_id}")
    def read(book_id: Annotated[int, Path(strict=True)]) -> int:
        return book_id

    async with client_for(strict) as client:
        answer = await client.get("/books/7")
    assert answer.status_code == 422
    assert answer.json()["detail"][0]["type"] == "int_type"


async def test_several_holes_can_be_one_model(client_for):
    class Page(BaseModel):
        chapter: int
        page: Annotated[int, Path(ge=1)]

    grouped = FastAPI()

    @grouped.get("/chapters/{chapter}/pages/{page}")
    def read(where: Annotated[Page, Path()]) -> Page:
        return where

    async with client_for(grouped) as client:
        assert (await client.get("/chapters/2/pages/9")).json() == {
            "chapter": 2,
            "page": 9,
        }
        wrong = await client.get("/chapters/2/pages/0")
    assert wrong.status_code == 422
    assert wrong.json()["detail"][0]["loc"] == ["path", "page"]


def test_a_list_is_refused_when_the_route_is_declared():
    with pytest.raises(
        AssertionError, match="Path params must be of one of the supported types"
    ):

        @FastAPI().get("/books/{ids}")
        def read(ids: list[int]) -> list[int]:
            return ids


async def test_a_pattern_without_anchors_is_found_anywhere(client_for):
    async def probe(pattern):
        loose = FastAPI()

        @loose.get("/tags/{tag}")
        def read(tag: Annotated[str, Path(pattern=pattern)]) -> str:
            return tag

        async with client_for(loose) as client:
            paths = ["tea", "12tea34", "tea%0A", "1234"]
            return await statuses(client, *(f"/tags/{each}" for each in paths))

    assert await probe("[a-z]+") == [200, 200, 200, 422]
    assert await probe("^[a-z]+$") == [200, 422, 422, 422]


async def test_one_newline_at_the_end_reaches_the_same_route(client):
    assert await statuses(client, "/books/latest%0A", "/books/latest%0A%0A") == [
        200,
        422,
    ]


# How the shipped app behaves


async def test_a_broken_id_is_422_an_unknown_one_404_and_a_known_one_is_loaded(
    client_for,
):
    async with client_for(real.app) as client:
        assert await statuses(client, "/books/x", "/books/7", "/books/42") == [
            422,
            404,
            200,
        ]
        assert (await client.get("/books/42")).json()["title"] == "Middlemarch"
        assert (await client.get("/books/7")).json() == {
            "detail": "There is no book 7"
        }


async def test_a_broken_id_never_reaches_the_lookup(client_for, monkeypatch):
    asked = []

    class Watched(dict):
        def get(self, key):
            asked.append(key)

    monkeypatch.setattr(real, "BOOKS", Watched())
    async with client_for(real.app) as client:
        await client.get("/books/x")
        await client.get("/books/7")
    assert asked == [7]


async def test_a_book_is_found_only_below_its_own_shelf(client_for):
    async with client_for(real.app) as client:
        paths = [f"/shelves/{shelf.value}/books/42" for shelf in real.Shelf]
        assert await statuses(client, *paths) == [404, 200]


async def test_an_order_is_found_by_its_prefixed_id(client_for):
    async with client_for(real.app) as client:
        other = ORDER[:-1] + "B"
        paths = [
            f"/orders/{each}" for each in (ORDER, other, ORDER.lower(), ORDER[4:])
        ]
        assert await statuses(client, *paths) == [200, 404, 422, 422]


async def test_limits_before_a_validator_are_documented_and_behind_it_not(
    client_for,
):
    async def documented(kind):
        api = FastAPI()

        @api.get("/{number}")
        def read(number: kind) -> int:
            return number

        async with client_for(api) as client:
            assert await statuses(client, "/9", "/10") == [200, 422]
        [parameter] = api.openapi()["paths"]["/{number}"]["get"]["parameters"]
        return parameter["schema"]

    digits, limit = BeforeValidator(real.plain_digits), Path(le=9)
    assert (await documented(Annotated[int, limit, digits]))["maximum"] == 9
    assert "maximum" not in await documented(Annotated[int, digits, limit])


def test_every_hole_of_both_apps_has_its_argument():
    assert real.broken_holes(main.app) == []
    assert real.broken_holes(real.app) == []


# The gotchas


async def test_me_is_taken_for_an_id(client_for):
    def me() -> str:
        return "you"

    def user(user_id: int) -> int:
        return user_id

    async def probe(*routes):
        api = FastAPI()
        for path, endpoint in routes:
            api.get(path)(endpoint)
        async with client_for(api) as client:
            answer = (await client.get("/users/me")).json()
            return answer if answer == "you" else answer["detail"][0]["loc"]

    fixed, hole = ("/users/me", me), ("/users/{user_id}", user)
    assert await probe(hole, fixed) == ["path", "user_id"]
    assert await probe(fixed, hole) == "you"


async def test_with_text_the_wrong_function_answers_without_an_error(client_for):
    api = FastAPI()

    @api.get("/users/{name}")
    def user(name: str) -> str:
        return f"profile of {name}"

    @api.get("/users/me")
    def me() -> str:
        return "you"

    async with client_for(api) as client:
        assert (await client.get("/users/me")).json() == "profile of me"


async def test_a_route_of_another_method_shadows_nothing(client_for):
    api = FastAPI()

    @api.delete("/users/{user_id}")
    def delete(user_id: int) -> int:
        return user_id

    @api.get("/users/me")
    def me() -> str:
        return "you"

    async with client_for(api) as client:
        assert (await client.get("/users/me")).json() == "you"


async def test_included_routers_are_tried_in_the_order_of_inclusion(client_for):
    fixed, hole = APIRouter(), APIRouter()
    fixed.get("/users/me")(lambda: "you")
    hole.get("/users/{name}")(lambda name: f"profile of {name}")

    async def probe(*routers):
        api = FastAPI()
        for router in routers:
            api.include_router(router)
        async with client_for(api) as client:
            return (await client.get("/users/me")).json()

    assert await probe(hole, fixed) == "profile of me"
    assert await probe(fixed, hole) == "you"


async def test_name_mismatch_reads_the_query(client_for):
    async def probe(endpoint):
        api = FastAPI()
        api.get("/books/{book_id}")(endpoint)
        async with client_for(api) as client:
            answer = await client.get("/books/7")
            return answer.status_code, answer.json(), real.broken_holes(api)

    def trap(number: int) -> int:
        return number

    def silent_trap(number: int = 1) -> int:
        return number

    def fix(book_id: int) -> int:
        return book_id

    def alias_fix(number: Annotated[int, Path(alias="book_id")]) -> int:
        return number

    status, body, broken = await probe(trap)
    assert (status, body["detail"][0]["loc"]) == (422, ["query", "number"])
    assert broken == ["/books/{book_id}: book_id"]
    assert await probe(silent_trap) == (200, 1, ["/books/{book_id}: book_id"])
    assert await probe(fix) == (200, 7, [])
    assert await probe(alias_fix) == (200, 7, [])


async def test_an_alias_with_an_explicit_path_never_reads_the_query(client_for):
    api = FastAPI()

    @api.get("/books/{number}")
    def read(book_id: real.BookId) -> int:
        return book_id

    async with client_for(api) as client:
        answer = await client.get("/books/7?book_id=8")
    assert answer.status_code == 422
    assert answer.json()["detail"][0]["loc"] == ["path", "book_id"]
    assert real.broken_holes(api) == [
        "/books/{number}: book_id",
        "/books/{number}: number",
    ]


async def test_encoded_slash_splits_the_path(server):
    async with server("main:app") as url, url.client() as client:

        async def probe(path):
            answer = await client.get(path)
            return answer.status_code, answer.json()

        not_a_book = await probe("/books/2026%2Ftea")
        a_cover = await probe("/covers/2026%2Ftea")
        encoded_twice = await probe("/covers/2026%252Ftea")

    assert not_a_book == (404, {"detail": "Not Found"})
    assert a_cover == (200, {"file": "2026/tea", "parts": ["2026", "tea"]})
    assert encoded_twice == (200, {"file": "2026%2Ftea", "parts": ["2026%2Ftea"]})


async def test_path_convertor_swallows_routes(client_for):
    def file(name: str) -> dict[str, str]:
        return {"file": name}

    def info(name: str) -> dict[str, str]:
        return {"info of": name}

    async def probe(*routes):
        api = FastAPI()
        for path, endpoint in routes:
            api.get(path)(endpoint)
        async with client_for(api) as client:
            return (await client.get("/covers/2026/tea.png/info")).json()

    broad, narrow = (
        ("/covers/{name:path}", file),
        ("/covers/{name:path}/info", info),
    )
    assert await probe(broad, narrow) == {"file": "2026/tea.png/info"}
    assert await probe(narrow, broad) == {"info of": "2026/tea.png"}


async def test_default_makes_nothing_optional(client_for):
    def read(edition: int | None = None) -> int | None:
        return edition

    async def probe(*paths):
        api = FastAPI()
        for path in paths:
            api.get(path)(read)
        async with client_for(api) as client:
            return await statuses(client, "/editions", "/editions/2")

    with pytest.raises(
        AssertionError, match="Path parameters cannot have a default value"
    ):
        Path(None)
    with pytest.raises(
        AssertionError, match="Path parameters cannot have default values"
    ):

        @FastAPI().get("/editions/{edition}")
        def marked(edition: Annotated[int | None, Path()] = None) -> int | None:
            return edition

    assert await probe("/editions/{edition}") == [404, 200]
    assert await probe("/editions/{edition}", "/editions") == [200, 200]


async def test_without_the_hole_the_same_argument_is_a_query_parameter(client_for):
    api = FastAPI()

    @api.get("/editions")
    @api.get("/editions/{edition}")
    def read(edition: int | None = None) -> int | None:
        return edition

    async with client_for(api) as client:
        assert (await client.get("/editions?edition=2")).json() == 2
        assert (await client.get("/editions/3?edition=2")).json() == 3


async def test_hyphen_makes_no_hole(client_for):
    async def probe(path):
        api = FastAPI()

        @api.get(path)
        def read(
            book_id: Annotated[int, Path(alias=re.findall(r"{([\w-]+)", path)[0])],
        ) -> int:
            return book_id

        async with client_for(api) as client:
            return await statuses(client, "/books/7"), real.broken_holes(api)

    assert await probe("/books/{book-id}") == ([404], ["/books/{book-id}: book-id"])
    assert await probe("/books/{book_id: int}") == (
        [404],
        ["/books/{book_id: int}: book_id", "/books/{book_id: int}: book_id: int"],
    )
    assert await probe("/books/{book_id}") == ([200], [])


async def test_number_choices_never_match(client_for):
    class Plain(enum.Enum):
        LOW = 1
        HIGH = 2

    class Level(enum.IntEnum):
        LOW = 1
        HIGH = 2

    async def probe(kind):
        api = FastAPI()

        @api.get("/levels/{level}")
        def read(level: kind) -> str:
            return "found"

        async with client_for(api) as client:
            answer = await client.get("/levels/1")
            return (
                answer.json()
                if answer.is_success
                else answer.json()["detail"][0]["msg"]
            )

    assert await probe(Literal[1, 2]) == "Input should be 1 or 2"
    assert await probe(Plain) == "Input should be 1 or 2"
    assert await probe(Level) == "found"


async def test_int_or_str_stays_text(client_for):
    async def probe(kind):
        api = FastAPI()

        @api.get("/books/{key}")
        def read(key: kind) -> str:
            return f"{type(key).__name__} {key}"

        async with client_for(api) as client:
            return [
                (await client.get(f"/books/{key}")).json() for key in ("7", "emma")
            ]

    assert await probe(int | str) == ["str 7", "str emma"]
    in_order = Annotated[int | str, Path(union_mode="left_to_right")]
    assert await probe(in_order) == ["int 7", "str emma"]


async def test_id_does_not_fit_the_column(client_for):
    db = sqlite3.connect(":memory:", check_same_thread=False)
    db.execute("CREATE TABLE books (id INTEGER PRIMARY KEY)")

    async def probe(kind):
        api = FastAPI()

        @api.get("/books/{book_id}")
        def read(book_id: kind) -> str:
            return str(
                db.execute("SELECT 1 FROM books WHERE id = ?", [book_id]).fetchone()
            )

        async with client_for(api) as client:
            return await statuses(client, "/books/7", f"/books/{2**63}")

    assert await probe(int) == [200, 500]
    assert await probe(Annotated[int, Path(le=2**63 - 1)]) == [200, 422]


async def test_convertor_hides_the_reason(client_for):
    async def probe(path):
        api = FastAPI()

        @api.get(path)
        def read(book_id: int) -> str:
            return "found"

        async with client_for(api) as client:
            digits = "9" * 5000
            return await statuses(
                client, "/books/7", "/books/x", "/books/-7", f"/books/{digits}"
            )

    assert await probe("/books/{book_id:int}") == [200, 404, 404, 500]
    assert await probe("/books/{book_id}") == [200, 422, 200, 422]


async def test_two_convertors_on_one_path_leave_one_operation_in_the_docs(
    client_for,
):
    api = FastAPI()

    @api.get("/books/{key:int}")
    def by_number(key: int) -> str:
        return "by number"

    @api.get("/books/{key}")
    def by_slug(key: str) -> str:
        return "by slug"

    async with client_for(api) as client:
        answers = [
            (await client.get(f"/books/{key}")).json() for key in ("7", "emma")
        ]
    assert answers == ["by number", "by slug"]
    assert [each["get"]["summary"] for each in api.openapi()["paths"].values()] == [
        "By Slug"
    ]


async def test_one_book_has_many_urls(client_for):
    spellings = ["7", "07", "+7", "%207", "7.0", "7%0A", "0_7"]

    async def probe(kind):
        api = FastAPI()

        @api.get("/books/{book_id}")
        def read(book_id: kind) -> int:
            return book_id

        async with client_for(api) as client:
            paths = [f"/books/{text}" for text in spellings]
            return [path for path in paths if (await client.get(path)).json() == 7]

    assert await probe(int) == [f"/books/{text}" for text in spellings]
    assert await probe(real.BookId) == ["/books/7"]


async def test_path_leaves_the_folder(client_for, tmp_path, monkeypatch):
    folder = tmp_path / "covers"
    folder.mkdir()
    (folder / "tea.png").write_text("a cover")
    secret = tmp_path / "secret.env"
    secret.write_text("KEY=1")
    trap = FastAPI()

    @trap.get("/covers/{file:path}")
    def read(file: str) -> FileResponse:
        return FileResponse(folder / file)

    async def probe(api):
        paths = [
            "/covers/tea.png",
            "/covers/%2e%2e/secret.env",
            f"/covers/{secret}",
        ]
        async with client_for(api) as client:
            return [(await client.get(path)).text for path in paths]

    monkeypatch.setitem(
        real.app.dependency_overrides, real.cover_folder, lambda: folder
    )
    refused = '{"detail":"There is no such cover"}'
    assert await probe(trap) == ["a cover", "KEY=1", "KEY=1"]
    assert await probe(real.app) == ["a cover", refused, refused]


async def test_static_files_stay_in_their_folder(client_for, tmp_path):
    folder = tmp_path / "covers"
    folder.mkdir()
    (folder / "tea.png").write_text("a cover")
    (tmp_path / "secret.env").write_text("KEY=1")
    static = FastAPI()
    static.mount("/covers", StaticFiles(directory=folder))
    async with client_for(static) as client:
        assert await statuses(
            client, "/covers/tea.png", "/covers/%2e%2e/secret.env"
        ) == [200, 404]


async def test_a_zero_byte_is_a_500_unless_the_pattern_refuses_it(client_for):
    def resolve(file: str) -> str:
        return str(FilePath(file).resolve())

    def guarded(file: real.FileName) -> str:
        return resolve(file)

    async def probe(endpoint):
        api = FastAPI()
        api.get("/covers/{file:path}")(endpoint)
        async with client_for(api) as client:
            return await statuses(client, "/covers/tea%00.png")

    assert await probe(resolve) == [500]
    assert await probe(guarded) == [422]


async def test_url_for_escapes_nothing(client_for):
    async def probe(escape):
        api = FastAPI()

        @api.get("/tags/{tag}")
        def read_tag(tag: str) -> str:
            return tag

        @api.get("/")
        def link(request: Request) -> str:
            return str(request.url_for("read_tag", tag=escape("c#?")))

        async with client_for(api) as client:
            address = (await client.get("/")).json()
            return address, (await client.get(address)).json()

    assert await probe(str) == ("http://test/tags/c#?", "c")
    assert await probe(lambda tag: quote(tag, safe="")) == (
        "http://test/tags/c%23%3F",
        "c#?",
    )
