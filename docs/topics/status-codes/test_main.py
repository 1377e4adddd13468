import asyncio
import http.client
import sqlite3
import subprocess
import sys
import warnings
from contextlib import suppress
from threading import Barrier, BrokenBarrierError
from typing import Annotated

import main
import pytest
import real
from fastapi import Body, FastAPI, HTTPException, Response, status
from fastapi.responses import JSONResponse, RedirectResponse
from starlette.exceptions import StarletteDeprecationWarning

EMMA = {"isbn": "0141439580", "pages": 512}
ADA = {"Authorization": "Bearer token-of-ada"}
BOB = {"Authorization": "Bearer token-of-bob"}


@pytest.fixture(autouse=True)
def empty():
    main.BOOKS.clear()
    real.db.execute("DELETE FROM pages")


# How the small app behaves


async def test_a_new_book_is_201_with_its_address(client):
    answer = await client.post("/books", json=EMMA)
    assert (answer.status_code, answer.json()) == (201, EMMA)
    assert answer.headers["location"] == "/books/0141439580"
    found = await client.get(answer.headers["location"])
    assert (found.status_code, found.json()) == (200, EMMA)


async def test_the_address_contains_the_prefix_of_a_proxy_and_no_host(client_for):
    async with client_for(main.app, root_path="/api") as client:
        answer = await client.post("/books", json=EMMA)
    assert answer.headers["location"] == "/api/books/0141439580"


async def test_a_second_book_with_the_same_isbn_is_409(client):
    await client.post("/books", json=EMMA)
    answer = await client.post("/books", json=EMMA)
    assert (answer.status_code, answer.json()) == (
        409,
        {"detail": "There is already a book 0141439580"},
    )


async def test_an_unknown_book_is_404_with_our_own_words(client):
    ours, routers = await client.get("/books/1"), await client.get("/boks/1")
    assert ours.status_code == routers.status_code == 404
    assert ours.json() == {"detail": "There is no book 1"}
    assert routers.json() == {"detail": "Not Found"}


async def test_deleting_is_204_without_a_body_however_often(client):
    await client.post("/books", json=EMMA)
    for _ in range(2):
        answer = await client.delete("/books/0141439580")
        assert (answer.status_code, answer.content) == (204, b"")
        assert "content-length" not in answer.headers
        with pytest.raises(ValueError, match="Expecting value"):
            answer.json()


async def test_an_old_link_is_308_to_the_new_one(client):
    answer = await client.get("/b/0141439580")
    assert (answer.status_code, answer.content) == (308, b"")
    assert answer.headers["location"] == "/books/0141439580"


async def test_a_value_of_the_wrong_type_and_broken_json_are_both_422(client):
    json = {"Content-Type": "application/json"}
    kinds = []
    for body in ('{"isbn": "1", "pages": "many"}', '{"isbn": '):
        answer = await client.post("/books", content=body, headers=json)
        assert answer.status_code == 422
        kinds += [each["type"] for each in answer.json()["detail"]]
    assert kinds == ["int_parsing", "json_invalid"]


async def test_a_mistake_in_the_code_is_500_and_says_nothing(client_for):
    api = FastAPI()
    api.get("/")(lambda: 1 / 0)
    async with client_for(api) as client:
        answer = await client.get("/")
    assert (answer.status_code, answer.text) == (500, "Internal Server Error")
    assert answer.headers["content-type"] == "text/plain; charset=utf-8"


# How a code is chosen


async def test_the_injected_response_can_change_the_code_of_success(client_for):
    api, stored = FastAPI(), {}

    @api.put("/pages/{slug}")
    def put(slug: str, response: Response) -> str:
        if slug not in stored:
            response.status_code = 201
        stored[slug] = slug
        return slug

    async with client_for(api) as client:
        answers = [await client.put("/pages/a") for _ in range(2)]
    assert [each.status_code for each in answers] == [201, 200]
    documented = api.openapi()["paths"]["/pages/{slug}"]["put"]["responses"]
    assert sorted(documented) == ["200", "422"]


async def test_an_exception_without_detail_takes_the_phrase_of_the_code(client_for):
    api = FastAPI()

    @api.get("/{code}")
    def refuse(code: int) -> None:
        raise HTTPException(code)

    async with client_for(api) as client:
        said = [(await client.get(f"/{code}")).json() for code in (403, 409)]
        empty = await client.get("/304")
    assert said == [{"detail": "Forbidden"}, {"detail": "Conflict"}]
    assert (empty.status_code, empty.content) == (304, b"")


