import base64
import hashlib
import hmac
import json
import runpy
import secrets
import time
import warnings
from datetime import UTC, datetime, timedelta, timezone
from typing import Annotated

import fastapi.security as schemes
import jwt
import main
import pytest
import real
from fastapi import Depends, FastAPI, Form, HTTPException, WebSocket
from fastapi.security import OAuth2PasswordRequestForm
from main import app
from pwdlib import PasswordHash
from pwdlib.hashers.argon2 import Argon2Hasher
from pydantic import ValidationError

ADA = {"username": "ada", "password": "correct horse"}
OLD_KEY, NEW_KEY = "0" * 64, "1" * 64


def bearer(token):
    return {"Authorization": f"Bearer {token}"}


def sign(claims, key=None, **kwargs):
    return jwt.encode(claims, key or main.KEY, algorithm="HS256", **kwargs)


def segment(text):
    return json.loads(base64.urlsafe_b64decode(text + "=" * (-len(text) % 4)))


@pytest.fixture(autouse=True)
def shipped():
    """Give real.py one key and an empty store; return the means to change both."""

    def configure(keys=None, **changes):
        config = real.Settings(
            keys=json.dumps(keys or {"2026-11": NEW_KEY}), **changes
        )
        real.app.dependency_overrides[real.settings] = lambda: config

    configure()
    yield configure
    real.app.dependency_overrides.pop(real.settings)
    for store in (real.sessions, real.issued, real.unused):
        store.clear()


# How the small app behaves


async def test_a_login_form_is_exchanged_for_a_token_that_opens_the_route(client):
    answer = await client.post("/token", data=ADA)
    assert answer.status_code == 200
    assert answer.json()["token_type"] == "bearer"

    me = await client.get("/me", headers=bearer(answer.json()["access_token"]))
    assert (me.status_code, me.json()) == (200, {"user": "ada"})


async def test_a_wrong_password_and_an_unknown_user_get_the_same_answer(client):
    wrong = await client.post("/token", data=ADA | {"password": "correct house"})
    unknown = await client.post("/token", data=ADA | {"username": "grace"})
    assert wrong.status_code == unknown.status_code == 401
    assert (
        wrong.json() == unknown.json() == {"detail": "Wrong username or password"}
    )
    assert wrong.headers["www-authenticate"] == "Bearer"


async def test_the_scheme_only_looks_at_the_header_and_the_decoder_judges_the_token(
    client,
):
    async def reason(headers):
        answer = await client.get("/me", headers=headers)
        assert answer.status_code == 401
        return answer.json()["detail"]

    assert await reason({}) == "Not authenticated"
    assert (
        await reason({"Authorization": "Basic YWRhOmhvcnNl"}) == "Not authenticated"
    )
    assert await reason({"Authorization": "Bearer"}) == "Invalid or expired token"
    assert await reason(bearer("not.a.jwt")) == "Invalid or expired token"


async def test_openapi_tells_the_docs_page_where_to_log_in(client):
    openapi = (await client.get("/openapi.json")).json()
    assert openapi["components"]["securitySchemes"]["OAuth2PasswordBearer"] == {
        "type": "oauth2",
        "flows": {"password": {"scopes": {}, "tokenUrl": "token"}},
    }
    assert openapi["paths"]["/me"]["get"]["security"] == [
        {"OAuth2PasswordBearer": []}
    ]


async def test_a_token_is_two_readable_parts_and_a_signature(shown):
    token = sign({"sub": "ada", "exp": 1893456000}, OLD_KEY)
    header, payload, signature = token.split(".")
    assert segment(header) == {"alg": "HS256", "typ": "JWT"}
    assert segment(payload) == {"sub": "ada", "exp": 1893456000}

    signed = hmac.digest(
        OLD_KEY.encode(), f"{header}.{payload}".encode(), hashlib.sha256
    )
    assert base64.urlsafe_b64encode(signed).rstrip(b"=").decode() == signature

    shown(
        "token-segments",
        f"{header}\n    {json.dumps(segment(header))}\n"
        f"{payload}\n    {json.dumps(segment(payload))}\n"
        f"{signature}\n"
        f"    HMAC-SHA256(key, header + '.' + payload), {len(signed)} bytes\n",
    )


