# --8<-- [start:cookie]
import hashlib
import secrets
from time import time
from typing import Annotated, Literal
from urllib.parse import urlsplit

from fastapi import (
    Body,
    Cookie,
    Depends,
    FastAPI,
    Header,
    HTTPException,
    Request,
    Response,
)
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from pydantic import BaseModel, ValidationError, WrapValidator

NAME, LIFETIME = "__Host-session", 14 * 24 * 3600
RULES = {"path": "/", "secure": True, "httponly": True, "samesite": "lax"}
CODES = {"demo-code": "ada"}
SESSIONS: dict[str, tuple[str, float]] = {}

Token = Annotated[str | None, Cookie(alias=NAME)]


def digest(token: str) -> str:
    return hashlib.sha256(token.encode()).hexdigest()


def forget() -> dict[str, str]:
    response = Response()
    response.delete_cookie(NAME, **RULES)
    return {"Set-Cookie": response.headers["set-cookie"]}
    # --8<-- [end:cookie]


# --8<-- [start:guard]
def same_origin(
    request: Request,
    host: Annotated[str | None, Header()] = None,
    origin: Annotated[str | None, Header()] = None,
    sec_fetch_site: Annotated[str | None, Header()] = None,
) -> None:
    if request.method in {"GET", "HEAD", "OPTIONS"}:
        return
    if sec_fetch_site is not None:
        ours = sec_fetch_site in {"same-origin", "none"}
    else:
        ours = origin is None or urlsplit(origin).netloc == host
    if not ours:
        raise HTTPException(403, "Sent by another site")


app = FastAPI(dependencies=[Depends(same_origin)])


@app.exception_handler(RequestValidationError)
async def without_input(_: Request, error: RequestValidationError) -> JSONResponse:
    keep = ("type", "loc", "msg")
    detail = [{key: each[key] for key in keep} for each in error.errors()]
    return JSONResponse({"detail": detail}, status_code=422)
    # --8<-- [end:guard]


# --8<-- [start:session]
def current_user(token: Token = None) -> str:
    user, ends = SESSIONS.get(digest(token or ""), ("", 0.0))
    if time() < ends:
        return user
    raise HTTPException(401, "Log in first", headers=forget())


@app.post("/login", status_code=204)
def log_in(code: Annotated[str, Body(embed=True)], response: Response) -> None:
    user = CODES.pop(code, None)
    if user is None:
        raise HTTPException(401, "Wrong or used code")
    token = secrets.token_urlsafe()
    SESSIONS[digest(token)] = (user, time() + LIFETIME)
    response.set_cookie(NAME, token, max_age=LIFETIME, **RULES)


@app.post("/logout")
def log_out(token: Token = None) -> Response:
    SESSIONS.pop(digest(token or ""), None)
    return Response(status_code=204, headers=forget())


@app.get("/me")
def read_me(user: Annotated[str, Depends(current_user)]) -> dict[str, str]:
    return {"user": user}
    # --8<-- [end:session]


# --8<-- [start:tolerant]
def none_if_unknown(value, check):
    try:
        return check(value)
    except ValidationError:
        return None


class Preferences(BaseModel):
    theme: Annotated[
        Literal["light", "dark"] | None, WrapValidator(none_if_unknown)
    ] = None


@app.get("/preferences")
def read(preferences: Annotated[Preferences, Cookie()]) -> Preferences:
    return preferences
    # --8<-- [end:tolerant]
