import copy
import os
import subprocess
import sys
import time
from pathlib import Path

import httpx2
import jwt
import main
import pytest
import real
from fastapi import Body, FastAPI, Request, Response
from fastapi.exceptions import FastAPIDeprecationWarning
from fastapi.middleware.httpsredirect import HTTPSRedirectMiddleware
from fastapi.middleware.trustedhost import TrustedHostMiddleware
from fastapi.routing import iter_route_contexts
from outgoing import MAX_ANSWER, PublicOnly, fetch, is_public
from pydantic import BaseModel

PUBLIC = "93.184.215.14"
METADATA = "169.254.169.254"
SECRET = "cloud-key-1f3a"
NAMES = {
    "shop.example": [PUBLIC],
    "moved.example": [PUBLIC],
    "huge.example": [PUBLIC],
    "carrier.example": [PUBLIC],
    "mixed.example": [PUBLIC, "10.0.0.7"],
}


# The stand-in for the internet: who is asked depends on the address


async def network(scope, receive, send):
    async def answer(status, body, *headers):
        await send(
            {"type": "http.response.start", "status": status, "headers": headers}
        )
        await send({"type": "http.response.body", "body": body})

    host = dict(scope["headers"])[b"host"].decode()
    if scope["server"][0] == METADATA:
        await answer(200, SECRET.encode())
    elif host == "moved.example":
        there = f"http://{METADATA}/".encode()
        await answer(302, b"", (b"location", there))
    elif host == "huge.example":
        await answer(200, b"x" * (MAX_ANSWER + 1))
    elif host == "carrier.example":
        await answer(200, b"-100")
    else:
        await answer(200, b"Rings and mugs")


class Names:
    """Resolves; a name with several lines answers differently each time."""

    def __init__(self, **turns):
        self.turns = {name.replace("_", "."): list(t) for name, t in turns.items()}

    async def __call__(self, host, port):
        if host in self.turns:
            turn = self.turns[host]
            return [turn.pop(0) if len(turn) > 1 else turn[0]]
        if not host:
            raise OSError("no name")
        return NAMES.get(host, [host])


class Resolving(httpx2.AsyncBaseTransport):
    """What every client does: ask for the address when it connects."""

    def __init__(self, names):
        self.names, self.inner = names, httpx2.ASGITransport(network)

    async def handle_async_request(self, request):
        [address, *_] = await self.names(request.url.host, 80)
        request.url = request.url.copy_with(host=address)
        return await self.inner.handle_async_request(request)


def careless(names=None, **options):
    transport = Resolving(names or Names())
    return httpx2.AsyncClient(
        transport=transport, **{"follow_redirects": True, **options}
    )


def careful(names=None):
    names = names or Names()
    guard = PublicOnly(Resolving(names), names)
    return httpx2.AsyncClient(transport=guard, follow_redirects=True)


USERS = copy.deepcopy(main.USERS)


def reset_users():
    main.USERS.update(copy.deepcopy(USERS))


@pytest.fixture(autouse=True)
def fresh_users():
    main.app.dependency_overrides[main.outgoing] = lambda: careless()
    real.api.dependency_overrides[real.outgoing] = lambda: careful()
    yield
    reset_users()
    main.app.dependency_overrides.clear()
    real.api.dependency_overrides.clear()


def signed(name, key=None, **claims):
    claims = {"sub": name, "exp": int(time.time()) + 60, **claims}
    token = jwt.encode(claims, key or real.KEY, algorithm="HS256")
    return {"Authorization": f"Bearer {token}"}


UNSIGNED = jwt.encode({"sub": "ada"}, None, algorithm="none")
BOB_WANTS = {"email": "bob@example.com", "role": "admin"}


# The ten attacks: each returns what the attacker got, or nothing


async def read_the_order_of_ada(http):
    answer = await http.get("/orders/1", headers=signed("bob"))
    return answer, "ring" in answer.text


async def forge_a_token(http):
    headers = {"Authorization": f"Bearer {UNSIGNED}"}
    answer = await http.get("/orders/1", headers=headers)
    return answer, "ring" in answer.text


async def set_the_role(http):
    answer = await http.patch("/me", json=BOB_WANTS, headers=signed("bob"))
    return answer, main.USERS["bob"].role == "admin"


