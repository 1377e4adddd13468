import copy
from datetime import UTC, datetime, timedelta
from typing import Annotated

import jwt
import main
import pytest
import real
from fastapi import APIRouter, Body, Depends, FastAPI, HTTPException, Security
from fastapi.routing import iter_route_contexts
from fastapi.security import (
    OAuth2PasswordBearer,
    OAuth2PasswordRequestForm,
    SecurityScopes,
)
from main import app

START = copy.deepcopy((real.users, real.notes))


def bearer(token):
    return {"Authorization": f"Bearer {token}"}


def token(name, *scopes):
    """Return headers with a token of real.py; without scopes, with all of them."""
    return bearer(real.issue(name, set(scopes or real.SCOPES)).access_token)


def reset():
    for store, content in zip((real.users, real.notes), START, strict=True):
        store.clear()
        store.update(copy.deepcopy(content))


@pytest.fixture(autouse=True)
def fresh():
    reset()
    yield
    reset()
    main.notes[:] = ["Buy ink"]


# How the small app behaves


async def test_a_scope_opens_the_routes_that_ask_for_it_and_no_others(client):
    read = await client.get("/notes", headers=bearer("ada-read"))
    assert (read.status_code, read.json()) == (200, ["Buy ink"])
    url = "/notes?text=Sell+ink"
    refused = await client.post(url, headers=bearer("ada-read"))
    assert refused.status_code == 403
    assert refused.json() == {"detail": "The token lacks a scope"}
    assert refused.headers["www-authenticate"] == (
        'Bearer error="insufficient_scope", scope="notes:write"'
    )
    written = await client.post(url, headers=bearer("ada-full"))
    assert (written.status_code, written.json()) == (201, "Sell ink, by ada")


async def test_no_token_and_a_wrong_one_are_401(client):
    nothing = await client.get("/notes")
    unknown = await client.get("/notes", headers=bearer("ada-old"))
    assert (nothing.status_code, unknown.status_code) == (401, 401)
    assert nothing.headers["www-authenticate"] == "Bearer"
    assert "invalid_token" in unknown.headers["www-authenticate"]


def test_the_docs_list_the_scopes_of_each_operation():
    schema = app.openapi()
    operation = schema["paths"]["/notes"]["post"]
    assert operation["security"] == [{"OAuth2PasswordBearer": ["notes:write"]}]
    scheme = schema["components"]["securitySchemes"]["OAuth2PasswordBearer"]
    assert scheme["flows"]["password"]["scopes"] == main.SCOPES


# How scopes travel


async def test_scopes_add_up_from_the_route_down(client_for, shown):
    seen, looked_up = [], []
    scheme = OAuth2PasswordBearer(tokenUrl="token")

    def user(token: Annotated[str, Depends(scheme)]):
        looked_up.append(token)

    def check(needed: SecurityScopes, who: Annotated[None, Depends(user)]):
        seen.append(needed.scope_str or "nothing")

    def note(who: Annotated[None, Depends(check)]):
        pass

    def strict_note(who: Annotated[None, Security(check, scopes=["read"])]):
        pass

    routes = {
        "Depends(check)": Depends(check),
        "Security(check, [read])": Security(check, scopes=["read"]),
        "Security(note, [write])": Security(note, scopes=["write"]),
        "  note: Depends(check)": None,
        "Security(note, [write]) ": Security(strict_note, scopes=["write"]),
        "  note: Security(check, [read])": None,
    }

    def endpoint() -> None:
        pass

    guarded = FastAPI()
    for path, asks in enumerate(routes.values()):
        if asks:
            guarded.get(f"/{path}", dependencies=[asks])(endpoint)
    router = APIRouter(dependencies=[Security(check, scopes=["read"])])
    asks = Security(check, scopes=["write"])
    router.get("/both", dependencies=[asks])(endpoint)
    guarded.include_router(router)

    lines = [f"{'the route declares':35}{'check receives':17}user runs"]
    async with client_for(guarded) as http:

        async def row(name, path):
            seen.clear(), looked_up.clear()
            assert (await http.get(path, headers=bearer("t"))).status_code == 200
            received = ", then ".join(seen)
            lines.append(f"{name:35}{received:17}{len(looked_up)}")

        for path, (name, asks) in enumerate(routes.items()):
            await row(name, f"/{path}") if asks else lines.append(name)
        await row("router [read], route [write]", "/both")
    assert lines[1].split()[-2:] == ["nothing", "1"]
    assert lines[-1].split()[-4:] == ["read,", "then", "write", "2"]
    shown("inherited", "\n".join(lines) + "\n")


