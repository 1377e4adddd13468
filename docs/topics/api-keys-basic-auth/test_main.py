import hashlib
import secrets
import time
from base64 import b64encode
from datetime import UTC, datetime
from typing import Annotated

import fastapi.security as schemes
import main
import pytest
import real
from fastapi import Depends, FastAPI, Header, HTTPException, WebSocket
from fastapi.security import APIKeyHeader, APIKeyQuery, HTTPBasic, HTTPBearer

KEY = "ord_m0vJqS3xTzYc8KfWb5RnLh2UdPaGeXi1"
PASSWORD = "7hQ-rwZ2kVtLx9Bn"
ZOE = ("zoë", "größer als drei")


def basic(username, password, alphabet="utf-8"):
    pair = f"{username}:{password}".encode(alphabet)
    return {"Authorization": f"Basic {b64encode(pair).decode()}"}


async def seen(client, path="/orders", headers=None, method="GET"):
    """Status, detail and challenge of one answer."""
    answer = await client.request(method, path, headers=headers)
    body = answer.json()
    detail = body.get("detail") if isinstance(body, dict) else None
    return answer.status_code, detail, answer.headers.get("www-authenticate")


def guarded(dependency):
    """An app with one route, open to whom the dependency lets pass."""
    app = FastAPI()
    app.get("/orders", dependencies=[Depends(dependency)])(lambda: ["ink", "paper"])
    return app


@pytest.fixture(autouse=True)
def empty_store():
    yield
    real.keys.clear()


# How the small app behaves


async def test_the_right_key_opens_the_route(client):
    answer = await client.get("/orders", headers={"X-API-Key": KEY})
    assert (answer.status_code, answer.json()) == (200, ["ink", "paper"])


async def test_a_missing_and_a_wrong_key_are_401_with_a_challenge(client):
    assert await seen(client) == (401, "Not authenticated", "APIKey")
    wrong = await seen(client, headers={"X-API-Key": KEY[:-1]})
    assert wrong == (401, "Unknown API key", "APIKey")


async def test_the_right_password_opens_the_route(client):
    answer = await client.get("/stock", headers=basic("ops", PASSWORD))
    assert answer.status_code == 200
    assert answer.json() == {"ink": 7, "paper": 40, "seen_by": "ops"}


async def test_a_wrong_password_and_an_unknown_name_get_the_same_answer(client):
    refused = (401, "Wrong username or password", 'Basic realm="stock"')
    assert await seen(client, "/stock", basic("ops", "letmein")) == refused
    assert await seen(client, "/stock", basic("eve", PASSWORD)) == refused
    missing = (401, "Not authenticated", 'Basic realm="stock"')
    assert await seen(client, "/stock") == missing


async def test_what_each_scheme_takes_from_a_header(client, shown):
    async def verdict(path, headers):
        status, detail, _ = await seen(client, path, headers)
        return f"{status}  {detail or ''}".strip()

    pair = basic("ops", PASSWORD)["Authorization"].partition(" ")[2]
    sent = {
        "X-API-Key, the right key": ("/orders", {"X-API-Key": KEY}),
        "x-api-key in lower case": ("/orders", {"x-api-key": KEY}),
        "X-API-Key, empty": ("/orders", {"X-API-Key": ""}),
        "X-API-Key twice, the right one second": (
            "/orders",
            [("X-API-Key", "ord_guess"), ("X-API-Key", KEY)],
        ),
        "Authorization: Bearer <key>": (
            "/orders",
            {"Authorization": f"Bearer {KEY}"},
        ),
        "Basic ops:<password>": ("/stock", {"Authorization": f"Basic {pair}"}),
        "basic in lower case": ("/stock", {"Authorization": f"basic {pair}"}),
        "Basic with no colon inside": (
            "/stock",
            {"Authorization": "Basic " + b64encode(b"ops").decode()},
        ),
        "Basic, not encoded": (
            "/stock",
            {"Authorization": f"Basic ops:{PASSWORD}"},
        ),
        "Basic ops: (no password)": ("/stock", basic("ops", "")),
    }
    lines = [f"{name:<40}{await verdict(*what)}" for name, what in sent.items()]
    shown("verdicts", "\n".join(lines))
    accepted = [line[:40].strip() for line in lines if line[40:43] == "200"]
    assert accepted == [
        "X-API-Key, the right key",
        "x-api-key in lower case",
        "Basic ops:<password>",
        "basic in lower case",
    ]


