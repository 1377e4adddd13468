import re
import sys
from datetime import UTC, datetime
from typing import Annotated, Literal
from urllib.parse import quote, unquote

import pytest
import real
from fastapi import Cookie, Depends, FastAPI, Header, HTTPException, Query, Response
from fastapi.responses import JSONResponse, RedirectResponse
from main import app
from pydantic import AliasChoices, BaseModel, BeforeValidator, ConfigDict, Field

ONE_YEAR = "HttpOnly; Max-Age=31536000; Path=/; SameSite=lax; Secure"


def app_with(endpoint, path="/", **options):
    api = FastAPI()
    api.get(path, **options)(endpoint)
    return api


async def answer(client_for, app, *headers, path="/"):
    async with client_for(app) as client:
        return await client.get(path, headers=headers)


async def body(client_for, endpoint, *headers):
    return (await answer(client_for, app_with(endpoint), *headers)).json()


def cookie_line(*args, **options):
    response = Response()
    response.set_cookie(*args, **options)
    return response.headers["set-cookie"]


# How the small app behaves


async def test_headers_are_found_in_any_case_and_a_list_takes_all(client):
    sent = [("X-REQUEST-ID", "r-42"), ("X-Tag", "red"), ("x-tag", "blue")]
    answer = await client.get("/trace", headers=sent)
    assert answer.status_code == 200
    assert answer.json() == {"x_request_id": "r-42", "tags": ["red", "blue"]}


async def test_a_missing_header_is_422_and_named_with_its_hyphens(client):
    answer = await client.get("/trace")
    assert answer.status_code == 422
    [error] = answer.json()["detail"]
    assert error["loc"] == ["header", "x-request-id"]
    assert error["msg"] == "Field required"


async def test_two_cookies_are_two_headers(client):
    answer = await client.put("/preferences?theme=dark&lang=de")
    assert answer.status_code == 204
    assert answer.headers.get_list("set-cookie") == [
        f"theme=dark; {ONE_YEAR}",
        f"lang=de; {ONE_YEAR}",
    ]


async def test_a_browser_would_send_the_cookies_back(client_for):
    async with client_for(app, base_url="https://test") as client:
        before = await client.get("/preferences")
        assert (before.status_code, before.json()["theme"]) == (200, "light")
        await client.put("/preferences?theme=dark&lang=de")
        after = await client.get("/preferences")
        assert after.request.headers["cookie"] == "theme=dark; lang=de"
        assert after.json() == {"theme": "dark", "lang": "de"}


async def test_a_cookie_of_another_case_is_another_cookie(client):
    answer = await client.get("/preferences", headers={"cookie": "Theme=dark"})
    assert (answer.status_code, answer.json()["theme"]) == (200, "light")


# What the page says


async def test_only_the_exact_hyphens_matter_and_never_the_case(client_for, shown):
    def default(x_token: Annotated[str | None, Header()] = None) -> str | None:
        return x_token

    def kept(
        x_token: Annotated[str | None, Header(convert_underscores=False)] = None,
    ) -> str | None:
        return x_token

    def aliased(
        token: Annotated[str | None, Header(alias="X-Token")] = None,
    ) -> str | None:
        return token

    def cookie(x_token: Annotated[str | None, Cookie()] = None) -> str | None:
        return x_token

    names = ["x-token", "X-TOKEN", "x_token", "X_Token"]
    lines = [f"{'  '.join(names)}  declared as"]
    for label, endpoint in {
        "x_token: Header()": default,
        "token: Header(alias='X-Token')": aliased,
        "x_token: Header(convert_underscores=False)": kept,
        "x_token: Cookie()": cookie,
    }.items():
        marks = []
        for name in names:
            sent = ("cookie", f"{name}=1") if endpoint is cookie else (name, "1")
            read = await body(client_for, endpoint, sent) == "1"
            marks.append(f"{'read' if read else '-':<{len(name)}}")
        lines.append(f"{'  '.join(marks)}  {label}")
    shown("names", "\n".join(lines))