async def test_scopes_go_down_and_not_to_the_neighbor(client_for):
    def first(needed: SecurityScopes) -> list[str]:
        return needed.scopes

    def second(needed: SecurityScopes) -> list[str]:
        return needed.scopes

    def both(
        one: Annotated[list[str], Security(first, scopes=["one"])],
        two: Annotated[list[str], Security(second, scopes=["two"])],
    ) -> list[list[str]]:
        return [one, two]

    asking = FastAPI()

    @asking.get("/")
    def read(got: Annotated[list, Security(both, scopes=["route"])]) -> list:
        return got

    async with client_for(asking) as http:
        answer = (await http.get("/")).json()
    assert answer == [["route", "one"], ["route", "two"]]


async def test_a_session_without_scopes_is_opened_once(client_for):
    opened = []

    def session() -> int:
        opened.append(1)
        return len(opened)

    def check(needed: SecurityScopes, db: Annotated[int, Depends(session)]) -> int:
        return db

    sharing = FastAPI()

    @sharing.get("/")
    def read(
        of_check: Annotated[int, Security(check, scopes=["read"])],
        of_route: Annotated[int, Depends(session)],
    ) -> list[int]:
        return [of_check, of_route]

    async with client_for(sharing) as http:
        assert (await http.get("/")).json() == [1, 1]


async def test_broken_json_is_answered_before_the_guard(client_for):
    async with client_for(real.app) as http:
        headers = {"Content-Type": "application/json"}
        broken = await http.put("/notes/1", content="{", headers=headers)
        invalid = await http.put("/notes/1", json={})
    assert (broken.status_code, invalid.status_code) == (422, 401)


async def test_the_guard_runs_before_the_path_is_checked(client_for):
    async with client_for(real.app) as http:
        stranger = await http.get("/notes/x")
        ada = await http.get("/notes/x", headers=token("ada"))
    assert (stranger.status_code, ada.status_code) == (401, 422)


# How the shipped app behaves


async def test_a_login_gets_no_more_than_its_role_has(client_for, shown):
    cases = [
        ("ada", ""),
        ("ada", "notes:read notes:write"),
        ("ada", "notes:write users:manage"),
        ("eve", "notes:any notes:write"),
    ]
    lines = [f"{'who':5}{'role':9}{'asks for':26}is granted"]
    async with client_for(real.app) as http:
        for name, scope in cases:
            form = {"username": name, "password": "correct horse", "scope": scope}
            answer = await http.post("/token", data=form)
            assert answer.headers["cache-control"] == "no-store"
            got = answer.json()["scope"]
            role = real.users[name].role
            assert set(got.split()) <= real.ROLES[role]
            lines.append(f"{name:5}{role:9}{scope or '(nothing)':26}{got}")
    shown("granted", "\n".join(lines) + "\n")


async def test_a_wrong_password_and_an_unknown_name_are_401(client_for):
    async with client_for(real.app) as http:
        for name in ("ada", "grace"):
            form = {"username": name, "password": "correct house"}
            assert (await http.post("/token", data=form)).status_code == 401