async def test_basic_is_readable_and_splits_at_the_first_colon(client_for):
    echo = FastAPI()
    scheme = HTTPBasic()

    @echo.get("/")
    def read(given: Annotated[schemes.HTTPBasicCredentials, Depends(scheme)]):
        return given

    async with client_for(echo) as http:
        answer = await http.get("/", headers=basic("ada", "a:b:c"))
    assert answer.json() == {"username": "ada", "password": "a:b:c"}


async def test_openapi_draws_a_padlock_for_each_guarded_route(client):
    openapi = (await client.get("/openapi.json")).json()
    assert openapi["components"]["securitySchemes"] == {
        "APIKeyHeader": {"type": "apiKey", "in": "header", "name": "X-API-Key"},
        "HTTPBasic": {"type": "http", "scheme": "basic"},
    }
    assert openapi["paths"]["/orders"]["get"]["security"] == [{"APIKeyHeader": []}]
    assert openapi["paths"]["/stock"]["get"]["security"] == [{"HTTPBasic": []}]


async def test_a_plain_header_parameter_gets_no_padlock_and_a_422(client_for):
    def check(key: Annotated[str, Header(alias="X-API-Key")]):
        """Reads the header without a security class."""

    app = guarded(check)
    assert "security" not in app.openapi()["paths"]["/orders"]["get"]
    async with client_for(app) as http:
        assert (await http.get("/orders")).status_code == 422


async def test_a_key_on_the_whole_app_leaves_the_docs_open(client_for):
    app = FastAPI(dependencies=[Depends(main.require_key)])
    app.get("/orders")(lambda: ["ink", "paper"])
    async with client_for(app) as http:
        paths = ("/orders", "/docs", "/openapi.json")
        answers = [(await http.get(path)).status_code for path in paths]
    assert answers == [401, 200, 200]


# What the security classes do


async def test_missing_credentials_are_401_with_a_challenge_in_every_class(
    client_for, shown
):
    found = {}
    for scheme in (
        APIKeyHeader(name="X-API-Key"),
        schemes.APIKeyCookie(name="key"),
        APIKeyQuery(name="key"),
        HTTPBasic(),
        HTTPBasic(realm="stock"),
        HTTPBearer(),
        schemes.HTTPDigest(),
        schemes.OAuth2PasswordBearer("token"),
        schemes.OpenIdConnect(openIdConnectUrl="openid"),
    ):
        name = type(scheme).__name__
        name += "(realm=…)" if getattr(scheme, "realm", None) else ""
        async with client_for(guarded(scheme)) as http:
            status, detail, found[name] = await seen(http)
        assert (status, detail) == (401, "Not authenticated")
    shown("challenges", "\n".join(f"{n:<24}{c}" for n, c in found.items()))
    assert set(found.values()) == {
        "APIKey",
        "Basic",
        'Basic realm="stock"',
        "Bearer",
        "Digest",
    }


async def test_another_scheme_in_the_header_is_401_too(client_for):
    for scheme in (HTTPBasic(), HTTPBearer(), schemes.HTTPDigest()):
        async with client_for(guarded(scheme)) as http:
            answer = await seen(http, headers={"Authorization": "Hawk id=1"})
        assert answer[:2] == (401, "Not authenticated")


async def test_a_subclass_can_answer_403_as_before(client_for):
    class AsBefore(APIKeyHeader):
        def make_not_authenticated_error(self):
            return HTTPException(403, "Not authenticated")

    async with client_for(guarded(AsBefore(name="X-API-Key"))) as http:
        assert await seen(http) == (403, "Not authenticated", None)


async def test_auto_error_false_gives_none_but_not_for_a_malformed_basic_header(
    client_for,
):
    async def given(scheme, headers):
        app = FastAPI()

        @app.get("/orders")
        def read(given: Annotated[object, Depends(scheme)]) -> bool:
            return given is None

        async with client_for(app) as http:
            answer = await http.get("/orders", headers=headers)
            return answer.status_code, answer.json()

    nothing, malformed = {}, {"Authorization": "Basic %%%"}
    library = HTTPBasic(auto_error=False)
    assert await given(library, nothing) == (200, True)
    assert await given(library, malformed) == (401, {"detail": "Not authenticated"})
    assert await given(real.basic, malformed) == (200, True)


