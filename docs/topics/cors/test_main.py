from typing import Annotated

import pytest
import real
from fastapi import Depends, FastAPI, Form, Request, Response
from fastapi.middleware.cors import CORSMiddleware
from fastapi.responses import JSONResponse
from main import NOTES, Note

PAGE = "http://localhost:5173"
OTHER = "https://evil.example"
APP = "https://app.example.com"
ALLOWED = "access-control-allow-origin"
CREDENTIALS = "access-control-allow-credentials"


@pytest.fixture(autouse=True)
def notes(monkeypatch):
    monkeypatch.setitem(NOTES, 1, Note(text="Buy milk"))
    monkeypatch.setitem(real.NOTES, "ada", [Note(text="Buy milk")])


@pytest.fixture
def ask(client_for):
    """Send a request as a page of that origin would."""

    async def ask(app, method="GET", path="/", origin=PAGE, **options):
        sent = {} if origin is None else {"Origin": origin}
        headers = sent | options.pop("headers", {})
        async with client_for(app) as client:
            return await client.request(method, path, headers=headers, **options)

    return ask


@pytest.fixture
def preflight(ask):
    async def preflight(app, method="GET", *headers, origin=PAGE, path="/", **more):
        sent = {"Access-Control-Request-Method": method} | more
        if headers:
            sent["Access-Control-Request-Headers"] = ",".join(headers)
        return await ask(app, "OPTIONS", path, origin, headers=sent)

    return preflight


def app_with(**options):
    api = FastAPI()

    @api.api_route("/", methods=["GET", "PUT"])
    def answer() -> str:
        return "done"

    if options:
        api.add_middleware(CORSMiddleware, **options)
    return api


def cors_headers(response):
    return {k: v for k, v in response.headers.items() if k.startswith("access-")}


# How the small app behaves


async def test_the_listed_page_may_read(client):
    answer = await client.get("/notes/1", headers={"Origin": PAGE})
    assert (answer.status_code, answer.json()) == (200, {"text": "Buy milk"})
    assert cors_headers(answer) == {ALLOWED: PAGE}


async def test_another_page_gets_the_whole_answer_but_no_permission(client):
    answer = await client.get("/notes/1", headers={"Origin": OTHER})
    assert (answer.status_code, answer.json()) == (200, {"text": "Buy milk"})
    assert cors_headers(answer) == {}


async def test_the_middleware_answers_a_preflight_and_nothing_else_runs(client):
    sent = {"Origin": PAGE, "Access-Control-Request-Method": "PUT"}
    answer = await client.options("/notes/not-a-number", headers=sent)
    assert (answer.status_code, answer.text) == (200, "OK")
    assert cors_headers(answer) == {
        ALLOWED: PAGE,
        "access-control-allow-methods": "GET, PUT",
        "access-control-allow-headers": (
            "Accept, Accept-Language, Content-Language, Content-Type"
        ),
        "access-control-max-age": "600",
    }


async def test_a_put_is_done_and_answered_with_permission(client):
    answer = await client.put(
        "/notes/1", json={"text": "Buy oats"}, headers={"Origin": PAGE}
    )
    assert (answer.status_code, answer.json()) == (200, {"text": "Buy oats"})
    assert answer.headers[ALLOWED] == PAGE
    assert NOTES[1].text == "Buy oats"


async def test_errors_that_fastapi_answers_have_the_header(client):
    for path, status in (("/nowhere", 404), ("/notes/x", 422)):
        answer = await client.get(path, headers={"Origin": PAGE})
        assert (answer.status_code, answer.headers[ALLOWED]) == (status, PAGE)


async def test_a_bug_is_answered_without_the_header(client):
    answer = await client.get("/notes/7", headers={"Origin": PAGE})
    assert (answer.status_code, answer.text) == (500, "Internal Server Error")
    assert cors_headers(answer) == {}


async def test_options_without_the_request_method_is_no_preflight(client):
    answer = await client.options("/notes/1", headers={"Origin": PAGE})
    assert (answer.status_code, answer.headers[ALLOWED]) == (405, PAGE)