async def test_the_two_refusals_say_whether_another_token_would_help(client_for):
    async with client_for(real.app) as http:
        url, body = "/users/bob/role", {"role": "admin"}
        role = await http.put(url, json=body, headers=token("ada"))
        scoped = token("root", "notes:read")
        scope = await http.put(url, json=body, headers=scoped)
    assert (role.status_code, scope.status_code) == (403, 403)
    assert "www-authenticate" not in role.headers
    assert 'scope="users:manage"' in scope.headers["www-authenticate"]


async def test_a_token_without_an_end_is_not_accepted(client_for):
    claims = {"sub": "root", "scope": "notes:read"}
    endless = bearer(jwt.encode(claims, real.KEY, "HS256"))
    async with client_for(real.app) as http:
        answer = await http.get("/notes", headers=endless)
    assert answer.status_code == 401


async def test_a_read_only_token_of_an_admin_stays_read_only(client_for):
    async with client_for(real.app) as http:
        whole = await http.get("/notes/1", headers=token("root"))
        narrow = await http.get("/notes/1", headers=token("root", "notes:read"))
    assert (whole.status_code, narrow.status_code) == (200, 404)


async def test_a_role_is_given_to_nobody_unknown(client_for):
    body = {"role": "admin"}
    async with client_for(real.app) as http:
        answer = await http.put(
            "/users/grace/role", json=body, headers=token("root")
        )
    assert answer.status_code == 404


async def test_a_route_without_a_scope_is_closed_to_everybody(client_for, caplog):
    forgetful = FastAPI()

    @forgetful.get("/report")
    def report(who: Annotated[real.Caller, Depends(real.caller)]) -> str:
        return "secret"

    async with client_for(forgetful) as http:
        answer = await http.get("/report", headers=token("root"))
    assert answer.status_code == 500
    assert "a guarded route must name a scope" in caplog.text


async def test_the_readers_of_a_note_are_not_sent(client_for):
    async with client_for(real.app) as http:
        answer = await http.get("/notes/2", headers=token("bob"))
        listed = await http.get("/notes", headers=token("bob"))
    assert answer.json() == {"id": 2, "owner": "ada", "text": "Plan"}
    assert listed.json()[0] == answer.json()


async def test_a_hidden_note_looks_like_one_that_does_not_exist(client_for):
    async with client_for(real.app) as http:
        hidden = await http.get("/notes/1", headers=token("bob"))
        missing = await http.get("/notes/9", headers=token("bob"))
    assert (hidden.status_code, hidden.text) == (missing.status_code, missing.text)


def test_a_claim_that_is_not_split_matches_parts_of_words():
    claim = "notes:read-own"
    assert "notes:read" in claim
    assert "notes:read" not in claim.split()


# The matrix

MATRIX = """
                        nobody    old    ada ada-ro    bob    eve   root
GET    /notes              401    401    200    200    200    200    200
GET    /notes/1            401    401    200    200    404    200    200
GET    /notes/2            401    401    200    200    200    200    200
GET    /notes/9            401    401    404    404    404    404    404
PUT    /notes/1            401    401    200    403    404    403    200
PUT    /notes/2            401    401    200    403    403    403    200
DELETE /notes/1            401    401    204    403    404    403    204
DELETE /notes/2            401    401    204    403    403    403    204
PUT    /users/bob/role     401    401    403    403    403    403    204
"""

CALLERS, *ROWS = [line.split() for line in MATRIX.strip().splitlines()]
BODIES = {
    "/notes/1": {"text": "x"},
    "/notes/2": {"text": "x"},
    "/users/bob/role": {"role": "auditor"},
}


def header_of(caller):
    if caller == "nobody":
        return {}
    if caller == "old":
        expired = datetime.now(UTC) - timedelta(minutes=1)
        claims = {"sub": "root", "scope": " ".join(real.SCOPES), "exp": expired}
        return bearer(jwt.encode(claims, real.KEY, "HS256"))
    return token("ada", "notes:read") if caller == "ada-ro" else token(caller)