async def test_the_same_key_dependency_guards_a_websocket_handshake():
    live = FastAPI()

    @live.websocket("/live", dependencies=[Depends(main.require_key)])
    async def feed(socket: WebSocket):
        await socket.accept()
        await socket.close()

    async def handshake(headers):
        scope = {"type": "websocket", "path": "/live", "query_string": b""}
        scope |= {"headers": headers, "extensions": {"websocket.http.response": {}}}
        sent = []

        async def receive():
            return {"type": "websocket.connect"}

        async def send(message):
            sent.append(message)

        await live(scope, receive, send)
        return sent[0]["type"], sent[0].get("status")

    assert await handshake([]) == ("websocket.http.response.start", 401)
    assert await handshake([(b"x-api-key", KEY.encode())]) == (
        "websocket.accept",
        None,
    )


def test_equality_is_faster_the_earlier_two_texts_differ():
    right = "a" * 1_000_000
    early, late = "b" + right[1:], right[:-1] + "b"

    def seconds(compare, guess):
        """The best of five, each long enough for a coarse clock."""
        spent = []
        for _ in range(5):
            start = time.perf_counter()
            assert not any(compare(right, guess) for _ in range(20))
            spent.append(time.perf_counter() - start)
        return max(min(spent), 1e-6)

    def slowdown(compare):
        return seconds(compare, late) / seconds(compare, early)

    assert slowdown(str.__eq__) > 10
    assert slowdown(secrets.compare_digest) < 3


# How real.py behaves


async def issued(http, **body):
    answer = await http.post(
        "/keys", json={"client": "shop"} | body, headers=basic(*ZOE)
    )
    assert answer.status_code == 201
    assert answer.headers["cache-control"] == "no-store"
    return answer.json()


def key_header(issued_key):
    return {"X-API-Key": issued_key["key"]}


async def test_a_key_is_shown_once_and_only_its_digest_is_kept(client_for):
    async with client_for(real.app) as http:
        new = await issued(http)
        read = await http.get("/orders", headers=key_header(new))
    assert (read.status_code, read.json()) == (200, {"read_by": "shop"})
    assert new["key"].startswith("ord_")
    assert list(real.keys) == [hashlib.sha256(new["key"].encode()).hexdigest()]
    assert new["key"] not in repr(real.keys)


async def test_key_or_password_opens_the_route_and_neither_is_401(client_for):
    async with client_for(real.app) as http:
        new = await issued(http)
        by_key = await http.get("/orders", headers=key_header(new))
        by_password = await http.get("/orders", headers=basic(*ZOE))
        neither = await seen(http)
    assert by_key.json() == {"read_by": "shop"}
    assert by_password.json() == {"read_by": "zoë"}
    challenge = 'Basic realm="orders", charset="UTF-8"'
    assert neither == (401, "Not authenticated", challenge)


async def test_a_wrong_key_is_401_even_beside_a_right_password(client_for):
    async with client_for(real.app) as http:
        both = basic(*ZOE) | {"X-API-Key": "ord_guess"}
        assert await seen(http, headers=both) == (401, "Invalid API key", "APIKey")


async def test_a_known_key_without_the_right_is_403_without_a_challenge(client_for):
    async with client_for(real.app) as http:
        reader, writer = await issued(http), await issued(http, can_write=True)
        assert await seen(http, "/orders", key_header(reader), "POST") == (
            403,
            "This key may only read",
            None,
        )
        assert (await seen(http, "/orders", key_header(writer), "POST"))[0] == 201
        assert (await seen(http, "/orders", {"X-API-Key": "x"}, "POST"))[0] == 401


async def test_rotation_keeps_both_keys_for_a_while_and_then_the_new_one(
    client_for, monkeypatch
):
    class InEightDays(datetime):
        @classmethod
        def now(cls, tz=None):
            return datetime.now(tz) + real.OVERLAP * 8 / 7

    async with client_for(real.app) as http:
        old = await issued(http, can_write=True)
        path = f"/keys/{old['id']}/rotate"
        answer = await http.post(path, headers=basic(*ZOE))
        new = answer.json()

        async def open_to():
            answers = [
                await seen(http, "/orders", key_header(k)) for k in (old, new)
            ]
            return [answer[0] for answer in answers]

        assert answer.headers["cache-control"] == "no-store"
        assert real.keys[real.digest(new["key"])].can_write
        assert await open_to() == [200, 200]
        monkeypatch.setattr(real, "datetime", InEightDays)
        assert await open_to() == [401, 200]