async def test_without_the_middleware_a_preflight_is_405(preflight):
    answer = await preflight(app_with(), "PUT")
    assert (answer.status_code, cors_headers(answer)) == (405, {})


# What the middleware decides


async def test_the_body_of_a_refused_preflight_names_the_reasons(preflight, shown):
    api = app_with(allow_origins=[PAGE])
    asked = {
        "GET": await preflight(api, "GET"),
        "GET, from another origin": await preflight(api, "GET", origin=OTHER),
        "PUT": await preflight(api, "PUT"),
        "GET with Authorization": await preflight(api, "GET", "authorization"),
        "PUT with Authorization, from another origin": await preflight(
            api, "PUT", "authorization", origin=OTHER
        ),
    }
    shown(
        "preflights",
        "\n".join(f"{k:<45}{v.status_code}  {v.text}" for k, v in asked.items()),
    )


async def test_wildcards_become_lists_and_echoes(preflight):
    api = app_with(allow_origins=["*"], allow_methods=["*"], allow_headers=["*"])
    headers = (await preflight(api, "PUT", "x-anything")).headers
    assert headers[ALLOWED] == "*"
    assert headers["access-control-allow-headers"] == "x-anything"
    assert headers["access-control-allow-methods"] == (
        "DELETE, GET, HEAD, OPTIONS, PATCH, POST, PUT, QUERY"
    )


async def test_a_star_inside_an_origin_is_no_pattern(ask):
    async def probe(**options):
        answer = await ask(app_with(**options), origin="https://pr-7.example.com")
        return ALLOWED in answer.headers

    assert not await probe(allow_origins=["https://*.example.com"])
    assert not await probe(allow_origins=[r"https://[a-z0-9-]+\.example\.com"])
    assert await probe(allow_origin_regex=r"https://[a-z0-9-]+\.example\.com")


async def test_a_regex_must_match_the_whole_origin_but_a_dot_star_takes_in_more(
    ask,
):
    async def probe(regex, origin):
        answer = await ask(app_with(allow_origin_regex=regex), origin=origin)
        return ALLOWED in answer.headers

    strict = r"https://pr-[0-9]+\.example\.com"
    assert await probe(strict, "https://pr-7.example.com")
    assert not await probe(strict, "https://pr-7.example.com.evil.net")
    assert await probe(
        "https://pr-.*.example.com", "https://pr-evil.net:1.example.com"
    )
    assert await probe("https://pr-.*.example.com", "https://pr-1.evil-example.com")


async def test_credentials_echo_the_origin_with_or_without_a_cookie(ask, preflight):
    api = app_with(allow_origins=["*"], allow_credentials=True)
    for headers in ({}, {"Cookie": "session=1"}):
        answer = await ask(api, origin=OTHER, headers=headers)
        assert cors_headers(answer) == {ALLOWED: OTHER, CREDENTIALS: "true"}
    assert (await preflight(api, origin=OTHER)).headers[ALLOWED] == OTHER


async def test_every_answer_varies_by_origin_also_without_one(ask):
    for options in ({"allow_origins": ["*"]}, {"allow_origins": [PAGE]}):
        for origin in (PAGE, OTHER, None):
            answer = await ask(app_with(**options), origin=origin)
            assert answer.headers["vary"] == "Origin"


async def test_a_private_network_preflight_needs_its_own_permission(preflight):
    async def probe(**options):
        asked = {"Access-Control-Request-Private-Network": "true"}
        return await preflight(app_with(allow_origins=[PAGE], **options), **asked)

    refused = await probe()
    assert (refused.status_code, refused.text) == (
        400,
        "Disallowed CORS private-network",
    )
    granted = await probe(allow_private_network=True)
    assert granted.headers["access-control-allow-private-network"] == "true"


async def test_a_json_body_sent_as_plain_text_is_422(client):
    answer = await client.put(
        "/notes/1", content='{"text":"x"}', headers={"Content-Type": "text/plain"}
    )
    assert answer.status_code == 422
    assert NOTES[1].text == "Buy milk"