async def test_a_204_refuses_a_return_type_and_drops_what_has_none(client_for):
    def unannotated():
        return {"deleted": 7}

    def annotated() -> dict[str, int]:
        return {"deleted": 7}

    async def probe(code, endpoint):
        api = FastAPI()
        try:
            api.delete("/", status_code=code)(endpoint)
        except AssertionError as error:
            return str(error)
        async with client_for(api) as client:
            answer = await client.delete("/")
            return answer.status_code, answer.text

    assert await probe(204, unannotated) == (204, "")
    assert (
        await probe(204, annotated)
        == "Status code 204 must not have a response body"
    )
    assert await probe(200, unannotated) == (200, '{"deleted":7}')
    assert await probe(200, annotated) == (200, '{"deleted":7}')


def test_the_docs_have_no_body_for_204_and_no_422_without_input():
    api = FastAPI()

    @api.delete("/notes", status_code=204)
    def clear() -> None:
        pass

    [answers] = [
        each["responses"] for each in api.openapi()["paths"]["/notes"].values()
    ]
    assert answers == {"204": {"description": "Successful Response"}}


async def test_redirect_codes_change_methods(client_for, shown):
    api = FastAPI()

    @api.api_route("/{code}/from", methods=["GET", "POST", "PUT"])
    def send_on(code: int) -> RedirectResponse:
        return RedirectResponse("/there", code)

    @api.get("/there")
    @api.post("/there")
    @api.put("/there")
    def arrive() -> None:
        pass

    lines = ["sent  GET   POST  PUT"]
    async with client_for(api, follow_redirects=True) as client:
        for code in (301, 302, 303, 307, 308):
            arrived = [
                (await client.request(method, f"/{code}/from")).request.method
                for method in ("GET", "POST", "PUT")
            ]
            lines.append(f"{code}   " + " ".join(f"{each:<5}" for each in arrived))
    shown("redirects", "\n".join(line.rstrip() for line in lines))


# How the shipped app behaves


async def with_pages(client):
    for slug, public in (("secret", False), ("notice", True)):
        page = {"slug": slug, "text": "…", "public": public}
        answer = await client.post("/pages", json=page, headers=ADA)
        assert answer.status_code == 201
        assert answer.headers["location"] == f"/pages/{slug}"


async def test_the_owner_the_reader_and_the_stranger(client_for, shown):
    async with client_for(real.app) as client:
        await with_pages(client)
        lines = ["                       Ada  Bob  nobody"]
        for method, slug in [
            ("GET", "notice"),
            ("GET", "secret"),
            ("GET", "missing"),
            ("DELETE", "secret"),
            ("DELETE", "notice"),
        ]:
            codes = []
            for headers in (None, BOB, ADA):
                answer = await client.request(
                    method, f"/pages/{slug}", headers=headers
                )
                codes.insert(0, str(answer.status_code))
            lines.append(f"{method:<6} /pages/{slug:<9}" + "  ".join(codes))
    shown("answers", "\n".join(lines))


async def test_both_kinds_of_401_carry_a_challenge(client_for):
    async with client_for(real.app) as client:
        for headers in ({}, {"Authorization": "Bearer unknown"}):
            answer = await client.get("/pages/a", headers=headers)
            assert answer.status_code == 401
            assert answer.headers["www-authenticate"] == "Bearer"


async def test_a_taken_name_is_409(client_for):
    async with client_for(real.app) as client:
        await with_pages(client)
        page = {"slug": "notice", "text": "mine"}
        answer = await client.post("/pages", json=page, headers=BOB)
    assert (answer.status_code, answer.json()) == (
        409,
        {"detail": "The name notice is taken"},
    )


async def test_broken_json_is_refused_before_the_caller_and_wrong_fields_after(
    client_for,
):
    json = {"Content-Type": "application/json"}
    async with client_for(real.app) as client:
        broken = await client.post("/pages", content="{", headers=json)
        wrong = await client.post("/pages", content="{}", headers=json)
        known = await client.post("/pages", content="{}", headers=json | ADA)
    codes = [each.status_code for each in (broken, wrong, known)]
    assert codes == [422, 401, 422]


async def test_dependencies_answer_before_a_wrong_field_does(client_for):
    api = FastAPI()

    @api.patch("/pages/{slug}")
    def change(
        page: real.OwnPage, copies: Annotated[int, Body(embed=True)]
    ) -> None:
        raise HTTPException(409)

    async def patch(slug, headers, copies):
        async with client_for(api) as client:
            body = {"copies": copies}
            answer = await client.patch(
                f"/pages/{slug}", json=body, headers=headers
            )
            return answer.status_code

    async with client_for(real.app) as client:
        await with_pages(client)
    assert await patch("notice", {}, "many") == 401
    assert await patch("missing", ADA, "many") == 404
    assert await patch("notice", BOB, "many") == 403
    assert await patch("notice", ADA, "many") == 422
    assert await patch("notice", ADA, 1) == 409