async def test_every_reason_to_refuse_a_token(client, shown):
    now, minute = datetime.now(UTC), timedelta(minutes=1)
    good = sign({"sub": "ada", "exp": now + minute})
    header, _, signature = good.split(".")
    other_payload = sign({"sub": "root", "exp": now + minute}).split(".")[1]
    tokens = {
        "fresh, signed by us": good,
        "expired a minute ago": sign({"sub": "ada", "exp": now - minute}),
        "valid in a minute": sign(
            {"sub": "ada", "exp": now + 2 * minute, "nbf": now + minute}
        ),
        "payload exchanged": f"{header}.{other_payload}.{signature}",
        "signed with another key": sign(
            {"sub": "ada", "exp": now + minute}, NEW_KEY
        ),
        "alg: none, no signature": jwt.encode(
            {"sub": "ada"}, None, algorithm="none"
        ),
        "no exp claim": sign({"sub": "ada"}),
        "sub is a number": sign({"sub": 7, "exp": now + minute}),
        "addressed to another API": sign(
            {"sub": "ada", "exp": now + minute, "aud": "mail"}
        ),
        "not a JWT": "correct horse",
    }

    def reason(token):
        try:
            jwt.decode(
                token,
                main.KEY,
                algorithms=["HS256"],
                options={"require": ["exp", "sub"]},
            )
        except jwt.InvalidTokenError as error:
            return f"{type(error).__name__}: {error}"
        return ""

    answers = {}
    for name, token in tokens.items():
        answer = await client.get("/me", headers=bearer(token))
        assert (answer.status_code == 200) is (reason(token) == "")
        answers[name] = f"{name:26}{answer.status_code}  {reason(token)}".rstrip()
    assert [name for name in answers if " 200" in answers[name]] == [
        "fresh, signed by us"
    ]
    shown("verdicts", "\n".join(answers.values()) + "\n")


def test_decoding_without_a_list_of_algorithms_is_an_error():
    with pytest.raises(
        jwt.DecodeError, match=r"value for the .algorithms. argument"
    ):
        jwt.decode(sign({"sub": "ada"}), main.KEY)


def test_two_processes_of_the_small_app_refuse_each_others_tokens(bundle_dir):
    first, second = [runpy.run_path(str(bundle_dir / "main.py")) for _ in range(2)]
    token = sign(
        {"sub": "ada", "exp": datetime.now(UTC) + timedelta(minutes=1)},
        first["KEY"],
    )
    assert first["current_user"](token) == "ada"
    with pytest.raises(HTTPException, match="Invalid or expired token"):
        second["current_user"](token)


# How the app one would ship behaves


async def test_refreshing_hands_out_a_new_pair_and_forgets_the_old_refresh_token(
    client_for,
):
    async with client_for(real.app) as client:
        login = await client.post("/token", data=ADA)
        first = login.json()
        second = await client.post(
            "/token/refresh", data={"refresh_token": first["refresh_token"]}
        )
        assert second.status_code == 200
        assert second.json()["refresh_token"] != first["refresh_token"]
        assert (
            login.headers["cache-control"]
            == second.headers["cache-control"]
            == "no-store"
        )
        me = await client.get("/me", headers=bearer(second.json()["access_token"]))
        assert me.json() == {"user": "ada"}


async def test_an_expired_access_token_is_renewed_and_an_expired_session_is_not(
    client_for, shipped
):
    async def probe(**ttl):
        shipped(**ttl)
        async with client_for(real.app) as client:
            tokens = (await client.post("/token", data=ADA)).json()
            me = await client.get("/me", headers=bearer(tokens["access_token"]))
            form = {"refresh_token": tokens["refresh_token"]}
            return me.status_code, (
                await client.post("/token/refresh", data=form)
            ).status_code

    past = timedelta(minutes=-1)
    assert await probe() == (200, 200)
    assert await probe(access_ttl=past) == (401, 200)
    assert await probe(session_ttl=past) == (200, 401)


async def test_a_spent_refresh_token_ends_the_session_of_the_thief_too(client_for):
    trap, live = FastAPI(), set()

    def rotate():
        live.add(token := secrets.token_urlsafe(32))
        return {"refresh_token": token}

    trap.post("/token")(rotate)

    @trap.post("/token/refresh")
    def refresh(refresh_token: Annotated[str, Form()]):
        if refresh_token not in live:
            raise HTTPException(401)
        live.remove(refresh_token)
        return rotate()

    async def probe(app):
        async with client_for(app) as client:

            async def renew(tokens):
                form = {"refresh_token": tokens["refresh_token"]}
                return await client.post("/token/refresh", data=form)

            victim = (await client.post("/token", data=ADA)).json()
            thief = (await renew(victim)).json()
            assert (await renew(victim)).status_code == 401
            return (await renew(thief)).status_code

    assert await probe(trap) == 200
    assert await probe(real.app) == 401


