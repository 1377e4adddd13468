import json
import os
import re
import runpy
import subprocess
import sys
import warnings
from collections.abc import AsyncIterable, Callable
from decimal import Decimal
from typing import Annotated

import main
import pytest
import real
from fastapi import Depends, FastAPI, File, HTTPException, Query, UploadFile
from fastapi.openapi.docs import get_redoc_html, get_swagger_ui_html
from fastapi.openapi.utils import get_openapi
from pydantic import BaseModel, WithJsonSchema, computed_field

DOCS = ("/docs", "/redoc", "/openapi.json")
HOST = re.compile(r"https?://([^/\"']+)")


async def statuses(client, *paths):
    return [(await client.get(path)).status_code for path in paths]


def schemas(app):
    names = app.openapi()["components"]["schemas"]
    return [name for name in names if "ValidationError" not in name]


# How the small app behaves


async def test_the_schema_says_what_the_code_says(client):
    answer = await client.get("/openapi.json")
    assert answer.status_code == 200
    schema = answer.json()
    assert schema["openapi"] == "3.1.0"
    assert schema["info"] == {"title": "Bookshop", "version": "1.4.0"}
    assert list(schema["paths"]) == ["/books/{book_id}"]
    assert schema["components"]["schemas"]["Book"]["required"] == ["title", "pages"]
    assert schema == main.app.openapi()


async def test_a_book_is_found_or_is_a_404(client):
    found, missing = await client.get("/books/1"), await client.get("/books/2")
    assert (found.status_code, found.json()["title"]) == (200, "Middlemarch")
    assert (missing.status_code, missing.json()) == (
        404,
        {"detail": "No such book"},
    )


async def test_a_hidden_route_still_answers(client):
    answer = await client.get("/stock")
    assert (answer.status_code, answer.json()) == (200, 1)
    assert "/stock" not in main.app.openapi()["paths"]


def test_each_part_of_an_operation_has_its_source(shown):
    operation = main.app.openapi()["paths"]["/books/{book_id}"]["get"]
    assert operation["summary"] == "Read Book"
    assert operation["description"] == "Find one book by its *number*."
    assert operation["operationId"] == "read_book_books__book_id__get"
    assert list(operation["responses"]) == ["200", "404", "422"]
    shown("operation", json.dumps(operation, indent=2))


async def test_the_docs_pages_are_small_and_load_a_program(client):
    page = await client.get("/docs")
    assert page.status_code == 200
    assert len(page.content) < 1500
    assert "url: '/openapi.json'" in page.text
    assert "Middlemarch" not in page.text


def test_each_part_can_be_set_by_hand():
    api = FastAPI()

    @api.get(
        "/books",
        summary="Search",
        description="By title",
        operation_id="search",
        tags=["books"],
        responses={422: {"description": "Ask again"}},
    )
    def books(
        q: int, trace: Annotated[int, Query(include_in_schema=False)] = 0
    ): ...

    operation = api.openapi()["paths"]["/books"]["get"]
    assert (operation["summary"], operation["description"]) == (
        "Search",
        "By title",
    )
    assert (operation["operationId"], operation["tags"]) == ("search", ["books"])
    assert [each["name"] for each in operation["parameters"]] == ["q"]
    assert operation["responses"]["422"] == {"description": "Ask again"}


def test_part_of_a_docstring_stays_private():
    api = FastAPI()

    @api.get("/")
    def read() -> None:
        """For the reader.\f For the developer."""

    description = api.openapi()["paths"]["/"]["get"]["description"]
    assert description == "For the reader."


# How the schema comes to be


def test_the_schema_is_made_at_the_first_call_and_kept():
    api = FastAPI()
    api.get("/books")(lambda: "books")
    assert api.openapi_schema is None
    first = api.openapi()
    assert api.openapi() is first


def test_a_new_route_makes_a_new_schema_but_a_new_title_does_not():
    api = FastAPI(title="Old")
    api.openapi()
    api.title = "New"
    assert api.openapi()["info"]["title"] == "Old"
    api.get("/books")(lambda: "books")
    schema = api.openapi()
    assert (list(schema["paths"]), schema["info"]["title"]) == (["/books"], "New")
    api.title = "Newest"
    api.openapi_schema = None
    assert api.openapi()["info"]["title"] == "Newest"