def test_the_docs_list_every_code_that_a_route_may_answer():
    paths = real.app.openapi()["paths"]
    listed = {
        f"{method} {path}": sorted(operation["responses"])
        for path, item in paths.items()
        for method, operation in item.items()
    }
    assert listed == {
        "post /pages": ["201", "401", "409", "422"],
        "get /pages/{slug}": ["200", "401", "404", "422"],
        "delete /pages/{slug}": ["204", "401", "403", "404", "422"],
    }


# The gotchas


async def test_returned_error_is_200(client_for):
    async def probe(endpoint):
        api = FastAPI()
        api.get("/")(endpoint)
        async with client_for(api) as client:
            answer = await client.get("/")
            return answer.status_code, answer.text

    def returned():
        return HTTPException(404, "There is no such book")

    def annotated() -> dict:
        return HTTPException(404, "There is no such book")

    def as_in_flask():
        return {"detail": "There is no such book"}, 404

    def raised():
        raise HTTPException(404, "There is no such book")

    said = '"detail":"There is no such book"'
    assert await probe(returned) == (
        200,
        '{"status_code":404,' + said + ',"headers":null}',
    )
    assert await probe(annotated) == (500, "Internal Server Error")
    assert await probe(as_in_flask) == (200, "[{" + said + "},404]")
    assert await probe(raised) == (404, "{" + said + "}")


async def test_json_response_breaks_204(server, tmp_path):
    (tmp_path / "two.py").write_text(
        "from fastapi import FastAPI, Response\n"
        "from fastapi.responses import JSONResponse\n"
        "app = FastAPI()\n"
        "app.get('/trap')(lambda: JSONResponse(None, 204))\n"
        "app.get('/fix')(lambda: Response(status_code=204))\n"
    )
    async with server("two:app", "--http", "httptools", cwd=tmp_path) as url:

        async def probe(path):
            reader, writer = await asyncio.open_connection("127.0.0.1", url.port)
            answers = 0
            with suppress(asyncio.IncompleteReadError, ConnectionError):
                for _ in range(3):
                    writer.write(
                        f"GET {path} HTTP/1.1\r\nHost: test\r\n\r\n".encode()
                    )
                    head = await reader.readuntil(b"\r\n\r\n")
                    answers += head.startswith(b"HTTP/1.1 204")
            writer.close()
            error = "Response content longer than Content-Length"
            return answers, error in url.log()

        assert await probe("/fix") == (3, False)
        assert await probe("/trap") == (1, True)


async def test_redirect_after_post_is_405(client_for):
    async def probe(*code):
        api = FastAPI()
        api.get("/thanks")(lambda: "thanks")

        @api.post("/orders")
        def order() -> RedirectResponse:
            return RedirectResponse("/thanks", *code)

        async with client_for(api, follow_redirects=True) as browser:
            answer = await browser.post("/orders")
            return answer.status_code, answer.json()

    assert await probe() == (405, {"detail": "Method Not Allowed"})
    assert await probe(303) == (200, "thanks")


async def test_moved_post_arrives_as_get(client_for):
    async def probe(code):
        api = FastAPI()
        api.post("/v1/orders")(lambda: RedirectResponse("/v2/orders", code))
        api.get("/v2/orders")(lambda: "a list of orders")
        api.post("/v2/orders")(lambda: "an order is placed")
        async with client_for(api, follow_redirects=True) as client:
            return (await client.post("/v1/orders")).json()

    assert await probe(301) == "a list of orders"
    assert await probe(308) == "an order is placed"


async def test_decorator_code_is_ignored(client_for):
    async def probe(endpoint):
        api = FastAPI()
        api.post("/", status_code=201)(endpoint)
        async with client_for(api) as client:
            return (await client.post("/")).status_code

    assert await probe(lambda: JSONResponse({"id": 7})) == 200
    assert await probe(lambda: JSONResponse({"id": 7}, 201)) == 201
    assert await probe(lambda: {"id": 7}) == 201


async def test_headers_vanish_with_the_error(client_for):
    def trap(response: Response) -> None:
        response.delete_cookie("session")
        response.headers["Retry-After"] = "60"
        raise HTTPException(401)

    def fix() -> None:
        cleared = Response()
        cleared.delete_cookie("session")
        headers = {"Retry-After": "60", "Set-Cookie": cleared.headers["set-cookie"]}
        raise HTTPException(401, headers=headers)

    async def probe(endpoint):
        api = FastAPI()
        api.get("/")(endpoint)
        async with client_for(api) as client:
            answer = await client.get("/")
        assert answer.status_code == 401
        return [
            name for name in ("retry-after", "set-cookie") if name in answer.headers
        ]

    assert await probe(trap) == []
    assert await probe(fix) == ["retry-after", "set-cookie"]


