import hashlib
import secrets
from typing import Annotated

from fastapi import Depends, FastAPI, HTTPException
from fastapi.security import APIKeyHeader, HTTPBasic, HTTPBasicCredentials

app = FastAPI()
header_key = APIKeyHeader(name="X-API-Key")
basic = HTTPBasic(realm="stock")

KEY_HASH = "86004a16e81e7c666bbbc1b531f2ab0979046c1cbaed35890a5aef2c8ec09f05"
PASSWORD_HASH = "0f3de5a42ead0a5b237d7483b686fe122a494c7c88994ce846ee82c00eac438e"


def matches(secret: str, stored: str) -> bool:
    given = hashlib.sha256(secret.encode()).hexdigest()
    return secrets.compare_digest(given, stored)


# --8<-- [start:key]
def require_key(key: Annotated[str, Depends(header_key)]) -> None:
    if not matches(key, KEY_HASH):
        raise HTTPException(401, "Unknown API key", {"WWW-Authenticate": "APIKey"})


@app.get("/orders", dependencies=[Depends(require_key)])
def orders() -> list[str]:
    return ["ink", "paper"]
    # --8<-- [end:key]


def operator(given: Annotated[HTTPBasicCredentials, Depends(basic)]) -> str:
    known = secrets.compare_digest(given.username.encode(), b"ops")
    right = matches(given.password, PASSWORD_HASH)
    if not (known and right):
        headers = basic.make_authenticate_headers()
        raise HTTPException(401, "Wrong username or password", headers)
    return given.username


@app.get("/stock")
def stock(user: Annotated[str, Depends(operator)]) -> dict[str, int | str]:
    return {"ink": 7, "paper": 40, "seen_by": user}