async def test_no_request_is_checked_against_the_schema(client):
    main.app.openapi()["paths"].clear()
    assert await statuses(client, "/books/1", "/books/x") == [200, 422]
    main.app.openapi_schema = None


async def test_the_docs_routes_come_first_so_a_catch_all_cannot_hide_them(
    client_for,
):
    api = FastAPI()
    api.get("/{rest:path}")(lambda rest: rest)
    async with client_for(api) as client:
        assert "SwaggerUIBundle" in (await client.get("/docs")).text


async def test_a_mounted_app_has_docs_of_its_own(client_for):
    shop, admin = FastAPI(), FastAPI()
    admin.get("/users")(lambda: "books")
    shop.mount("/admin", admin)
    async with client_for(shop) as client:
        outer = (await client.get("/openapi.json")).json()
        inner = (await client.get("/admin/openapi.json")).json()
    assert outer["paths"] == {}
    assert list(inner["paths"]) == ["/users"]
    assert inner["servers"] == [{"url": "/admin"}]


def test_a_stream_is_described_with_a_keyword_of_openapi_3_2():
    api = FastAPI()

    @api.get("/lines")
    async def lines() -> AsyncIterable[main.Book]:
        yield main.BOOKS[1]

    schema = api.openapi()
    content = schema["paths"]["/lines"]["get"]["responses"]["200"]["content"]
    assert schema["openapi"] == "3.1.0"
    assert list(content["application/jsonl"]) == ["itemSchema"]


def test_another_version_number_changes_only_the_number():
    def schema(version):
        api = FastAPI()
        api.openapi_version = version

        @api.get("/books")
        def books(page: int | None = None) -> int:
            return page or 1

        return api.openapi()

    old, new = schema("3.0.3"), schema("3.1.0")
    assert (old.pop("openapi"), new.pop("openapi")) == ("3.0.3", "3.1.0")
    assert old == new
    assert '{"type": "null"}' in json.dumps(old)


def test_the_documented_error_shape_lists_input_and_ctx():
    shape = main.app.openapi()["components"]["schemas"]["ValidationError"]
    assert list(shape["properties"]) == ["loc", "msg", "type", "input", "ctx"]


def test_nobody_checks_an_example():
    class Wrong(BaseModel):
        pages: int

        model_config = {"json_schema_extra": {"examples": [{"pages": "many"}]}}

    api = FastAPI()

    @api.post("/books")
    def add(book: Wrong) -> None: ...

    [example] = api.openapi()["components"]["schemas"]["Wrong"]["examples"]
    with pytest.raises(ValueError, match="int_parsing"):
        Wrong.model_validate(example)


async def test_swagger_ui_takes_options(client_for):
    api = FastAPI(swagger_ui_parameters={"persistAuthorization": True})
    async with client_for(api) as client:
        assert '"persistAuthorization": true' in (await client.get("/docs")).text


# How the shipped app behaves


@pytest.fixture
def shop(monkeypatch, tmp_path):
    monkeypatch.setenv("DOCS_PASSWORD", "reader")
    monkeypatch.setattr(real, "ASSETS", tmp_path)
    for name in ("swagger-ui-bundle.js", "swagger-ui.css", "redoc.standalone.js"):
        (tmp_path / name).write_text("/* from npm */")
    (tmp_path / "favicon-32x32.png").write_bytes(b"png")
    return real.create_app()


async def test_the_docs_ask_for_a_password_and_the_api_does_not(client_for, shop):
    async with client_for(shop) as client:
        assert await statuses(client, *DOCS, "/books") == [401, 401, 401, 200]
        challenge = (await client.get("/docs")).headers["www-authenticate"]
        wrong = await client.get("/docs", auth=("me", "guess"))
        assert await statuses(client, "/docs-assets/swagger-ui.css") == [200]
    assert (challenge, wrong.status_code) == ('Basic realm="docs"', 401)
    async with client_for(shop, auth=("me", "reader")) as client:
        assert await statuses(client, *DOCS) == [200, 200, 200]