# --8<-- [start:matrix]
async def table_of(http):
    lines = ["", " " * 23 + "".join(f"{caller:>7}" for caller in CALLERS)]
    for method, path, *_ in ROWS:
        body = BODIES[path] if method == "PUT" else None
        line = f"{method:7}{path:16}"
        for caller in CALLERS:
            reset()
            headers = header_of(caller)
            answer = await http.request(method, path, json=body, headers=headers)
            line += f"{answer.status_code:7}"
        lines.append(line)
    return "\n".join([*lines, ""])


async def test_every_cell_of_the_matrix(client_for, shown):
    async with client_for(real.app) as http:
        answered = await table_of(http)
    assert answered == MATRIX
    shown("matrix", answered.lstrip("\n"))


def without_a_row(app):
    covered = {f"{method} {path}" for method, path, *_ in ROWS} | {"POST /token"}
    return {
        operation
        for route in iter_route_contexts(app.routes)
        if hasattr(route, "dependant")
        for operation in [f"{method} {route.path}" for method in route.methods]
        if operation.format(note_id=1, name="bob") not in covered
    }


def test_every_operation_has_a_row():
    assert without_a_row(real.app) == set()
    # --8<-- [end:matrix]


def test_a_route_that_nobody_put_into_the_matrix_is_found():
    grown = FastAPI()
    grown.include_router(real.app.router)
    grown.get("/export")(lambda: None)
    assert without_a_row(grown) == {"GET /export"}


async def test_the_matrix_turns_red_when_any_check_is_gone(
    client_for, monkeypatch, shown
):
    decode, issue = jwt.decode, real.issue

    def yes(*_):
        return True

    def forever(*args, options, **rest):
        options = options | {"verify_exp": False}
        return decode(*args, options=options, **rest)

    mutants = {
        "an expired token still works": (jwt, "decode", forever),
        "every role may do everything": (
            real,
            "ROLES",
            {role: set(real.SCOPES) for role in real.ROLES},
        ),
        "every token carries every scope": (
            real,
            "issue",
            lambda name, _: issue(name, set(real.SCOPES)),
        ),
        "every note may be read": (real, "may_read", yes),
        "every note may be changed": (real, "may_change", yes),
    }
    lines = [f"{'without the check':34}cells changed, the first of them"]
    async with client_for(real.app) as http:
        for name, change in mutants.items():
            with monkeypatch.context() as patch:
                patch.setattr(*change)
                answered = (await table_of(http)).strip().splitlines()[1:]
            wrong = [
                f"{row[0]} {row[1]} by {caller}: {got}, not {wanted}"
                for row, line in zip(ROWS, answered, strict=True)
                for caller, wanted, got in zip(
                    CALLERS, row[2:], line.split()[2:], strict=True
                )
                if wanted != got
            ]
            assert wrong, name
            lines.append(f"{name:34}{len(wrong):2}  {wrong[0]}")
    shown("mutants", "\n".join(lines) + "\n")


# One proof per gotcha


async def test_missing_scope_as_401(client_for):
    def app_answering(status):
        def check(
            needed: SecurityScopes, token: Annotated[str, Depends(main.bearer)]
        ):
            if "notes:write" in needed.scopes:
                raise HTTPException(status, "Not enough permissions")

        app = FastAPI()
        guard = Security(check, scopes=["notes:write"])
        app.post("/notes", dependencies=[guard])(lambda: None)
        return app

    async def logins_of_a_client(app):
        """Behave as clients do: on a 401 log in again and retry, three times."""
        logins = 0
        async with client_for(app) as http:
            while logins < 3:
                headers = bearer(f"token-{logins}")
                if (await http.post("/notes", headers=headers)).status_code != 401:
                    break
                logins += 1
        return logins

    assert await logins_of_a_client(app_answering(401)) == 3
    assert await logins_of_a_client(app_answering(403)) == 0