async def test_who_wins_when_a_name_comes_twice(client_for, shown):
    def header(x: Annotated[str, Header()]) -> str:
        return x

    def headers(x: Annotated[list[str], Header()]) -> list[str]:
        return x

    def query(x: str) -> str:
        return x

    def queries(x: Annotated[list[str], Query()]) -> list[str]:
        return x

    def cookie(x: Annotated[str, Cookie()]) -> str:
        return x

    def cookies(x: Annotated[list[str], Cookie()]) -> list[str]:
        return x

    twice = [("x", "first"), ("x", "last")]
    crumbs = [("cookie", "x=first; x=last")]
    lines = [f"{'':<8} {'str':<8} list[str]"]
    for label, one, many, sent, path in (
        ("header", header, headers, twice, "/"),
        ("cookie", cookie, cookies, crumbs, "/"),
        ("query", query, queries, [], "/?x=first&x=last"),
    ):
        cells = []
        for endpoint in (one, many):
            got = await answer(client_for, app_with(endpoint), *sent, path=path)
            said = got.json()
            if got.status_code == 422:
                said = "422 " + said["detail"][0]["type"]
            cells.append(said if isinstance(said, str) else ", ".join(said))
        lines.append(f"{label:<8} {cells[0]:<8} {cells[1]}")
    shown("twice", "\n".join(lines))


async def test_without_a_marker_the_argument_is_a_query_parameter(client_for):
    def read(x_token: str | None = None) -> str | None:
        return x_token

    [parameter] = app_with(read).openapi()["paths"]["/"]["get"]["parameters"]
    assert parameter["in"] == "query"
    assert (
        await body(client_for, read, ("x-token", "1"), ("cookie", "x_token=1"))
        is None
    )


async def test_a_model_reads_headers_by_field_name_and_by_alias(client_for):
    class Trace(BaseModel):
        x_request_id: str
        tenant: Annotated[str, Field(alias="X-Tenant")]
        x_tag: list[str] = []

    def read(trace: Annotated[Trace, Header()]) -> list:
        return [trace.x_request_id, trace.tenant, trace.x_tag]

    sent = [
        ("X-Request-ID", "r"),
        ("x-tenant", "t"),
        ("x-tag", "a"),
        ("X-Tag", "b"),
    ]
    assert await body(client_for, read, *sent) == ["r", "t", ["a", "b"]]


async def test_a_header_model_can_keep_its_underscores(client_for):
    class Legacy(BaseModel):
        api_key: str = "none"

    def probe(options):
        def read(legacy: Annotated[Legacy, Header(**options)]) -> str:
            return legacy.api_key

        return body(client_for, read, ("api_key", "1"))

    assert await probe({}) == "none"
    assert await probe({"convert_underscores": False}) == "1"


async def test_models_and_plain_arguments_share_headers_and_cookies(client_for):
    class Client(BaseModel):
        x_app: str = "web"

    class Span(BaseModel):
        x_trace: str
        x_span: str

    class Session(BaseModel):
        sid: str
        csrf: str

    def read(
        client: Annotated[Client, Header()],
        span: Annotated[Span | None, Header()] = None,
        accept: Annotated[str | None, Header()] = None,
        session: Annotated[Session | None, Cookie()] = None,
        lang: Annotated[str, Cookie()] = "en",
    ) -> list:
        return [client.x_app, span, accept, session, lang]

    alone = [("x-app", "ios"), ("accept", "a/b"), ("cookie", "lang=de")]
    assert await body(client_for, read, *alone) == ["ios", None, "a/b", None, "de"]
    both = [("x-trace", "1"), ("x-span", "2"), ("cookie", "sid=3; csrf=4")]
    _, span, _, session, _ = await body(client_for, read, *both)
    assert span == {"x_trace": "1", "x_span": "2"}
    assert session == {"sid": "3", "csrf": "4"}
    for half in (("x-trace", "1"), ("cookie", "sid=3")):
        got = await answer(client_for, app_with(read), half)
        assert got.status_code == 422
        assert got.json()["detail"][0]["type"] == "missing"


async def test_two_names_can_lead_to_one_header(client_for):
    def read(
        key: Annotated[
            str, Header(validation_alias=AliasChoices("X-Api-Key", "X-Key"))
        ],
    ) -> str:
        return key

    assert await body(client_for, read, ("x-api-key", "new")) == "new"
    assert await body(client_for, read, ("x-key", "old")) == "old"


def test_what_set_cookie_writes(shown):
    lines = {
        "defaults": cookie_line("a", "1"),
        "samesite=None": cookie_line("a", "1", samesite=None),
        'samesite="none"': cookie_line("a", "1", samesite="none"),
        "guarded": cookie_line("a", "1", secure=True, httponly=True, max_age=60),
        "odd value": cookie_line("a", "b c; d=é"),
        "delete_cookie": re.sub("expires=[^;]*", "expires=<now>", deleted("a")),
    }
    shown("set-cookie", "\n".join(f"{k:<16} {v}" for k, v in lines.items()))