async def send_five_megabytes(http):
    text = {"text": "x" * 5_000_000}
    answer = await http.post("/notes", json=text, headers=signed("bob"))
    return answer, answer.is_success


async def delete_ada(http):
    answer = await http.delete("/users/ada", headers=signed("bob"))
    return answer, answer.is_success


async def buy_all_seats(http):
    for _ in range(50):
        answer = await http.post("/seats?count=4", headers=signed("bob"))
    return answer, main.USERS["bob"].seats > 4


async def read_the_cloud_key(http):
    query = {"url": f"http://{METADATA}/"}
    answer = await http.post("/previews", params=query, headers=signed("bob"))
    return answer, SECRET in answer.text


async def poison_the_link(http):
    answer = await http.post(
        "/resets?email=ada@example.com", headers={"Host": "evil.example"}
    )
    return answer, "evil.example" in answer.text


async def call_the_old_version(http):
    answer = await http.get("/v0/users")
    return answer, "argon2id" in answer.text


async def be_a_lying_partner(http):
    answer = await http.get("/shipping", headers=signed("bob"))
    return answer, answer.is_success and answer.json() < 0


ATTACKS = {
    "API1  read the order of somebody else": read_the_order_of_ada,
    "API2  come with a token nobody signed": forge_a_token,
    "API3  set a property: my role": set_the_role,
    "API4  send five megabytes": send_five_megabytes,
    "API5  delete a user, not being admin": delete_ada,
    "API6  buy all seats, four at a time": buy_all_seats,
    "API7  have the cloud's key fetched": read_the_cloud_key,
    "API8  have a link made from my Host": poison_the_link,
    "API9  call the version before": call_the_old_version,
    "API10 be a partner that lies": be_a_lying_partner,
}


async def test_ten_attacks_succeed_on_one_app_and_fail_on_the_other(
    client_for, shown
):
    lines = [f"{'':<42}main.py      real.py"]
    for name, attack in ATTACKS.items():
        async with client_for(main.app) as http:
            before, succeeded = await attack(http)
        assert succeeded, name
        reset_users()
        async with client_for(real.app, base_url="http://localhost") as http:
            after, succeeded = await attack(http)
        assert not succeeded, name
        lines.append(
            f"{name:<42}{before.status_code} open     {after.status_code} closed"
        )
    shown("attacks", "\n".join(lines))


async def test_the_answers_of_the_open_app(client):
    token = jwt.encode({"sub": "bob"}, None, algorithm="none")
    headers = {"Authorization": f"Bearer {token}"}
    answer = await client.get("/orders/1", headers=headers)
    assert (answer.status_code, answer.json()) == (
        200,
        {"owner": "ada", "item": "ring"},
    )
    answer = await client.patch("/me", json=BOB_WANTS, headers=headers)
    assert answer.json()["role"] == "admin"
    assert answer.json()["password_hash"] == "$argon2id$b"


async def test_the_hardened_app_still_does_its_work(client_for):
    async with client_for(real.app, base_url="http://localhost") as http:
        bob = signed("bob")
        answer = await http.get("/orders/2", headers=bob)
        assert answer.json() == {"owner": "bob", "item": "mug"}
        change = {"email": "b@example.com"}
        answer = await http.patch("/me", json=change, headers=bob)
        assert answer.json() == {"name": "bob", "email": "b@example.com"}
        answer = await http.post("/notes", json={"text": "hello"}, headers=bob)
        assert (answer.status_code, answer.json()) == (200, 5)
        answer = await http.post("/seats?count=4", headers=bob)
        assert answer.json() == 4
        page = {"url": "http://shop.example/"}
        answer = await http.post("/previews", params=page, headers=bob)
        assert answer.json() == "Rings and mugs"
        main.USERS["ada"].role = "admin"
        answer = await http.delete("/users/bob", headers=signed("ada"))
        assert answer.json() == "bob is gone"


async def test_a_login_needs_our_signature_and_an_end(client_for):
    wrong = {
        "another key": signed("bob", key="k" * 32),
        "expired": signed("bob", exp=1),
        "unknown user": signed("eve"),
        "no end": {
            "Authorization": "Bearer "
            + jwt.encode({"sub": "bob"}, real.KEY, algorithm="HS256")
        },
    }
    async with client_for(real.app, base_url="http://localhost") as http:
        for name, headers in wrong.items():
            answer = await http.get("/orders/2", headers=headers)
            assert answer.status_code == 401, name
            assert answer.headers["www-authenticate"] == "Bearer"