async def test_two_uses_of_a_refresh_token_at_the_same_moment_end_the_session(
    client_for, monkeypatch
):
    config = real.app.dependency_overrides[real.settings]()

    class UsedTwice(dict):
        def pop(self, presented, default):
            sid = super().pop(presented, default)
            if sid is not default:
                with pytest.raises(HTTPException):
                    real.refresh(tokens["refresh_token"], config)
            return sid

    monkeypatch.setattr(real, "unused", UsedTwice())
    async with client_for(real.app) as client:
        tokens = (await client.post("/token", data=ADA)).json()
        form = {"refresh_token": tokens["refresh_token"]}
        assert (await client.post("/token/refresh", data=form)).status_code == 401
        me = await client.get("/me", headers=bearer(tokens["access_token"]))
        assert me.json() == {"detail": "Session ended"}


async def test_log_out_ends_one_session_and_log_out_everywhere_ends_all(client_for):
    async with client_for(real.app) as client:
        phone, laptop, tablet = [
            (await client.post("/token", data=ADA)).json() for _ in range(3)
        ]

        async def alive():
            answers = [
                await client.get("/me", headers=bearer(device["access_token"]))
                for device in (phone, laptop, tablet)
            ]
            return [answer.status_code for answer in answers]

        await client.post("/logout", headers=bearer(phone["access_token"]))
        assert await alive() == [401, 200, 200]
        await client.post(
            "/logout/everywhere", headers=bearer(laptop["access_token"])
        )
        assert await alive() == [401, 401, 401]


async def test_a_token_for_another_api_or_from_another_issuer_is_refused(
    client_for, shipped
):
    async with client_for(real.app) as client:
        tokens = (await client.post("/token", data=ADA)).json()
        me = {"url": "/me", "headers": bearer(tokens["access_token"])}
        assert (await client.get(**me)).status_code == 200
        shipped(audience="mail-api")
        assert (await client.get(**me)).status_code == 401
        shipped(issuer="https://elsewhere.example")
        assert (await client.get(**me)).status_code == 401


async def test_a_hash_made_with_cheaper_settings_is_replaced_at_the_next_login(
    client_for, monkeypatch
):
    cheap = PasswordHash([Argon2Hasher(time_cost=1)]).hash("correct horse")
    monkeypatch.setitem(real.users, "ada", cheap)
    async with client_for(real.app) as client:
        assert (await client.post("/token", data=ADA)).status_code == 200
    assert "$m=65536,t=1," in cheap
    assert "$m=65536,t=3," in real.users["ada"]


def test_settings_refuse_a_short_key_and_an_empty_ring():
    for keys in ({"2026-11": "secret"}, {}):
        with pytest.raises(ValidationError, match="too_short"):
            real.Settings(keys=json.dumps(keys))


async def test_missing_credentials_are_401_in_every_security_class(client_for):
    flow = {"tokenUrl": "token", "authorizationUrl": "authorize"}
    challenges = {
        schemes.OAuth2(): "Bearer",
        schemes.OAuth2PasswordBearer("token"): "Bearer",
        schemes.OAuth2AuthorizationCodeBearer(**flow): "Bearer",
        schemes.OpenIdConnect(openIdConnectUrl="openid"): "Bearer",
        schemes.HTTPBearer(): "Bearer",
        schemes.HTTPBasic(): "Basic",
        schemes.HTTPDigest(): "Digest",
        schemes.APIKeyHeader(name="X-Key"): "APIKey",
        schemes.APIKeyQuery(name="key"): "APIKey",
        schemes.APIKeyCookie(name="key"): "APIKey",
    }
    for scheme, challenge in challenges.items():
        guarded = FastAPI()
        guarded.get("/", dependencies=[Depends(scheme)])(lambda: "open")
        async with client_for(guarded) as client:
            answer = await client.get("/")
        assert answer.status_code == 401
        assert answer.json() == {"detail": "Not authenticated"}
        assert answer.headers["www-authenticate"] == challenge