async def test_rotating_an_ending_key_again_does_not_prolong_it(client_for):
    async with client_for(real.app) as http:
        old = await issued(http)
        path = f"/keys/{old['id']}/rotate"
        await http.post(path, headers=basic(*ZOE))
        first = real.keys[real.digest(old["key"])].expires
        await http.post(path, headers=basic(*ZOE))
        assert real.keys[real.digest(old["key"])].expires == first
    assert first < datetime.now(UTC) + real.OVERLAP


async def test_a_revoked_key_is_refused_at_once(client_for):
    async with client_for(real.app) as http:
        new = await issued(http)
        gone = await http.delete(f"/keys/{new['id']}", headers=basic(*ZOE))
        assert gone.status_code == 204
        assert (await seen(http, headers=key_header(new)))[1] == "Invalid API key"
        again = await http.delete(f"/keys/{new['id']}", headers=basic(*ZOE))
        assert again.status_code == 404


async def test_only_an_operator_manages_keys(client_for):
    async with client_for(real.app) as http:
        new = await issued(http, can_write=True)
        routes = [
            ("POST", "/keys"),
            ("POST", f"/keys/{new['id']}/rotate"),
            ("DELETE", f"/keys/{new['id']}"),
        ]
        for method, path in routes:
            for headers in ({}, key_header(new), basic("eve", ZOE[1])):
                assert (await seen(http, path, headers, method))[0] == 401, path
    assert len(real.keys) == 1


async def test_a_new_key_lives_for_a_year(client_for):
    async with client_for(real.app) as http:
        new = await issued(http)
    left = real.keys[real.digest(new["key"])].expires - datetime.now(UTC)
    assert real.LIFETIME.days == 365
    assert real.LIFETIME - real.OVERLAP < left <= real.LIFETIME


async def test_basic_in_utf_8_reads_its_own_scheme_in_any_case(client_for):
    strict = real.Utf8Basic(realm="orders")
    pair = basic(*ZOE)["Authorization"].partition(" ")[2]
    async with client_for(guarded(strict)) as http:
        answers = [
            (await seen(http, headers={"Authorization": f"{scheme} {pair}"}))[0]
            for scheme in ("Basic", "basic", "Bearer")
        ]
        assert answers == [200, 200, 401]
        assert (await seen(http))[0] == 401


async def test_openapi_offers_key_or_password_as_alternatives(client_for):
    async with client_for(real.app) as http:
        openapi = (await http.get("/openapi.json")).json()
    both = openapi["paths"]["/orders"]["get"]["security"]
    assert both == [{"Key": []}, {"Password": []}]


def test_argon2_takes_64_mib_and_a_digest_next_to_nothing():
    assert "$m=65536,t=3,p=4$" in real.operators["zoë"]


# One proof per gotcha


async def test_any_key_opens_the_door(client_for):
    async def probe(dependency):
        async with client_for(guarded(dependency)) as http:
            guess = await seen(http, headers={"X-API-Key": "hello"})
            return guess[0], (await seen(http))[0]

    assert await probe(main.header_key) == (200, 401)
    assert await probe(main.require_key) == (401, 401)


async def test_unset_key_opens_the_door(client_for, monkeypatch):
    def skips(key: Annotated[str | None, Depends(real.api_key)]):
        if expected and key != expected:
            raise HTTPException(401)

    def compares(key: Annotated[str | None, Header(alias="X-API-Key")] = None):
        if key != expected:
            raise HTTPException(401)

    def fix(key: Annotated[str, Depends(main.header_key)]):
        if not (
            expected and secrets.compare_digest(key.encode(), expected.encode())
        ):
            raise HTTPException(401)

    async def probe(check):
        async with client_for(guarded(check)) as http:
            return (await seen(http))[0]

    expected = None
    assert [await probe(skips), await probe(compares), await probe(fix)] == [
        200,
        200,
        401,
    ]
    expected = KEY
    assert [await probe(skips), await probe(compares), await probe(fix)] == [
        401,
        401,
        401,
    ]