# What the framework does and does not


async def test_by_default_a_body_has_no_limit(client_for):
    def app(**limit):
        made = FastAPI(**limit)

        @made.post("/")
        async def size(request: Request) -> int:
            return len(await request.body())

        return made

    async def chunks():
        for _ in range(5):
            yield b"x" * 1_000_000

    async def probe(made, content):
        async with client_for(made) as http:
            answer = await http.post("/", content=content)
            return answer.status_code, answer.text

    whole = b"x" * 5_000_000
    assert await probe(app(), whole) == (200, "5000000")
    refused = (413, "Content Too Large")
    assert await probe(app(max_body_size=1_000_000), whole) == refused
    status, _ = await probe(app(max_body_size=1_000_000), chunks())
    assert status == 413


def test_root_path_belongs_to_the_server():
    with pytest.warns(FastAPIDeprecationWarning, match="root_path"):
        FastAPI(root_path="/api")


async def test_debug_shows_source_and_hides_nothing(client_for):
    async def probe(debug):
        app = FastAPI(debug=debug)

        @app.get("/")
        def crash() -> None:
            password = "hunter2"
            raise RuntimeError(f"login failed with {password}")

        async with client_for(app) as http:
            answer = await http.get("/")
            assert answer.status_code == 500
            return "hunter2" in answer.text

    assert await probe(debug=True)
    assert not await probe(debug=False)


async def test_hidden_routes_still_answer(client_for):
    async with client_for(main.app) as http:
        schema = (await http.get("/openapi.json")).json()
        assert "/v0/users" not in schema["paths"]
        assert (await http.get("/v0/users")).status_code == 200
    async with client_for(real.app, base_url="http://localhost") as http:
        for path in ("/docs", "/redoc", "/openapi.json"):
            assert (await http.get(path)).status_code == 404


async def test_a_health_check_by_address_is_refused_by_the_host_list(client_for):
    async def probe(host):
        async with client_for(real.app, base_url="http://localhost") as http:
            answer = await http.post("/resets?email=a", headers={"Host": host})
            return answer.status_code, answer.text

    assert await probe("10.0.0.5:8000") == (400, "Invalid host header")
    assert (await probe("localhost:8000"))[0] == 202


def test_what_counts_as_public(shown):
    addresses = [
        "93.184.215.14",
        "127.0.0.1",
        "10.0.0.7",
        "169.254.169.254",
        "100.64.0.1",
        "::ffff:127.0.0.1",
        "64:ff9b::7f00:1",
        "::7f00:1",
        "224.0.0.1",
        "168.63.129.16",
    ]
    import ipaddress

    lines = [f"{'':<20}is_global   is_public"]
    for text in addresses:
        python = "yes" if ipaddress.ip_address(text).is_global else "no"
        ours = "yes" if is_public(text) else "no"
        lines.append(f"{text:<20}{python:<12}{ours}")
    shown("addresses", "\n".join(lines))
    assert not is_public("2002:7f00:1::"), "is_global depends on the Python version"


async def test_every_address_of_a_name_must_be_public():
    async with careful() as http:
        with pytest.raises(httpx2.ConnectError, match="not a public address"):
            await fetch(http, "http://mixed.example/")
        with pytest.raises(httpx2.ConnectError, match="Port 6379"):
            await fetch(http, "http://shop.example:6379/")


@pytest.mark.parametrize(
    "url",
    ["ftp://shop.example/", "file:///etc/passwd", "/x", "http://[::1", "gopher:"],
)
async def test_what_is_no_web_address_is_a_422(client_for, url):
    async with client_for(real.app, base_url="http://localhost") as http:
        query = {"url": url}
        answer = await http.post("/previews", params=query, headers=signed("bob"))
        assert answer.status_code == 422
        assert answer.json() == {"detail": "Cannot read that address"}


async def test_a_huge_answer_is_dropped():
    async with careful() as http:
        with pytest.raises(httpx2.DecodingError, match="too large"):
            await fetch(http, "http://huge.example/")