def test_a_value_cannot_add_rules_and_a_path_can():
    value = cookie_line("a", "1; Domain=evil.example\r\nX-Evil: 1")
    assert "; Domain" not in value
    assert "\r\n" not in value
    assert "; Domain=evil.example" in cookie_line(
        "a", "1", path="/; Domain=evil.example"
    )


def deleted(name):
    response = Response()
    response.delete_cookie(name)
    return response.headers["set-cookie"]


def test_set_cookie_refuses_what_cannot_work():
    with pytest.raises(AssertionError, match="samesite must be either"):
        cookie_line("a", "1", samesite="no")
    with pytest.raises(ValueError, match="usegmt option requires a UTC datetime"):
        cookie_line("a", "1", expires=datetime.now(UTC).replace(tzinfo=None))
    assert "GMT" in cookie_line("a", "1", expires=datetime.now(UTC))
    if sys.version_info < (3, 14):
        with pytest.raises(ValueError, match=r"only supported in Python 3\.14"):
            cookie_line("a", "1", partitioned=True)


async def test_values_beyond_latin_1_are_a_500_unless_quoted(client_for):
    def probe(write):
        def read(response: Response) -> None:
            response.headers["x-name"] = write("3 €")
            response.set_cookie("name", write("3 €"))

        return answer(client_for, app_with(read))

    assert (await probe(str)).status_code == 500
    quoted = await probe(quote)
    assert quoted.status_code == 200
    assert unquote(quoted.headers["x-name"]) == "3 €"
    assert unquote(quoted.cookies["name"]) == "3 €"


async def test_header_bytes_arrive_as_latin_1_whatever_the_client_meant(client_for):
    def read(x_name: Annotated[str, Header()]) -> str:
        return x_name

    assert await body(client_for, read, (b"x-name", "é".encode())) == "Ã©"


async def test_assigning_set_cookie_replaces_all_cookies_set_before(client_for):
    def read(response: Response) -> None:
        response.set_cookie("a", "1")
        response.set_cookie("b", "2")
        response.headers["Set-Cookie"] = "c=3"

    got = await answer(client_for, app_with(read))
    assert got.headers.get_list("set-cookie") == ["c=3"]


async def test_header_names_leave_in_lower_case(client_for):
    def read(response: Response) -> None:
        response.headers["X-Process-Time"] = "1"

    got = await answer(client_for, app_with(read))
    assert b"x-process-time" in dict(got.headers.raw)


def test_headers_and_cookies_are_documented_under_their_wire_names():
    operations = app.openapi()["paths"]
    trace = operations["/trace"]["get"]["parameters"]
    read = operations["/preferences"]["get"]["parameters"]
    assert [(each["in"], each["name"]) for each in trace + read] == [
        ("header", "x-request-id"),
        ("header", "X-Tag"),
        ("cookie", "theme"),
        ("cookie", "lang"),
    ]


# How the shipped app behaves


@pytest.fixture
def shop(client_for, monkeypatch):
    monkeypatch.setattr(real, "CODES", {"one": "ada", "two": "ada"})
    monkeypatch.setattr(real, "SESSIONS", {})
    return client_for(real.app, base_url="https://test")


async def test_a_login_sets_one_guarded_cookie_that_opens_me(shop):
    async with shop as client:
        assert (await client.get("/me")).status_code == 401
        answer = await client.post("/login", json={"code": "one"})
        assert answer.status_code == 204
        [line] = answer.headers.get_list("set-cookie")
        name, _, rest = line.partition("=")
        assert name == "__Host-session"
        assert rest.partition("; ")[2] == (
            "HttpOnly; Max-Age=1209600; Path=/; SameSite=lax; Secure"
        )
        me = await client.get("/me")
        assert (me.status_code, me.json()) == (200, {"user": "ada"})


async def test_the_store_holds_only_digests_and_every_login_is_a_new_token(shop):
    async with shop as client:
        await client.post("/login", json={"code": "one"})
        first = client.cookies["__Host-session"]
        await client.post("/login", json={"code": "two"})
        second = client.cookies["__Host-session"]
        assert first != second
        assert set(real.SESSIONS) == {real.digest(first), real.digest(second)}
        assert first not in real.SESSIONS


async def test_a_code_works_once(shop):
    async with shop as client:
        await client.post("/login", json={"code": "one"})
        assert (
            await client.post("/login", json={"code": "one"})
        ).status_code == 401


async def test_logout_ends_the_session_for_copies_of_the_cookie_too(shop):
    async with shop as client:
        await client.post("/login", json={"code": "one"})
        copy = {"cookie": f"__Host-session={client.cookies['__Host-session']}"}
        assert (await client.post("/logout")).status_code == 204
        assert "__Host-session" not in client.cookies
        assert (await client.get("/me", headers=copy)).status_code == 401