async def test_duplicate_is_a_500(client_for):
    def app(db, patience, catch):
        api, meeting = FastAPI(), Barrier(2)

        @api.post("/users/{name}", status_code=201)
        def add(name: str) -> None:
            taken = db.execute(
                "SELECT 1 FROM users WHERE name = ?", [name]
            ).fetchone()
            with suppress(BrokenBarrierError):
                meeting.wait(patience)
            if taken:
                raise HTTPException(409)
            try:
                db.execute("INSERT INTO users VALUES (?)", [name])
            except catch:
                raise HTTPException(409) from None

        return api

    async def probe(catch):
        db = sqlite3.connect(
            ":memory:", check_same_thread=False, isolation_level=None
        )
        db.execute("CREATE TABLE users (name TEXT PRIMARY KEY)")
        async with client_for(app(db, 10, catch)) as client:
            both = [client.post("/users/ada"), client.post("/users/ada")]
            answers = await asyncio.gather(*both)
        return sorted(each.status_code for each in answers)

    nothing = ()
    assert await probe(nothing) == [201, 500]
    assert await probe(sqlite3.IntegrityError) == [201, 409]


async def test_403_confirms_what_it_hides(client_for):
    trap = FastAPI()

    @trap.get("/pages/{slug}")
    def read(slug: str, caller: real.Caller) -> str:
        row = real.db.execute(
            "SELECT owner FROM pages WHERE slug = ?", [slug]
        ).fetchone()
        if row is None:
            raise HTTPException(404, f"There is no page {slug}")
        if row["owner"] != caller:
            raise HTTPException(403, "This page is not yours")
        return slug

    async def probe(api):
        async with client_for(real.app) as owner:
            await with_pages(owner)
        guesses = ["layoffs", "secret"]
        async with client_for(api) as client:
            answers = [
                await client.get(f"/pages/{slug}", headers=BOB) for slug in guesses
            ]
        real.db.execute("DELETE FROM pages")
        return [each.status_code for each in answers]

    assert await probe(trap) == [404, 403]
    assert await probe(real.app) == [404, 404]


async def test_docs_know_no_404():
    def probe(**options):
        api = FastAPI()

        @api.get("/books/{isbn}", **options)
        def read(isbn: str) -> str:
            raise HTTPException(404)

        return sorted(api.openapi()["paths"]["/books/{isbn}"]["get"]["responses"])

    assert probe() == ["200", "422"]
    assert probe(responses=real.may_answer(404)) == ["200", "404", "422"]


def test_old_name_warns():
    def probe(name):
        with warnings.catch_warnings(record=True) as caught:
            warnings.resetwarnings()
            warnings.simplefilter("ignore", DeprecationWarning)
            value = getattr(status, name)
        return value, [str(each.message) for each in caught]

    assert probe("HTTP_422_UNPROCESSABLE_ENTITY") == (
        422,
        [
            "'HTTP_422_UNPROCESSABLE_ENTITY' is deprecated. "
            "Use 'HTTP_422_UNPROCESSABLE_CONTENT' instead."
        ],
    )
    assert probe("HTTP_422_UNPROCESSABLE_CONTENT") == (422, [])


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("HTTP_413_REQUEST_ENTITY_TOO_LARGE", "HTTP_413_CONTENT_TOO_LARGE"),
        ("HTTP_414_REQUEST_URI_TOO_LONG", "HTTP_414_URI_TOO_LONG"),
        (
            "HTTP_416_REQUESTED_RANGE_NOT_SATISFIABLE",
            "HTTP_416_RANGE_NOT_SATISFIABLE",
        ),
        ("HTTP_422_UNPROCESSABLE_ENTITY", "HTTP_422_UNPROCESSABLE_CONTENT"),
    ],
)
def test_four_names_changed_and_the_old_ones_still_resolve(old, new):
    with pytest.warns(StarletteDeprecationWarning, match=f"Use '{new}' instead"):
        assert getattr(status, old) == getattr(status, new) == int(old[5:8])


def test_the_warning_is_shown_without_any_option():
    code = "from fastapi import status; status.HTTP_422_UNPROCESSABLE_ENTITY"
    command = [sys.executable, "-W", "ignore::DeprecationWarning", "-c", code]
    run = subprocess.run(command, capture_output=True, text=True, check=True)
    assert "StarletteDeprecationWarning" in run.stderr
    assert issubclass(StarletteDeprecationWarning, UserWarning)
    assert not issubclass(StarletteDeprecationWarning, DeprecationWarning)


def test_the_phrase_of_422_comes_from_python():
    assert HTTPException(422).detail == http.client.responses[422]