# How the shipped app behaves


@pytest.fixture
def cookie():
    return {"Cookie": "session=demo-session"}


async def test_our_page_reads_with_its_cookie_and_sees_the_total(ask, cookie):
    answer = await ask(real.app, "GET", "/notes", APP, headers=cookie)
    assert (answer.status_code, answer.json()) == (200, [{"text": "Buy milk"}])
    assert answer.headers["x-total-count"] == "1"
    assert cors_headers(answer) == {
        ALLOWED: APP,
        CREDENTIALS: "true",
        "access-control-expose-headers": "X-Total-Count",
    }


async def test_every_error_of_the_shipped_app_has_the_header(ask, cookie):
    async def probe(path, text, **options):
        answer = await ask(
            real.app, "PUT", path, APP, json={"text": text}, **options
        )
        assert answer.headers[ALLOWED] == APP
        return answer.status_code

    assert await probe("/notes/0", "x") == 401
    assert await probe("/notes/x", "x", headers=cookie) == 422
    assert await probe("/notes/0", "x" * 10_000, headers=cookie) == 413
    assert await probe("/notes/9", "x", headers=cookie) == 500


async def test_a_write_from_another_site_is_refused_and_not_done(ask, cookie):
    for origin, status in ((OTHER, 403), ("null", 403), (APP, 200), (None, 200)):
        answer = await ask(
            real.app,
            "PUT",
            "/notes/0",
            origin,
            headers=cookie,
            json={"text": str(status)},
        )
        assert answer.status_code == status
    assert real.NOTES["ada"][0].text == "200"


async def test_a_read_from_another_site_is_answered_without_permission(ask, cookie):
    answer = await ask(real.app, "GET", "/notes", OTHER, headers=cookie)
    assert (answer.status_code, answer.json()) == (200, [{"text": "Buy milk"}])
    assert ALLOWED not in answer.headers


async def test_our_page_may_ask_for_what_it_needs_and_for_no_more(preflight):
    async def probe(*wanted):
        return (await preflight(real.app, *wanted, origin=APP)).text

    assert await probe("PUT", "content-type", "x-request-id") == "OK"
    refused = await probe("DELETE", "authorization")
    assert refused == "Disallowed CORS method, headers"


async def test_an_impossible_origin_stops_the_start():
    assert real.origins("http://localhost:5173 https://a.example.com") == [
        "http://localhost:5173",
        "https://a.example.com",
    ]
    for wrong in (
        "*",
        "https://a.com/",
        "a.com",
        "https://A.com",
        "https://*.a.com",
    ):
        with pytest.raises(ValueError, match="Not an origin"):
            real.origins(wrong)


def test_fastapi_run_serves_the_app_inside_the_wrapper(bundle_dir):
    discover = pytest.importorskip("fastapi_cli.discover")
    data = discover.ModuleData(
        module_import_str="real", extra_sys_path=bundle_dir, module_paths=[]
    )
    assert discover.get_app_name(mod_data=data) == "api"
    with pytest.raises(
        discover.FastAPICLIException, match="seem to be a FastAPI app"
    ):
        discover.get_app_name(mod_data=data, app_name="app")


# The gotchas


async def test_a_bug_looks_like_a_cors_error(ask):
    def broken():
        api = FastAPI(max_body_size=3)

        @api.post("/")
        async def crash(request: Request):
            return {}["missing"] if await request.body() else "fine"

        return api

    async def probe(app):
        crash = await ask(app, "POST", content="abc")
        too_large = await ask(app, "POST", content="abcd")
        assert (crash.status_code, too_large.status_code) == (500, 413)
        return [ALLOWED in each.headers for each in (crash, too_large)]

    trap = broken()
    trap.add_middleware(CORSMiddleware, allow_origins=[PAGE])
    fix = CORSMiddleware(broken(), allow_origins=[PAGE])
    assert await probe(trap) == [False, False]
    assert await probe(fix) == [True, True]