async def test_max_age_binds_the_browser_and_the_server_checks_for_itself(
    shop, monkeypatch
):
    async with shop as client:
        await client.post("/login", json={"code": "one"})
        copy = {"cookie": f"__Host-session={client.cookies['__Host-session']}"}
        assert (await client.get("/me", headers=copy)).status_code == 200
        later = real.time() + real.LIFETIME + 1
        monkeypatch.setattr(real, "time", lambda: later)
        assert (await client.get("/me", headers=copy)).status_code == 401


async def test_a_dead_session_is_401_and_takes_the_cookie_away(shop):
    async with shop as client:
        answer = await client.get("/me", headers={"cookie": "__Host-session=old"})
        assert answer.status_code == 401
        line = answer.headers["set-cookie"]
        assert line.startswith('__Host-session="";')
        assert "Max-Age=0" in line
        assert line.endswith("HttpOnly; Max-Age=0; Path=/; SameSite=lax; Secure")


async def test_a_request_that_another_site_sent_is_refused(shop):
    async def probe(client, **headers):
        sent = {name.replace("_", "-"): value for name, value in headers.items()}
        return (await client.post("/logout", headers=sent)).status_code

    async with shop as client:
        assert await probe(client) == 204
        assert await probe(client, sec_fetch_site="same-origin") == 204
        assert await probe(client, sec_fetch_site="same-site") == 403
        assert await probe(client, sec_fetch_site="cross-site") == 403
        assert await probe(client, origin="https://test") == 204
        assert await probe(client, origin="https://evil.example") == 403
        assert await probe(client, origin="null") == 403
        assert (await client.get("/preferences")).status_code == 200


async def test_the_422_of_the_shipped_app_repeats_no_input(shop):
    async with shop as client:
        answer = await client.post("/login", json={"kode": "secret"})
    assert answer.status_code == 422
    assert answer.json() == {
        "detail": [
            {"type": "missing", "loc": ["body", "code"], "msg": "Field required"}
        ]
    }


# The gotchas


async def test_underscore_header_is_missing(client_for):
    def trap(x_token: Annotated[str, Header()]) -> str:
        return x_token

    def fix(x_token: Annotated[str, Header(convert_underscores=False)]) -> str:
        return x_token

    async def probe(endpoint):
        got = await answer(client_for, app_with(endpoint), ("x_token", "1"))
        return got.status_code

    assert await probe(trap) == 422
    assert await probe(fix) == 200


async def test_cookie_keeps_its_underscore(client_for):
    def trap(session_id: Annotated[str | None, Cookie()] = None) -> str | None:
        return session_id

    def fix(
        session_id: Annotated[str | None, Cookie(alias="session-id")] = None,
    ) -> str | None:
        return session_id

    sent = ("cookie", "session-id=1")
    assert await body(client_for, trap, sent) is None
    assert await body(client_for, fix, sent) == "1"


async def test_comma_list_is_one_value(client_for):
    def split(values):
        parts = [part for value in values for part in value.split(",")]
        return [part.strip() for part in parts]

    def trap(x_tag: Annotated[list[str], Header()]) -> list[str]:
        return x_tag

    def fix(
        x_tag: Annotated[list[str], Header(), BeforeValidator(split)],
    ) -> list[str]:
        return x_tag

    sent = [("x-tag", "a, b"), ("x-tag", "c")]
    assert await body(client_for, trap, *sent) == ["a, b", "c"]
    assert await body(client_for, fix, *sent) == ["a", "b", "c"]


async def test_strict_headers_refuse_every_client(client_for):
    class Loose(BaseModel):
        x_token: str

    class Strict(Loose):
        model_config = ConfigDict(extra="forbid")

    async def probe(model):
        def read(headers: Annotated[model, Header()]) -> str:
            return headers.x_token

        got = await answer(client_for, app_with(read), ("x-token", "1"))
        if got.status_code == 200:
            return []
        errors = got.json()["detail"]
        assert {each["type"] for each in errors} == {"extra_forbidden"}
        return [each["loc"][1] for each in errors]

    refused = await probe(Strict)
    assert {"host", "user-agent"} <= set(refused)
    assert await probe(Loose) == []