async def test_without_a_password_in_the_environment_there_are_no_docs(
    client_for, monkeypatch
):
    monkeypatch.delenv("DOCS_PASSWORD", raising=False)
    async with client_for(real.create_app()) as client:
        assert await statuses(client, *DOCS, "/books") == [404, 404, 404, 200]


async def test_behind_a_prefix_every_address_has_the_prefix(client_for, shop):
    async with client_for(shop, root_path="/shop", auth=("me", "reader")) as client:
        schema = (await client.get("/openapi.json")).json()
        addresses = own_addresses((await client.get("/docs")).text)
        addresses += own_addresses((await client.get("/redoc")).text)
        assert all(each.startswith("/shop/") for each in addresses)
        assert set(await statuses(client, *addresses)) == {200}
    assert schema["servers"] == [{"url": "/shop"}]


def test_a_client_gets_the_name_of_the_function_as_method():
    def operation_id(app, path):
        return app.openapi()["paths"][path]["get"]["operationId"]

    assert operation_id(real.app, "/books") == "list_books"
    default = operation_id(main.app, "/books/{book_id}")
    assert default == "read_book_books__book_id__get"


def test_short_names_must_be_unique_in_the_whole_app():
    api = FastAPI(generate_unique_id_function=real.method_name)
    for path in ("/books", "/users"):

        @api.get(path)
        def list_all() -> None: ...

    with pytest.warns(UserWarning, match="Duplicate Operation ID list_all"):
        api.openapi()


def test_the_schema_can_be_printed_without_a_server(bundle_dir, capsys):
    runpy.run_path(str(bundle_dir / "real.py"), run_name="__main__")
    assert capsys.readouterr().out == real.schema_text(real.create_app())


def test_a_committed_schema_shows_what_a_change_does_to_clients(shown):
    def app(book):
        api = FastAPI()

        @api.get("/books/1")
        def read() -> book:
            return book

        return api

    class Book(BaseModel):
        title: str
        pages: int

    before = app(Book)
    committed = real.schema_text(before)
    assert real.schema_diff(committed, before) == []

    class Book(BaseModel):
        title: str
        page_count: int | None = None

    difference = real.schema_diff(committed, app(Book))
    assert '-          "pages"' in difference
    shown("diff", "\n".join(difference))


# The gotchas


async def test_docs_url_leaves_the_schema_open(client_for):
    async def probe(**options):
        async with client_for(FastAPI(**options)) as client:
            return await statuses(client, *DOCS)

    assert await probe(docs_url=None) == [404, 200, 200]
    assert await probe(docs_url=None, redoc_url=None) == [404, 404, 200]
    assert await probe(openapi_url=None) == [404, 404, 404]


async def test_app_dependency_leaves_the_docs_open(client_for, monkeypatch):
    def nobody():
        raise HTTPException(401)

    async def probe(api):
        api.get("/books")(lambda: "books")
        async with client_for(api) as client:
            return await statuses(client, "/books", *DOCS)

    def fix():
        monkeypatch.setenv("DOCS_PASSWORD", "reader")
        api = FastAPI(dependencies=[Depends(nobody)], openapi_url=None)
        real.add_docs(api)
        return api

    trap = FastAPI(dependencies=[Depends(nobody)])
    assert await probe(trap) == [401, 200, 200, 200]
    assert await probe(fix()) == [401, 401, 401, 401]


async def test_proxy_prefix_hides_the_schema(server):
    async def probe(*options):
        """Be the browser and a proxy that passes /shop/x on as /x."""
        async with server("main:app", *options) as url, url.client() as http:
            page = await http.get("/docs")
            address = re.search(r"url: '(.+)'", page.text)[1]
            if not address.startswith("/shop/"):
                return page.status_code, address, "another service answers"
            schema = await http.get(address.removeprefix("/shop"))
            return page.status_code, address, schema.json()["servers"]

    lost = (200, "/openapi.json", "another service answers")
    assert await probe() == lost
    fixed = (200, "/shop/openapi.json", [{"url": "/shop"}])
    assert await probe("--root-path", "/shop") == fixed


