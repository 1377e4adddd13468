# --8<-- [start:store]
import hashlib
import secrets
from base64 import b64decode
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import Annotated

from fastapi import Depends, FastAPI, HTTPException, Response
from fastapi.security import APIKeyHeader, HTTPBasic, HTTPBasicCredentials
from pwdlib import PasswordHash
from pydantic import BaseModel
from starlette.requests import HTTPConnection


@dataclass(frozen=True)
class Key:
    id: str
    client: str
    can_write: bool
    expires: datetime


keys: dict[str, Key] = {}
LIFETIME, OVERLAP = timedelta(days=365), timedelta(days=7)


def digest(key: str) -> str:
    return hashlib.sha256(key.encode()).hexdigest()
    # --8<-- [end:store]


# --8<-- [start:schemes]
class Utf8Basic(HTTPBasic):
    def make_authenticate_headers(self) -> dict[str, str]:
        challenge = f'Basic realm="{self.realm}", charset="UTF-8"'
        return {"WWW-Authenticate": challenge}

    async def __call__(
        self, request: HTTPConnection
    ) -> HTTPBasicCredentials | None:
        scheme, _, param = request.headers.get("Authorization", "").partition(" ")
        try:
            text = b64decode(param.strip(), validate=True).decode()
        except ValueError:
            text = ""
        username, colon, password = text.partition(":")
        if scheme.lower() == "basic" and colon:
            return HTTPBasicCredentials(username=username, password=password)
        if self.auto_error:
            raise self.make_not_authenticated_error()
        return None


api_key = APIKeyHeader(name="X-API-Key", scheme_name="Key", auto_error=False)
basic = Utf8Basic(realm="orders", scheme_name="Password", auto_error=False)
# --8<-- [end:schemes]


# --8<-- [start:people]
passwords = PasswordHash.recommended()
operators = {"zoë": passwords.hash("größer als drei")}
nobody = passwords.hash(secrets.token_hex(32))
Password = Annotated[HTTPBasicCredentials | None, Depends(basic)]


def operator(given: Password) -> str:
    if given is None:
        raise basic.make_not_authenticated_error()
    if not passwords.verify(given.password, operators.get(given.username, nobody)):
        headers = basic.make_authenticate_headers()
        raise HTTPException(401, "Wrong username or password", headers)
    return given.username
    # --8<-- [end:people]


# --8<-- [start:callers]
@dataclass(frozen=True)
class Caller:
    name: str
    can_write: bool


def caller(key: Annotated[str | None, Depends(api_key)], given: Password) -> Caller:
    if key is None:
        return Caller(operator(given), can_write=True)
    found = keys.get(digest(key))
    if found is None or found.expires < datetime.now(UTC):
        raise HTTPException(401, "Invalid API key", {"WWW-Authenticate": "APIKey"})
    return Caller(found.client, found.can_write)


def writer(who: Annotated[Caller, Depends(caller)]) -> Caller:
    if not who.can_write:
        raise HTTPException(403, "This key may only read")
    return who


app = FastAPI()


@app.get("/orders")
def read_orders(who: Annotated[Caller, Depends(caller)]) -> dict[str, str]:
    return {"read_by": who.name}


@app.post("/orders", status_code=201)
def add_order(who: Annotated[Caller, Depends(writer)]) -> dict[str, str]:
    return {"added_by": who.name}
    # --8<-- [end:callers]


# --8<-- [start:keys]
class NewKey(BaseModel):
    client: str
    can_write: bool = False


Operator = Annotated[str, Depends(operator)]


@app.post("/keys", status_code=201)
def create(new: NewKey, response: Response, who: Operator) -> dict[str, str]:
    response.headers["Cache-Control"] = "no-store"
    key, key_id = "ord_" + secrets.token_urlsafe(32), secrets.token_hex(4)
    expires = datetime.now(UTC) + LIFETIME
    keys[digest(key)] = Key(key_id, new.client, new.can_write, expires)
    return {"id": key_id, "key": key}


def stored_as(key_id: str) -> str:
    for hashed, key in keys.items():
        if key.id == key_id:
            return hashed
    raise HTTPException(404, "No such key")


@app.post("/keys/{key_id}/rotate", status_code=201)
def rotate(key_id: str, response: Response, who: Operator) -> dict[str, str]:
    hashed = stored_as(key_id)
    old = keys[hashed]
    until = min(old.expires, datetime.now(UTC) + OVERLAP)
    keys[hashed] = replace(old, expires=until)
    return create(NewKey.model_validate(old, from_attributes=True), response, who)


@app.delete("/keys/{key_id}", status_code=204)
def revoke(key_id: str, who: Operator) -> None:
    del keys[stored_as(key_id)]
    # --8<-- [end:keys]