async def test_header_model_shows_the_cookie(client_for):
    class Trace(BaseModel):
        x_request_id: str

    def trap(trace: Annotated[Trace, Header()]) -> str:
        return trace.x_request_id

    def fix(x_request_id: Annotated[str, Header()]) -> str:
        return x_request_id

    async def probe(api):
        sent = [("cookie", "session=s3cret"), ("authorization", "Bearer t0ken")]
        got = await answer(client_for, api, *sent)
        assert got.status_code == 422
        return [word for word in ("s3cret", "t0ken") if word in got.text]

    guarded = app_with(trap)
    guarded.exception_handlers.update(real.app.exception_handlers)
    assert await probe(app_with(trap)) == ["s3cret", "t0ken"]
    assert await probe(app_with(fix)) == []
    assert await probe(guarded) == []


async def test_a_cookie_model_shows_the_other_cookies(client_for):
    class Tracking(BaseModel):
        visit: int

    def read(tracking: Annotated[Tracking, Cookie()]) -> int:
        return tracking.visit

    got = await answer(client_for, app_with(read), ("cookie", "session=s3cret"))
    assert got.json()["detail"][0]["input"] == {"session": "s3cret"}


async def test_returned_response_loses_the_cookie(client_for):
    def trap(response: Response) -> Response:
        response.set_cookie("a", "1")
        return RedirectResponse("/next", 303)

    def fix() -> Response:
        response = RedirectResponse("/next", 303)
        response.set_cookie("a", "1")
        return response

    async def probe(endpoint):
        got = await answer(client_for, app_with(endpoint))
        assert got.status_code == 303
        return got.headers.get("set-cookie")

    assert await probe(trap) is None
    assert await probe(fix) == "a=1; Path=/; SameSite=lax"


async def test_a_cookie_of_a_dependency_is_lost_in_the_same_way(client_for):
    def count(response: Response):
        response.set_cookie("a", "1")

    async def probe(answer_with):
        api = app_with(lambda: answer_with, dependencies=[Depends(count)])
        return "set-cookie" in (await answer(client_for, api)).headers

    assert await probe({"some": "data"})
    assert not await probe(JSONResponse({"some": "data"}))


async def test_the_injected_response_has_no_status_and_cannot_be_returned(
    server, workdir
):
    (workdir / "bare.py").write_text(
        "from fastapi import FastAPI, Response\n"
        "app = FastAPI()\n"
        "@app.get('/')\n"
        "def read(response: Response) -> Response:\n"
        "    response.set_cookie('a', '1')\n"
        "    return response\n"
    )
    async with server("bare:app", cwd=workdir) as url, url.client() as client:
        with pytest.raises(Exception, match="disconnected"):
            await client.get("/")
        assert "KeyError: None" in url.log()


async def test_exception_loses_the_cookie(client_for):
    def trap(response: Response):
        response.delete_cookie("session")
        raise HTTPException(401)

    def fix():
        gone = Response()
        gone.delete_cookie("session")
        headers = {"Set-Cookie": gone.headers["set-cookie"]}
        raise HTTPException(401, headers=headers)

    async def probe(endpoint):
        got = await answer(client_for, app_with(endpoint))
        assert got.status_code == 401
        return "Max-Age=0" in got.headers.get("set-cookie", "")

    assert not await probe(trap)
    assert await probe(fix)


async def test_delete_misses_the_cookie(client_for):
    async def probe(**where):
        api = FastAPI()

        @api.get("/shop/in")
        def log_in(response: Response) -> None:
            response.set_cookie("session", "1", path="/shop")

        @api.get("/shop/out")
        def log_out(response: Response) -> None:
            response.delete_cookie("session", **where)

        @api.get("/shop/me")
        def me(session: Annotated[str | None, Cookie()] = None) -> str | None:
            return session

        async with client_for(api) as client:
            await client.get("/shop/in")
            await client.get("/shop/out")
            return (await client.get("/shop/me")).json()

    assert await probe() == "1"
    assert await probe(path="/shop") is None


async def test_secure_cookie_stays_away_from_http(client_for):
    async def probe(address):
        async with client_for(app, base_url=address) as client:
            saved = await client.put("/preferences?theme=dark&lang=de")
            assert "Secure" in saved.headers["set-cookie"]
            return (await client.get("/preferences")).json()["theme"]

    assert await probe("http://test") == "light"
    assert await probe("http://localhost") == "light"
    assert await probe("https://test") == "dark"


async def test_old_cookie_locks_the_user_out(client_for):
    class Strict(BaseModel):
        theme: Literal["light", "dark"] | None = None

    def trap(preferences: Annotated[Strict, Cookie()]) -> Strict:
        return preferences

    async def probe(api, path):
        sent = ("cookie", "theme=sepia")
        got = await answer(client_for, api, sent, path=path)
        return got.status_code

    assert await probe(app_with(trap), "/") == 422
    assert await probe(real.app, "/preferences") == 200