async def test_the_guard_keeps_name_and_certificate_check():
    seen = []

    class Wire(httpx2.AsyncBaseTransport):
        async def handle_async_request(self, request):
            seen.append(request)
            moved = request.url.path == "/a"
            return httpx2.Response(302 if moved else 200, headers={"Location": "b"})

    guard = PublicOnly(Wire(), Names())
    async with httpx2.AsyncClient(transport=guard, follow_redirects=True) as http:
        await http.get("https://shop.example/a")
    assert [request.url.path for request in seen] == ["/a", "/b"]
    for request in seen:
        assert request.url.host == PUBLIC
        assert request.headers["host"] == "shop.example"
        assert request.extensions["sni_hostname"] == "shop.example"


async def test_a_real_service_on_loopback_is_read_and_guarded(server):
    from outgoing import public_client

    async with server("main:app") as url:
        page = f"http://localhost:{url.port}/openapi.json"
        async with main.outgoing() as http:
            assert (await http.get(page)).status_code == 200
        async with public_client() as http:
            with pytest.raises(httpx2.ConnectError, match="not a public address"):
                await http.get(page)


async def test_a_route_may_set_a_header_of_its_own(client_for):
    app = FastAPI()

    @app.get("/")
    def logo(response: Response) -> None:
        response.headers["Cache-Control"] = "max-age=60"

    async with client_for(real.SecurityHeaders(app)) as http:
        headers = (await http.get("/")).headers
        assert headers["cache-control"] == "max-age=60"
        assert headers["x-content-type-options"] == "nosniff"
        docs = await http.get("/docs")
        assert "default-src 'none'" in docs.headers["content-security-policy"]
        assert "<script" in docs.text


# The inventory: no route without a decision

OPEN_TO_ALL = {("POST", "/resets")}


def every_route(api):
    return {
        (method, context.path)
        for context in iter_route_contexts(api.routes)
        for method in context.methods or ()
        if method != "HEAD"
    }


# --8<-- [start:inventory]
async def open_routes(http, api):
    found = set()
    for method, path in sorted(every_route(api)):
        answer = await http.request(method, path.replace("{", "").replace("}", ""))
        if answer.status_code != 401:
            found.add((method, path))
    return found


async def test_only_the_listed_routes_need_no_login(client_for):
    async with client_for(real.app, base_url="http://localhost") as http:
        assert await open_routes(http, real.api) == OPEN_TO_ALL
        # --8<-- [end:inventory]


def test_the_inventory_sees_all_routes():
    assert every_route(real.api) == {
        ("PATCH", "/me"),
        ("GET", "/orders/{order_id}"),
        ("DELETE", "/users/{name}"),
        ("POST", "/notes"),
        ("POST", "/seats"),
        ("POST", "/previews"),
        ("GET", "/shipping"),
        ("POST", "/resets"),
    }


# The audit


async def test_the_audit_fails_on_the_old_lock_and_passes_on_the_new_one(
    server, shown, workdir
):
    uv = Path(sys.executable).with_name("uv")
    if not uv.exists():
        pytest.skip("uv is not installed")
    folder = workdir / "audit"

    async def audit(url):
        return await to_thread(
            subprocess.run,
            [uv, "audit", "--frozen", "--service-url", f"{url}/"],
            cwd=folder,
            env=os.environ | {"NO_PROXY": "127.0.0.1", "UV_NO_CACHE": "1"},
            capture_output=True,
            text=True,
            timeout=30,
        )

    from asyncio import to_thread

    def rewrite(old, new):
        lock = folder / "uv.lock"
        lock.write_text(lock.read_text().replace(old, new))

    async with server("advisories:app", cwd=folder) as url:
        rewrite("https://packages.example.com", url)  # uv asks it as well
        before = await audit(url)
        rewrite("0.0.6", "0.0.34")
        after = await audit(url)
    assert (before.returncode, after.returncode) == (1, 0)
    lines = ["$ uv audit --frozen", before.stdout.strip(), "exit status 1", ""]
    lines += ["# python-multipart 0.0.34", after.stderr.strip().splitlines()[-1]]
    shown("audit", "\n".join([*lines, "exit status 0"]))


# The gotchas