async def test_the_same_dependency_guards_a_websocket_handshake():
    live = FastAPI()

    @live.websocket("/live")
    async def echo(
        socket: WebSocket, user: Annotated[str, Depends(main.current_user)]
    ):
        await socket.accept()
        await socket.close()

    async def handshake(headers):
        scope = {
            "type": "websocket",
            "path": "/live",
            "query_string": b"",
            "headers": headers,
        }
        scope |= {"extensions": {"websocket.http.response": {}}}
        sent = []

        async def receive():
            return {"type": "websocket.connect"}

        async def send(message):
            sent.append(message)

        await live(scope, receive, send)
        return sent[0]["type"], sent[0].get("status")

    token = sign({"sub": "ada", "exp": datetime.now(UTC) + timedelta(minutes=1)})
    assert await handshake([]) == ("websocket.http.response.start", 401)
    assert await handshake([(b"authorization", f"Bearer {token}".encode())]) == (
        "websocket.accept",
        None,
    )


# One proof per gotcha


async def test_login_sent_as_json(client):
    async def probe(**body):
        answer = await client.post("/token", **body)
        missing = [error["loc"] for error in answer.json().get("detail", [])]
        return answer.status_code, missing

    assert await probe(json=ADA) == (
        422,
        [["body", "username"], ["body", "password"]],
    )
    assert await probe(data=ADA) == (200, [])


async def test_sub_must_be_a_string(client):
    async def probe(user_id):
        token = sign(
            {"sub": user_id, "exp": datetime.now(UTC) + timedelta(minutes=1)}
        )
        return (await client.get("/me", headers=bearer(token))).status_code

    assert await probe(7) == 401
    assert await probe("7") == 200


async def test_payload_is_readable():
    def read_without_the_key(claims):
        token = sign(claims, secrets.token_hex(32))
        return set(segment(token.split(".")[1]).values())

    assert read_without_the_key({"sub": "7", "email": "ada@notes.example"}) == {
        "7",
        "ada@notes.example",
    }
    assert read_without_the_key({"sub": "7"}) == {"7"}


async def test_no_exp_means_forever():
    forever = sign({"sub": "ada"})

    def probe(options):
        try:
            return jwt.decode(
                forever, main.KEY, algorithms=["HS256"], options=options
            )["sub"]
        except jwt.InvalidTokenError as error:
            return str(error)

    assert probe({}) == "ada"
    assert probe({"require": ["exp"]}) == 'Token is missing the "exp" claim'


async def test_local_time_shifts_expiry():
    honolulu = timezone(timedelta(hours=-10))

    def naive_local_time():
        return datetime.now(honolulu).replace(tzinfo=None)

    def aware_local_time():
        return datetime.now(honolulu)

    def probe(clock):
        token = sign({"sub": "ada", "exp": clock() + timedelta(minutes=15)})
        options = {"verify_exp": False}
        expires = jwt.decode(
            token, main.KEY, algorithms=["HS256"], options=options
        )["exp"]
        return round((expires - time.time()) / 60)

    assert probe(naive_local_time) == 15 - 10 * 60
    assert probe(aware_local_time) == 15


async def test_short_key_is_guessed():
    words = ["password", "changeme", "secret", "supersecret"]

    def probe(key):
        with warnings.catch_warnings(record=True) as caught:
            warnings.simplefilter("always")
            signed, _, signature = sign({"sub": "ada"}, key).rpartition(".")
        warned = [w.category for w in caught]
        for word in words:
            guess = hmac.digest(word.encode(), signed.encode(), hashlib.sha256)
            if base64.urlsafe_b64encode(guess).rstrip(b"=").decode() == signature:
                return word, warned
        return None, warned

    assert probe("secret") == ("secret", [jwt.InsecureKeyLengthWarning])
    assert probe(secrets.token_hex(32)) == (None, [])


async def test_token_chooses_the_algorithm(client_for):
    public_key = (
        "-----BEGIN PUBLIC KEY-----\nMIIBIjANBgkq\n-----END PUBLIC KEY-----"
    )
    unsigned, _, _ = sign({"sub": "root"}).rpartition(".")
    forged = hmac.digest(public_key.encode(), unsigned.encode(), hashlib.sha256)
    token = f"{unsigned}.{base64.urlsafe_b64encode(forged).rstrip(b'=').decode()}"

    def hand_written(token):
        signed, _, signature = token.rpartition(".")
        if segment(token.split(".")[0])["alg"] == "HS256":
            expected = hmac.digest(
                public_key.encode(), signed.encode(), hashlib.sha256
            )
            given = base64.urlsafe_b64decode(signature + "=")
            if hmac.compare_digest(expected, given):
                return segment(token.split(".")[1])
        raise jwt.InvalidTokenError

    def two_families(token):
        return jwt.decode(token, public_key, algorithms=["RS256", "HS256"])

    def one_algorithm(token):
        return jwt.decode(token, public_key, algorithms=["RS256"])

    async def probe(verify):
        guarded = FastAPI()

        @guarded.get("/admin")
        def admin(token: Annotated[str, Depends(main.bearer)]):
            try:
                return verify(token)["sub"]
            except jwt.InvalidTokenError:
                raise HTTPException(401) from None

        async with client_for(guarded) as client:
            return (await client.get("/admin", headers=bearer(token))).status_code

    assert await probe(hand_written) == 200
    assert await probe(two_families) == 500
    assert await probe(one_algorithm) == 401