async def test_a_handler_for_exception_runs_outside_too(ask):
    api = app_with(allow_origins=[PAGE])

    @api.get("/crash")
    def crash():
        return {}["missing"]

    @api.exception_handler(Exception)
    async def apologize(request: Request, error: Exception) -> JSONResponse:
        return JSONResponse({"detail": "Sorry"}, 500)

    answer = await ask(api, path="/crash")
    assert answer.json() == {"detail": "Sorry"}
    assert cors_headers(answer) == {}

    narrow = app_with(allow_origins=[PAGE])
    narrow.add_api_route("/crash", crash)
    narrow.add_exception_handler(KeyError, apologize)
    answer = await ask(narrow, path="/crash")
    assert answer.json() == {"detail": "Sorry"}
    assert cors_headers(answer) == {ALLOWED: PAGE}


async def test_the_wrapper_leaves_the_exception_to_the_log(client_for, cookie):
    async with client_for(real.app, raise_app_exceptions=True) as client:
        with pytest.raises(IndexError):
            await client.put("/notes/9", headers=cookie, json={"text": "x"})


async def test_one_slash_blocks_the_page(ask):
    async def probe(*listed):
        answer = await ask(app_with(allow_origins=listed))
        return answer.headers.get(ALLOWED)

    wrong = [PAGE + "/", PAGE + "/app", "localhost:5173", "http://127.0.0.1:5173"]
    assert await probe(*wrong) is None
    assert await probe(PAGE) == PAGE


async def test_defaults_refuse_the_preflight(preflight):
    async def probe(**options):
        api = app_with(allow_origins=[PAGE], **options)
        answer = await preflight(api, "PUT", "authorization", "content-type")
        return answer.status_code, answer.text

    assert await probe() == (400, "Disallowed CORS method, headers")
    fix = {"allow_methods": ["GET", "PUT"], "allow_headers": ["Authorization"]}
    assert await probe(**fix) == (200, "OK")


async def test_login_check_answers_the_preflight(ask, preflight):
    async def check(request: Request, call_next):
        if request.headers.get("authorization") != "Bearer right":
            return JSONResponse({"detail": "Sign in"}, 401)
        return await call_next(request)

    def cors(api):
        api.add_middleware(
            CORSMiddleware, allow_origins=[PAGE], allow_headers=["Authorization"]
        )

    def login(api):
        api.middleware("http")(check)

    async def probe(*in_order):
        api = app_with()
        for add in in_order:
            add(api)
        asked = await preflight(api, "GET", "authorization")
        refused = await ask(api)
        assert refused.status_code == 401
        return asked.status_code, ALLOWED in refused.headers

    assert await probe(cors, login) == (401, False)
    assert await probe(login, cors) == (200, True)


async def test_star_with_credentials_trusts_every_site(ask):
    async def probe(*listed):
        api = app_with(allow_origins=listed, allow_credentials=True)
        answer = await ask(api, origin=OTHER)
        return answer.headers.get(ALLOWED) == OTHER

    assert await probe("*")
    assert not await probe(APP)


async def test_refused_request_ran_anyway(ask):
    async def probe(*guards):
        sent = []
        api = FastAPI(dependencies=guards)
        api.add_middleware(CORSMiddleware, allow_origins=real.ORIGINS)

        @api.post("/transfers")
        def transfer(amount: Annotated[int, Form()]) -> None:
            sent.append(amount)

        answer = await ask(api, "POST", "/transfers", OTHER, data={"amount": 100})
        assert ALLOWED not in answer.headers
        return sent

    assert await probe() == [100]
    assert await probe(Depends(real.from_our_pages)) == []


async def test_header_is_there_and_invisible(ask):
    async def probe(**options):
        api = FastAPI()
        api.add_middleware(CORSMiddleware, allow_origins=[PAGE], **options)

        @api.get("/")
        def count(response: Response) -> None:
            response.headers["X-Total-Count"] = "42"

        answer = await ask(api)
        assert answer.headers["x-total-count"] == "42"
        return answer.headers.get("access-control-expose-headers")

    assert await probe() is None
    assert await probe(expose_headers=["X-Total-Count"]) == "X-Total-Count"