def test_the_app_itself_should_no_longer_set_the_root_path():
    with pytest.warns(UserWarning, match="`root_path` parameter is deprecated"):
        FastAPI(root_path="/shop")


def own_addresses(html):
    html = re.sub(r"<!--.*?-->", "", html, flags=re.DOTALL)
    found = re.findall(r"(?:src|href|spec-url)=\"([^\"]+)\"|url: '(.+)'", html)
    return [a or b for a, b in found]


async def test_docs_page_needs_a_cdn(client_for, shop):
    async def probe(api):
        hosts = set()
        async with client_for(api, auth=("me", "reader")) as client:
            for path in ("/docs", "/redoc"):
                addresses = own_addresses((await client.get(path)).text)
                hosts |= set(HOST.findall(" ".join(addresses)))
                own = [each for each in addresses if each.startswith("/")]
                assert set(await statuses(client, *own)) == {200}
        return sorted(hosts)

    assert await probe(FastAPI()) == [
        "cdn.jsdelivr.net",
        "fastapi.tiangolo.com",
        "fonts.googleapis.com",
    ]
    assert await probe(shop) == []


def test_the_default_pages_load_swagger_ui_5_and_redoc_2():
    swagger = get_swagger_ui_html(openapi_url="/x", title="x").body.decode()
    redoc = get_redoc_html(openapi_url="/x", title="x").body.decode()
    assert "cdn.jsdelivr.net/npm/swagger-ui-dist@5/swagger-ui-bundle.js" in swagger
    assert "cdn.jsdelivr.net/npm/redoc@2/bundles/redoc.standalone.js" in redoc


async def test_one_field_breaks_the_docs(client_for):
    async def probe(kind):
        class Job(BaseModel):
            name: str
            done: kind | None = None

        api = FastAPI()
        api.get("/books")(lambda: "books")

        @api.post("/jobs")
        def add(job: Job) -> str:
            return job.name

        async with client_for(api) as client:
            working = await client.post("/jobs", json={"name": "count"})
            others = await statuses(client, "/books", "/docs", "/openapi.json")
            return [working.status_code, *others]

    trap = Callable[[int], int]
    fix = Annotated[trap, WithJsonSchema({"type": "string"})]
    assert await probe(trap) == [200, 200, 200, 500]
    assert await probe(fix) == [200, 200, 200, 200]


def test_a_call_of_openapi_finds_the_broken_field_without_a_request():
    api = FastAPI()

    @api.post("/jobs")
    def add(done: Annotated[Callable[[], int] | None, Query()] = None) -> None: ...

    with pytest.raises(Exception, match="Cannot generate a JsonSchema"):
        api.openapi()


def test_raised_errors_stay_undocumented():
    def probe(**options):
        api = FastAPI()

        @api.get("/books/{book_id}", **options)
        def read(book_id: int) -> str:
            raise HTTPException(404)

        [path] = api.openapi()["paths"].values()
        return list(path["get"]["responses"])

    assert probe() == ["200", "422"]
    assert probe(responses={404: {"model": main.Problem}}) == ["200", "404", "422"]


def test_parameter_examples_stay_invisible():
    def probe(parameter):
        api = FastAPI()

        @api.get("/books")
        def search(q: Annotated[str, parameter]) -> str:
            return q

        [documented] = api.openapi()["paths"]["/books"]["get"]["parameters"]
        return "examples" in documented, "examples" in documented["schema"]

    beside_the_schema, inside_the_schema = (True, False), (False, True)
    assert probe(Query(examples=["tea"])) == inside_the_schema
    fix = Query(openapi_examples={"a drink": {"value": "tea"}})
    assert probe(fix) == beside_the_schema


async def test_several_files_become_text_boxes(client_for):
    async def probe(kind):
        api = FastAPI()

        @api.post("/covers")
        def upload(files: Annotated[list[kind], File()]) -> int:
            return len(files)

        async with client_for(api) as client:
            covers = [("files", ("a.png", b"1")), ("files", ("b.png", b"2"))]
            answer = await client.post("/covers", files=covers)
        [body] = [each for each in schemas(api) if each.startswith("Body")]
        items = api.openapi()["components"]["schemas"][body]["properties"]["files"]
        return answer.json(), items["items"]

    binary = {"type": "string", "format": "binary"}
    octets = {"type": "string", "contentMediaType": "application/octet-stream"}
    assert await probe(UploadFile) == (2, octets)
    fix = Annotated[UploadFile, WithJsonSchema(binary)]
    assert await probe(fix) == (2, binary)