async def test_documented_scope_nobody_checks(client_for):
    async def probe(guard):
        app = FastAPI()
        app.get("/report", dependencies=[guard])(lambda: "secret")
        listed = app.openapi()["paths"]["/report"]["get"]["security"]
        async with client_for(app) as http:
            answer = await http.get("/report", headers=bearer("ada-read"))
        return listed[0]["OAuth2PasswordBearer"], answer.status_code

    trap = Security(main.bearer, scopes=["notes:write"])
    fix = Security(main.caller, scopes=["notes:write"])
    assert await probe(trap) == (["notes:write"], 200)
    assert await probe(fix) == (["notes:write"], 403)


async def test_client_picks_its_scopes(client_for):
    trap = FastAPI()

    @trap.post("/token")
    def log_in(form: Annotated[OAuth2PasswordRequestForm, Depends()]) -> real.Token:
        return real.issue(form.username, set(form.scopes))

    async def probe(app):
        form = {"username": "ada", "password": "correct horse"}
        form["scope"] = "notes:read users:manage"
        async with client_for(app) as http:
            return (await http.post("/token", data=form)).json()["scope"]

    assert await probe(trap) == "notes:read users:manage"
    assert await probe(real.app) == "notes:read"


async def test_login_is_not_permission(client_for):
    trap = FastAPI()

    @trap.get("/notes/{note_id}")
    def read_note(note_id: int, who: real.Reader) -> real.NoteOut:
        return real.notes[note_id]

    async def ids_that_open(app, name):
        async with client_for(app) as http:
            return [
                note_id
                for note_id in real.notes
                if (
                    await http.get(f"/notes/{note_id}", headers=token(name))
                ).is_success
            ]

    assert await ids_that_open(trap, "bob") == [1, 2, 3]
    assert await ids_that_open(real.app, "bob") == [2, 3]


async def test_list_shows_what_the_item_hides(client_for):
    trap = FastAPI()

    @trap.get("/notes")
    def list_notes(who: real.Reader) -> list[real.NoteOut]:
        return list(real.notes.values())

    trap.get("/notes/{note_id}")(real.read_note)

    async def listed_but_closed(app, name):
        async with client_for(app) as http:
            listed = (await http.get("/notes", headers=token(name))).json()
            return [
                note["id"]
                for note in listed
                if (
                    await http.get(f"/notes/{note['id']}", headers=token(name))
                ).is_error
            ]

    assert await listed_but_closed(trap, "bob") == [1]
    for name in real.users:
        assert await listed_but_closed(real.app, name) == []


async def test_rights_outlive_the_demotion(client_for):
    trap = FastAPI()

    @trap.put("/users/{name}/role", status_code=204)
    def set_role(
        name: str,
        role: Annotated[real.Role, Body(embed=True)],
        sent: Annotated[str, Depends(real.bearer)],
    ) -> None:
        claims = jwt.decode(sent, real.KEY, algorithms=["HS256"])
        if "users:manage" not in claims["scope"].split():
            raise HTTPException(403)
        real.users[name].role = role

    async def probe(app):
        reset()
        headers, url = token("root"), "/users/root/role"
        async with client_for(app) as http:
            demotion = await http.put(url, json={"role": "member"}, headers=headers)
            comeback = await http.put(url, json={"role": "admin"}, headers=headers)
        return demotion.status_code, comeback.status_code

    assert await probe(trap) == (204, 204)
    assert await probe(real.app) == (204, 403)


async def test_override_removes_the_check(client_for):
    async def status_for_a_member(overrides, headers):
        app = FastAPI()
        guard = Security(real.caller, scopes=["users:manage"])
        app.get("/report", dependencies=[guard])(lambda: "secret")
        app.dependency_overrides.update(overrides)
        async with client_for(app) as http:
            return (await http.get("/report", headers=headers)).status_code

    def ada():
        return real.Caller("ada", frozenset({"notes:read"}))

    def token_of_ada():
        return real.issue("ada", set(real.SCOPES)).access_token

    assert await status_for_a_member({real.caller: ada}, {}) == 200
    assert await status_for_a_member({real.bearer: token_of_ada}, {}) == 403
    assert await status_for_a_member({}, token("ada")) == 403