async def test_update_sets_the_role(client_for):
    class Change(BaseModel):
        email: str

    def app(model):
        made = FastAPI()
        user = main.User(name="bob", email="b@example.com", password_hash="x")

        @made.patch("/me")
        def change(change: model) -> dict[str, str]:
            data = change if isinstance(change, dict) else change.model_dump()
            return {"role": user.model_copy(update=data).role}

        return made

    async def probe(model):
        async with client_for(app(model)) as http:
            answer = await http.patch("/me", json=BOB_WANTS)
            return answer.status_code, answer.json().get("role")

    assert await probe(dict[str, str]) == (200, "admin")
    assert await probe(Change) == (200, "member")
    assert await probe(real.ProfileChange) == (422, None)


async def test_host_header_writes_the_link(client_for):
    async def probe(app):
        async with client_for(app) as http:
            answer = await http.post(
                "/resets?email=ada@example.com", headers={"Host": "evil.example"}
            )
            return answer.status_code, "evil.example" in answer.text

    listed = TrustedHostMiddleware(main.app, allowed_hosts=["shop.example"])
    assert await probe(main.app) == (200, True)
    assert await probe(real.api) == (202, False)
    assert await probe(listed) == (400, False)


async def check_first(names, url, **options):
    host = httpx2.URL(url).host
    if not all(map(is_public, await names(host, 80))):
        raise httpx2.ConnectError("private")
    async with careless(names, **options) as http:
        return (await http.get(url)).text


async def guarded(names, url):
    async with careful(names) as http:
        return (await fetch(http, url)).decode()


async def what_leaks(read, *arguments, **options):
    try:
        return await read(*arguments, **options)
    except httpx2.ConnectError:
        return "refused"


async def test_redirect_passes_the_check():
    async def probe(read, **options):
        return await what_leaks(read, Names(), "http://moved.example/", **options)

    assert httpx2.AsyncClient().follow_redirects is False
    assert await probe(check_first) == SECRET
    assert await probe(check_first, follow_redirects=False) == ""
    assert await probe(guarded) == "refused"


async def test_name_changes_between_check_and_use():
    async def probe(read):
        names = Names(evil_example=[PUBLIC, METADATA])
        return await what_leaks(read, names, "http://evil.example/")

    assert await probe(check_first) == SECRET
    assert await probe(guarded) == "Rings and mugs"


async def test_errors_lack_the_headers(client_for):
    def app():
        made = FastAPI(max_body_size=10)

        @made.post("/")
        def crash(text: str = Body()) -> None:
            raise RuntimeError

        return made

    async def probe(made):
        async with client_for(made) as http:
            answers = [
                await http.post("/", json="a"),
                await http.post("/", json="a" * 20),
                await http.get("/nothing"),
            ]
            statuses = [answer.status_code for answer in answers]
            assert statuses == [500, 413, 404]
            return ["content-security-policy" in a.headers for a in answers]

    trap = app()
    trap.add_middleware(real.SecurityHeaders)
    assert await probe(trap) == [False, False, True]
    assert await probe(real.SecurityHeaders(app())) == [True, True, True]


async def test_redirect_to_https_never_ends(client_for):
    from uvicorn.middleware.proxy_headers import ProxyHeadersMiddleware

    async def hello(scope, receive, send):
        await send({"type": "http.response.start", "status": 200, "headers": []})
        await send({"type": "http.response.body", "body": b"hello"})

    async def probe(trusted):
        app = HTTPSRedirectMiddleware(hello)
        served = ProxyHeadersMiddleware(app, trusted_hosts=trusted)
        headers = {"X-Forwarded-Proto": "https", "Host": "shop.example"}
        async with client_for(served, peer=("10.0.0.2", 1)) as http:
            answer = await http.get("/a", headers=headers)
            return answer.status_code, answer.headers.get("location")

    assert await probe("127.0.0.1") == (307, "https://shop.example/a")
    assert await probe("10.0.0.0/8") == (200, None)


async def test_forgotten_router_is_open(client_for):
    def app(**options):
        made = FastAPI(openapi_url=None)
        made.include_router(real.private)
        reports = real.APIRouter(**options)

        @reports.get("/reports")
        def read() -> str:
            return "all orders"

        made.include_router(reports)
        return made

    async def probe(made):
        async with client_for(made) as http:
            return await open_routes(http, made)

    assert await probe(app()) == {("GET", "/reports")}
    locked = real.Depends(real.caller)
    assert await probe(app(dependencies=[locked])) == set()
