import secrets
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Annotated, Literal

import jwt
from fastapi import Body, Depends, FastAPI, HTTPException, Response, Security
from fastapi.security import (
    OAuth2PasswordBearer,
    OAuth2PasswordRequestForm,
    SecurityScopes,
)
from pwdlib import PasswordHash
from pydantic import BaseModel

# --8<-- [start:roles]
SCOPES = {
    "notes:read": "Read notes",
    "notes:write": "Change and delete notes",
    "notes:any": "Other people's notes, too",
    "users:manage": "Give people roles",
}
Role = Literal["member", "auditor", "admin"]
ROLES: dict[Role, set[str]] = {
    "member": {"notes:read", "notes:write"},
    "auditor": {"notes:read", "notes:any"},
    "admin": set(SCOPES),
}
# --8<-- [end:roles]

KEY = secrets.token_hex(32)
passwords = PasswordHash.recommended()
NOBODY = passwords.hash(secrets.token_hex(32))
PASSWORD = passwords.hash("correct horse")


@dataclass
class User:
    role: Role
    password: str = PASSWORD


class NoteOut(BaseModel):
    id: int
    owner: str
    text: str


class Note(NoteOut):
    readers: frozenset[str] = frozenset()


users = {
    "ada": User("member"),
    "bob": User("member"),
    "eve": User("auditor"),
    "root": User("admin"),
}
notes = {
    1: Note(id=1, owner="ada", text="Diary"),
    2: Note(id=2, owner="ada", text="Plan", readers=frozenset({"bob"})),
    3: Note(id=3, owner="bob", text="Diary"),
}

app = FastAPI()
bearer = OAuth2PasswordBearer(tokenUrl="token", scopes=SCOPES)


class Token(BaseModel):
    access_token: str
    token_type: str = "bearer"
    scope: str


# --8<-- [start:login]
def issue(name: str, scopes: set[str]) -> Token:
    scope = " ".join(sorted(scopes))
    expires = datetime.now(UTC) + timedelta(minutes=10)
    claims = {"sub": name, "scope": scope, "exp": expires}
    return Token(access_token=jwt.encode(claims, KEY, "HS256"), scope=scope)


@app.post("/token")
def log_in(
    form: Annotated[OAuth2PasswordRequestForm, Depends()], response: Response
) -> Token:
    response.headers["Cache-Control"] = "no-store"
    user = users.get(form.username)
    stored = user.password if user else NOBODY
    if not passwords.verify(form.password, stored) or user is None:
        headers = {"WWW-Authenticate": "Bearer"}
        raise HTTPException(401, "Wrong username or password", headers)
    asked = set(form.scopes) or {"notes:read"}
    return issue(form.username, asked & ROLES[user.role])
    # --8<-- [end:login]


# --8<-- [start:caller]
@dataclass(frozen=True)
class Caller:
    name: str
    rights: frozenset[str]


def caller(
    needed: SecurityScopes, token: Annotated[str, Depends(bearer)]
) -> Caller:
    if not needed.scopes:
        raise RuntimeError("a guarded route must name a scope")
    required = {"require": ["exp", "sub", "scope"]}
    try:
        claims = jwt.decode(token, KEY, algorithms=["HS256"], options=required)
        role = users[claims["sub"]].role
    except (jwt.InvalidTokenError, KeyError):
        headers = {"WWW-Authenticate": 'Bearer error="invalid_token"'}
        raise HTTPException(401, "Invalid or expired token", headers) from None
    allowed, granted = ROLES[role], frozenset(claims["scope"].split())
    if not allowed.issuperset(needed.scopes):
        raise HTTPException(403, "Your role does not allow this")
    if not granted.issuperset(needed.scopes):
        hint = f'Bearer error="insufficient_scope", scope="{needed.scope_str}"'
        headers = {"WWW-Authenticate": hint}
        raise HTTPException(403, "This token was not granted that", headers)
    return Caller(claims["sub"], granted & allowed)
    # --8<-- [end:caller]


# --8<-- [start:objects]
Who = Annotated[Caller, Depends(caller)]


def may_read(who: Caller, note: Note) -> bool:
    return may_change(who, note) or who.name in note.readers


def may_change(who: Caller, note: Note) -> bool:
    return who.name == note.owner or "notes:any" in who.rights


def readable(note_id: int, who: Who) -> Note:
    note = notes.get(note_id)
    if note is None or not may_read(who, note):
        raise HTTPException(404, "No such note")
    return note


def changeable(note: Annotated[Note, Depends(readable)], who: Who) -> Note:
    if not may_change(who, note):
        raise HTTPException(403, "You may read this note, not change it")
    return note


# --8<-- [end:objects]


# --8<-- [start:routes]
Reader = Annotated[Caller, Security(caller, scopes=["notes:read"])]
Manager = Annotated[Caller, Security(caller, scopes=["users:manage"])]
Readable = Annotated[Note, Security(readable, scopes=["notes:read"])]
Changeable = Annotated[Note, Security(changeable, scopes=["notes:write"])]


@app.get("/notes")
def list_notes(who: Reader) -> list[NoteOut]:
    return [note for note in notes.values() if may_read(who, note)]


@app.get("/notes/{note_id}")
def read_note(note: Readable) -> NoteOut:
    return note


@app.put("/notes/{note_id}")
def change_note(
    note: Changeable, text: Annotated[str, Body(embed=True)]
) -> NoteOut:
    note.text = text
    return note


@app.delete("/notes/{note_id}", status_code=204)
def delete_note(note: Changeable) -> None:
    del notes[note.id]
    # --8<-- [end:routes]


@app.put("/users/{name}/role", status_code=204)
def set_role(
    name: str, role: Annotated[Role, Body(embed=True)], who: Manager
) -> None:
    if name not in users:
        raise HTTPException(404, "No such user")
    users[name].role = role