async def test_refresh_token_opens_every_route(client_for):
    trap = FastAPI()

    @trap.post("/token")
    def log_in(
        form: Annotated[OAuth2PasswordRequestForm, Depends()],
    ) -> dict[str, str]:
        now = datetime.now(UTC)
        return {
            "access_token": sign(
                {"sub": form.username, "exp": now + timedelta(minutes=15)}
            ),
            "refresh_token": sign(
                {"sub": form.username, "exp": now + timedelta(days=14)}
            ),
        }

    trap.get("/me")(main.me)

    async def probe(app):
        async with client_for(app) as client:
            tokens = (await client.post("/token", data=ADA)).json()
            return (
                await client.get("/me", headers=bearer(tokens["refresh_token"]))
            ).status_code

    assert await probe(trap) == 200
    assert await probe(real.app) == 401


async def test_logout_leaves_the_token_valid(client_for):
    trap = FastAPI()
    trap.post("/token")(main.log_in)
    trap.get("/me")(main.me)

    @trap.post("/logout", status_code=204)
    def log_out(user: Annotated[str, Depends(main.current_user)]) -> None:
        """The client forgets its token; the server does nothing."""

    async def probe(app):
        async with client_for(app) as client:
            headers = bearer(
                (await client.post("/token", data=ADA)).json()["access_token"]
            )
            before = await client.get("/me", headers=headers)
            await client.post("/logout", headers=headers)
            after = await client.get("/me", headers=headers)
            return before.status_code, after.status_code

    assert await probe(trap) == (200, 200)
    assert await probe(real.app) == (200, 401)


async def test_new_key_logs_everyone_out(client_for, shipped):
    async def probe(keys_after_the_deploy):
        shipped({"2026-05": OLD_KEY})
        async with client_for(real.app) as client:
            token = (await client.post("/token", data=ADA)).json()["access_token"]
            shipped(keys_after_the_deploy)
            return (await client.get("/me", headers=bearer(token))).status_code

    assert await probe({"2026-11": NEW_KEY}) == 401
    assert await probe({"2026-11": NEW_KEY, "2026-05": OLD_KEY}) == 200


async def test_passlib_fails_on_every_password():
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)
        from passlib.context import CryptContext

    def probe(hash_password):
        try:
            return hash_password("horse").split("$")[1]
        except ValueError as error:
            return str(error)

    trap = CryptContext(schemes=["bcrypt"])
    assert probe(trap.hash).startswith("password cannot be longer than 72 bytes")
    assert probe(PasswordHash.recommended().hash) == "argon2id"


def test_bcrypt_hashes_move_to_argon2_at_the_next_login():
    from pwdlib.hashers.bcrypt import BcryptHasher

    old = BcryptHasher(rounds=4).hash("correct horse")
    passwords = PasswordHash([Argon2Hasher(), BcryptHasher()])
    valid, upgraded = passwords.verify_and_update("correct horse", old)
    assert valid
    assert old.startswith("$2b$")
    assert upgraded.startswith("$argon2id$")


async def test_unknown_user_answers_faster(client_for, monkeypatch):
    class Counting(PasswordHash):
        checks = 0

        def verify(self, *args):
            self.checks += 1
            return super().verify(*args)

    passwords = Counting([Argon2Hasher()])
    monkeypatch.setattr(main, "passwords", passwords)
    trap = FastAPI()

    @trap.post("/token")
    def log_in(form: Annotated[OAuth2PasswordRequestForm, Depends()]):
        stored = main.USERS.get(form.username)
        if stored is None or not passwords.verify(form.password, stored):
            raise HTTPException(401)

    async def probe(app):
        passwords.checks, counts = 0, {}
        async with client_for(app) as client:
            for name in ("ada", "grace"):
                form = {"username": name, "password": "wrong"}
                assert (await client.post("/token", data=form)).status_code == 401
                counts[name], passwords.checks = passwords.checks, 0
        return counts

    assert await probe(trap) == {"ada": 1, "grace": 0}
    assert await probe(app) == {"ada": 1, "grace": 1}
