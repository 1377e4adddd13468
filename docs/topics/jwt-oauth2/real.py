# --8<-- [start:settings]
import hashlib
import os
import secrets
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import cache
from typing import Annotated

import jwt
from fastapi import Depends, FastAPI, Form, HTTPException, Response
from fastapi.security import OAuth2PasswordBearer, OAuth2PasswordRequestForm
from pwdlib import PasswordHash
from pydantic import BaseModel, Field, Json


class Settings(BaseModel):
    keys: Json[
        Annotated[
            dict[str, Annotated[str, Field(min_length=64)]], Field(min_length=1)
        ]
    ]
    issuer: str = "https://notes.example"
    audience: str = "notes-api"
    access_ttl: timedelta = timedelta(minutes=10)
    session_ttl: timedelta = timedelta(days=14)


@cache
def settings() -> Settings:
    return Settings(keys=os.environ["JWT_KEYS"])


Config = Annotated[Settings, Depends(settings)]
# --8<-- [end:settings]


# --8<-- [start:store]
@dataclass(frozen=True)
class Session:
    user: str
    expires: datetime


passwords = PasswordHash.recommended()
users = {"ada": passwords.hash("correct horse")}
nobody = passwords.hash(secrets.token_hex(32))
sessions: dict[str, Session] = {}
issued: dict[str, str] = {}
unused: dict[str, str] = {}
# --8<-- [end:store]


# --8<-- [start:shapes]
class Tokens(BaseModel):
    access_token: str
    refresh_token: str
    token_type: str = "bearer"
    expires_in: int


class Claims(BaseModel):
    sub: str
    sid: str


def unauthorized(detail: str) -> HTTPException:
    return HTTPException(401, detail, {"WWW-Authenticate": "Bearer"})


def no_store(response: Response) -> None:
    response.headers["Cache-Control"] = "no-store"


app = FastAPI()
bearer = OAuth2PasswordBearer(tokenUrl="token", refreshUrl="token/refresh")
# --8<-- [end:shapes]


# --8<-- [start:issue]
def digest(token: str) -> str:
    return hashlib.sha256(token.encode()).hexdigest()


def issue(sid: str, session: Session, config: Settings) -> Tokens:
    now = datetime.now(UTC)
    kid, key = next(iter(config.keys.items()))
    claims = {
        "iss": config.issuer,
        "aud": config.audience,
        "sub": session.user,
        "sid": sid,
    }
    claims |= {"iat": now, "exp": now + config.access_ttl}
    refresh_token = secrets.token_urlsafe(32)
    issued[digest(refresh_token)] = unused[digest(refresh_token)] = sid
    return Tokens(
        access_token=jwt.encode(
            claims, key, algorithm="HS256", headers={"kid": kid}
        ),
        refresh_token=refresh_token,
        expires_in=int(config.access_ttl.total_seconds()),
    )
    # --8<-- [end:issue]


# --8<-- [start:login]
@app.post("/token", dependencies=[Depends(no_store)])
def log_in(
    form: Annotated[OAuth2PasswordRequestForm, Depends()], config: Config
) -> Tokens:
    stored = users.get(form.username, nobody)
    valid, upgraded = passwords.verify_and_update(form.password, stored)
    if not valid:
        raise unauthorized("Wrong username or password")
    if upgraded:
        users[form.username] = upgraded
    sid = secrets.token_urlsafe(16)
    sessions[sid] = Session(form.username, datetime.now(UTC) + config.session_ttl)
    return issue(sid, sessions[sid], config)
    # --8<-- [end:login]


# --8<-- [start:refresh]
@app.post("/token/refresh", dependencies=[Depends(no_store)])
def refresh(refresh_token: Annotated[str, Form()], config: Config) -> Tokens:
    presented = digest(refresh_token)
    sid = unused.pop(presented, None)
    if sid is None:
        sessions.pop(issued.get(presented, ""), None)
        raise unauthorized("Invalid refresh token")
    session = sessions.get(sid)
    if session is None or session.expires < datetime.now(UTC):
        raise unauthorized("Invalid refresh token")
    return issue(sid, session, config)
    # --8<-- [end:refresh]


# --8<-- [start:protect]
def current_claims(
    token: Annotated[str, Depends(bearer)], config: Config
) -> Claims:
    try:
        key = config.keys[jwt.get_unverified_header(token)["kid"]]
        claims = jwt.decode(
            token,
            key,
            algorithms=["HS256"],
            audience=config.audience,
            issuer=config.issuer,
            leeway=timedelta(seconds=5),
            options={"require": ["exp", "sub", "sid"]},
        )
    except (KeyError, jwt.InvalidTokenError):
        raise unauthorized("Invalid or expired token") from None
    if claims["sid"] not in sessions:
        raise unauthorized("Session ended")
    return Claims.model_validate(claims)


CurrentUser = Annotated[Claims, Depends(current_claims)]


@app.get("/me")
def me(user: CurrentUser) -> dict[str, str]:
    return {"user": user.sub}
    # --8<-- [end:protect]


# --8<-- [start:logout]
@app.post("/logout", status_code=204)
def log_out(user: CurrentUser) -> None:
    sessions.pop(user.sid, None)


@app.post("/logout/everywhere", status_code=204)
def log_out_everywhere(user: CurrentUser) -> None:
    for sid, session in list(sessions.items()):
        if session.user == user.sub:
            sessions.pop(sid, None)
    # --8<-- [end:logout]
