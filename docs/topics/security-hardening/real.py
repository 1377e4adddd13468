import os
import secrets
from collections.abc import AsyncIterator
from typing import Annotated

import httpx2
import jwt
from fastapi import APIRouter, Body, Depends, FastAPI, HTTPException, Query
from fastapi.middleware.trustedhost import TrustedHostMiddleware
from fastapi.security import HTTPAuthorizationCredentials, HTTPBearer
from main import ORDERS, USERS, User
from outgoing import fetch, public_client
from pydantic import BaseModel, ConfigDict, Field, TypeAdapter, ValidationError
from starlette.datastructures import MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

KEY = os.environ.get("JWT_KEY") or secrets.token_hex(32)
SITE = os.environ.get("SITE", "https://shop.example")
bearer = HTTPBearer()


def caller(
    sent: Annotated[HTTPAuthorizationCredentials, Depends(bearer)],
) -> User:
    try:
        claims = jwt.decode(
            sent.credentials,
            KEY,
            algorithms=["HS256"],
            options={"require": ["exp", "sub"]},
        )
        return USERS[claims["sub"]]
    except (jwt.InvalidTokenError, KeyError):
        raise HTTPException(401, "Log in", {"WWW-Authenticate": "Bearer"}) from None


# --8<-- [start:admin]
def admin(user: Annotated[User, Depends(caller)]) -> None:
    if user.role != "admin":
        raise HTTPException(403, "For admins")
        # --8<-- [end:admin]


Caller = Annotated[User, Depends(caller)]


async def outgoing() -> AsyncIterator[httpx2.AsyncClient]:
    async with public_client() as http:
        yield http


Outgoing = Annotated[httpx2.AsyncClient, Depends(outgoing)]

# --8<-- [start:doors]
public = APIRouter()
private = APIRouter(dependencies=[Depends(caller)])
admins = APIRouter(prefix="/users", dependencies=[Depends(admin)])
# --8<-- [end:doors]


# --8<-- [start:properties]
class Profile(BaseModel):
    name: str
    email: str


class ProfileChange(BaseModel):
    model_config = ConfigDict(extra="forbid")
    email: Annotated[str, Field(max_length=254, pattern=r"^[^@\s]+@[^@\s]+$")]


@private.patch("/me")
def change_me(change: ProfileChange, user: Caller) -> Profile:
    USERS[user.name] = user.model_copy(update=change.model_dump())
    return Profile(**USERS[user.name].model_dump())
    # --8<-- [end:properties]


@private.get("/orders/{order_id}")
def read_order(order_id: int, user: Caller) -> dict[str, str]:
    order = ORDERS.get(order_id)
    if order is None or order["owner"] != user.name:
        raise HTTPException(404, "No such order")
    return order


@admins.delete("/{name}")
def remove_user(name: str) -> str:
    if name not in USERS:
        raise HTTPException(404, "No such user")
    return f"{USERS[name].name} is gone"


@private.post("/notes")
def add_note(text: Annotated[str, Body(embed=True, max_length=2000)]) -> int:
    return len(text)


# --8<-- [start:flow]
@private.post("/seats")
def buy_seats(count: Annotated[int, Query(ge=1, le=4)], user: Caller) -> int:
    if user.seats + count > 4:
        raise HTTPException(409, "Four seats a person")
    user.seats += count
    return user.seats
    # --8<-- [end:flow]


@private.post("/previews")
async def preview(
    url: Annotated[str, Query(max_length=500)], http: Outgoing
) -> str:
    try:
        return (await fetch(http, url)).decode(errors="replace")
    except (httpx2.HTTPError, httpx2.InvalidURL, OSError):
        raise HTTPException(422, "Cannot read that address") from None


# --8<-- [start:outside]
Price = TypeAdapter(Annotated[float, Field(ge=0, le=500, allow_inf_nan=False)])


@private.get("/shipping")
async def shipping(http: Outgoing) -> float:
    try:
        price = Price.validate_json(
            await fetch(http, "https://carrier.example/price")
        )
    except (httpx2.HTTPError, ValidationError, OSError):
        raise HTTPException(502, "The carrier does not answer") from None
    return 5 + price
    # --8<-- [end:outside]


@public.post("/resets", status_code=202)
def reset_password(email: Annotated[str, Query(max_length=254)]) -> str:
    return f"Mail to {email}: {SITE}/reset?token={secrets.token_urlsafe()}"


# --8<-- [start:shield]
HEADERS = {
    "Strict-Transport-Security": "max-age=31536000",
    "X-Content-Type-Options": "nosniff",
    "Content-Security-Policy": "default-src 'none'; frame-ancestors 'none'",
    "Cache-Control": "no-store",
}


class SecurityHeaders:
    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        async def send_with_headers(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                for name, value in HEADERS.items():
                    headers.setdefault(name, value)
            await send(message)

        await self.app(scope, receive, send_with_headers)
        # --8<-- [end:shield]


# --8<-- [start:assemble]
api = FastAPI(openapi_url=None, max_body_size=16 * 1024)
for router in (public, private, admins):
    api.include_router(router)
hosts = os.environ.get("HOSTS", "localhost 127.0.0.1").split()
app = SecurityHeaders(TrustedHostMiddleware(api, allowed_hosts=hosts))
# --8<-- [end:assemble]