async def test_non_ascii_key_is_a_500(client_for):
    def trap(key: Annotated[str, Depends(main.header_key)]):
        if not secrets.compare_digest(key, KEY):
            raise HTTPException(401)

    def fix(key: Annotated[str, Depends(main.header_key)]):
        if not secrets.compare_digest(key.encode(), KEY.encode()):
            raise HTTPException(401)

    async def probe(check, key):
        async with client_for(guarded(check)) as http:
            headers = {"X-API-Key": key.encode("latin-1")}
            return (await http.get("/orders", headers=headers)).status_code

    assert [await probe(trap, key) for key in (KEY, "guess", "café")] == [
        200,
        401,
        500,
    ]
    assert [await probe(fix, key) for key in (KEY, "guess", "café")] == [
        200,
        401,
        401,
    ]
    with pytest.raises(TypeError, match="comparing strings with non-ASCII"):
        trap("café")


async def test_umlaut_is_not_authenticated(client_for):
    async def probe(scheme, username="zoë", alphabet="utf-8"):
        app = FastAPI()

        @app.get("/orders")
        def read(given: Annotated[object, Depends(scheme)]):
            return {"detail": given.username if given else "Not authenticated"}

        async with client_for(app) as http:
            headers = basic(username, "größer", alphabet)
            return (await seen(http, headers=headers))[1]

    assert await probe(HTTPBasic()) == "Not authenticated"
    assert await probe(real.basic) == "zoë"
    assert await probe(real.basic, alphabet="latin-1") == "Not authenticated"


async def test_two_schemes_are_both_required(client_for):
    key = APIKeyHeader(name="X-API-Key", scheme_name="Key")
    bearer = HTTPBearer(scheme_name="Bearer")

    def trap(
        key: Annotated[str, Depends(key)], token: Annotated[object, Depends(bearer)]
    ):
        """Both are there, or FastAPI has already answered."""

    key_or_none = APIKeyHeader(
        name="X-API-Key", scheme_name="Key", auto_error=False
    )
    bearer_or_none = HTTPBearer(scheme_name="Bearer", auto_error=False)

    def fix(
        key: Annotated[str | None, Depends(key_or_none)],
        token: Annotated[object | None, Depends(bearer_or_none)],
    ):
        if not key and not token:
            raise HTTPException(401)

    async def probe(check):
        app = guarded(check)
        documented = app.openapi()["paths"]["/orders"]["get"]["security"]
        assert documented == [{"Key": []}, {"Bearer": []}]
        async with client_for(app) as http:
            sent = [{}, {"X-API-Key": KEY}, {"Authorization": "Bearer abc"}]
            return [(await seen(http, headers=headers))[0] for headers in sent]

    assert await probe(trap) == [401, 401, 401]
    assert await probe(fix) == [401, 200, 200]


async def test_second_key_hides_the_first():
    def probe(one, two):
        def check(
            app_key: Annotated[str, Depends(one)],
            user_key: Annotated[str, Depends(two)],
        ):
            """Needs both."""

        documented = guarded(check).openapi()["components"]["securitySchemes"]
        return {name: scheme["name"] for name, scheme in documented.items()}

    assert probe(APIKeyHeader(name="X-App"), APIKeyHeader(name="X-User")) == {
        "APIKeyHeader": "X-User"
    }
    assert probe(
        APIKeyHeader(name="X-App", scheme_name="App"),
        APIKeyHeader(name="X-User", scheme_name="User"),
    ) == {"App": "X-App", "User": "X-User"}


async def test_key_in_the_url_is_logged(server, workdir):
    (workdir / "both.py").write_text(
        "from fastapi import Depends, FastAPI\n"
        "from fastapi.security import APIKeyHeader, APIKeyQuery\n"
        "app = FastAPI()\n"
        "for path, scheme in (('/q', APIKeyQuery), ('/h', APIKeyHeader)):\n"
        "    key = Depends(scheme(name='key'))\n"
        "    app.get(path, dependencies=[key])(lambda: 'open')\n"
    )

    async with server("both:app", cwd=workdir) as url, url.client() as http:

        async def probe(path, **sent):
            assert (await http.get(path, **sent)).status_code == 200
            (line,) = [x for x in url.log().splitlines() if f'"GET {path}' in x]
            return KEY in line

        assert await probe("/q", params={"key": KEY})
        assert not await probe("/h", headers={"key": KEY})