def test_methods_share_an_operation_id():
    def probe(*declare):
        api = FastAPI()

        def clear() -> None: ...

        for decorator in declare:
            decorator(api)(clear)
        with warnings.catch_warnings(record=True) as caught:
            warnings.simplefilter("always")
            [path] = api.openapi()["paths"].values()
        told = [str(each.message)[:22] for each in caught]
        return len({each["operationId"] for each in path.values()}), told

    def both(api):
        return api.api_route("/cart", methods=["POST", "DELETE"])

    def post(api):
        return api.post("/cart")

    def delete(api):
        return api.delete("/cart")

    assert probe(both) == (1, ["Duplicate Operation ID"])
    assert probe(post, delete) == (2, [])


def test_the_shared_operation_id_changes_from_run_to_run():
    code = (
        "from fastapi import FastAPI; import warnings;"
        "warnings.simplefilter('ignore'); api = FastAPI();"
        "api.add_api_route('/cart', print, methods=['POST', 'DELETE']);"
        "print(api.openapi()['paths']['/cart']['post']['operationId'])"
    )
    runs = [
        subprocess.Popen(
            [sys.executable, "-c", code.replace("print, ", "(lambda: 1), ")],
            env={**os.environ, "PYTHONHASHSEED": seed},
            stdout=subprocess.PIPE,
            text=True,
        )
        for seed in ("0", "1")
    ]
    first, second = (run.communicate()[0] for run in runs)
    assert first != second


class Priced(BaseModel):
    price: Decimal


def both_ways(model, **options):
    api = FastAPI(**options)

    @api.post("/prices")
    def echo(value: model) -> model:
        return value

    return schemas(api)


def test_one_model_becomes_two():
    def probe(**options):
        return both_ways(Priced, **options)

    assert probe() == ["Priced-Input", "Priced-Output"]
    assert probe(separate_input_output_schemas=False) == ["Priced"]


def test_the_merged_model_describes_the_input():
    def price(**options):
        api = FastAPI(**options)

        @api.post("/prices")
        def echo(value: Priced) -> Priced:
            return value

        names = api.openapi()["components"]["schemas"]
        return {
            name: [kind["type"] for kind in shape.get("anyOf", [shape])]
            for name in names
            if name.startswith("Priced")
            for shape in [names[name]["properties"]["price"]]
        }

    accepted, sent = ["number", "string"], ["string"]
    assert price() == {"Priced-Input": accepted, "Priced-Output": sent}
    assert price(separate_input_output_schemas=False) == {"Priced": accepted}


def test_only_a_real_difference_splits_a_model():
    class WithDefault(BaseModel):
        tags: list[str] = []

    class Computed(BaseModel):
        pages: int

        @computed_field
        @property
        def long(self) -> bool:
            return self.pages > 500

    assert both_ways(WithDefault) == ["WithDefault"]
    parts = ["Computed-Input", "Computed-Output"]
    assert both_ways(Computed) == parts
    assert both_ways(Computed, separate_input_output_schemas=False) == parts


def test_custom_schema_goes_stale():
    def probe(customized):
        api = FastAPI()
        api.openapi = lambda: customized(api)
        api.openapi()
        api.get("/books")(lambda: "books")
        schema = api.openapi()
        return schema["info"]["x-team"], list(schema["paths"])

    def trap(api):
        if not api.openapi_schema:
            schema = get_openapi(title="Shop", version="1", routes=api.routes)
            schema["info"]["x-team"] = "books"
            api.openapi_schema = schema
        return api.openapi_schema

    def fix(api):
        schema = FastAPI.openapi(api)
        schema["info"]["x-team"] = "books"
        return schema

    assert probe(trap) == ("books", [])
    assert probe(fix) == ("books", ["/books"])
