from typing import Annotated

import httpx2
import jwt
from fastapi import Depends, FastAPI, Header, Request
from pydantic import BaseModel


class User(BaseModel):
    name: str
    email: str
    password_hash: str
    role: str = "member"
    seats: int = 0


USERS = {
    "ada": User(name="ada", email="ada@example.com", password_hash="$argon2id$a"),
    "bob": User(name="bob", email="bob@example.com", password_hash="$argon2id$b"),
}
ORDERS = {1: {"owner": "ada", "item": "ring"}, 2: {"owner": "bob", "item": "mug"}}
app = FastAPI(debug=True)


# --8<-- [start:who]
def caller(authorization: Annotated[str, Header()]) -> User:
    token = authorization.removeprefix("Bearer ")
    return USERS[jwt.decode(token, options={"verify_signature": False})["sub"]]
    # --8<-- [end:who]


def outgoing() -> httpx2.AsyncClient:
    return httpx2.AsyncClient(follow_redirects=True)


Caller = Annotated[User, Depends(caller)]
Outgoing = Annotated[httpx2.AsyncClient, Depends(outgoing)]


# --8<-- [start:objects]
@app.get("/orders/{order_id}")
def read_order(order_id: int, user: Caller) -> dict[str, str]:
    return ORDERS[order_id]


@app.patch("/me")
def change_me(changes: dict[str, str], user: Caller) -> User:
    USERS[user.name] = user.model_copy(update=changes)
    return USERS[user.name]


@app.delete("/users/{name}")
def remove_user(name: str, user: Caller) -> str:
    return f"{USERS[name].name} is gone"
    # --8<-- [end:objects]


# --8<-- [start:resources]
@app.post("/notes")
async def add_note(request: Request, user: Caller) -> int:
    return len(await request.body())


@app.post("/seats")
def buy_seats(count: int, user: Caller) -> int:
    user.seats += count
    return user.seats
    # --8<-- [end:resources]


# --8<-- [start:outside]
@app.post("/previews")
async def preview(url: str, user: Caller, http: Outgoing) -> str:
    return (await http.get(url)).text


@app.get("/shipping")
async def shipping(user: Caller, http: Outgoing) -> float:
    price: float = (await http.get("https://carrier.example/price")).json()
    return 5 + price
    # --8<-- [end:outside]


# --8<-- [start:settings]
@app.post("/resets")
def reset_password(email: str, request: Request) -> str:
    return f"Mail to {email}: {request.base_url}reset?token=8f14e45f"


@app.get("/v0/users", include_in_schema=False)
def export_users() -> list[User]:
    return list(USERS.values())
    # --8<-- [end:settings]
