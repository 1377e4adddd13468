import asyncio
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import contextmanager, suppress
from typing import Annotated

from fastapi import (
    Depends,
    FastAPI,
    Header,
    HTTPException,
    WebSocket,
    WebSocketDisconnect,
)
from fastapi.security import APIKeyCookie
from pydantic import BaseModel, Field, ValidationError


# --8<-- [start:member]
class Member:
    def __init__(self, user: str, backlog: int = 32) -> None:
        self.user = user
        self.outbox = asyncio.Queue[str](backlog)
        self.deadline = asyncio.timeout(None)
        self.farewell = (1000, "")

    def push(self, message: BaseModel) -> None:
        try:
            self.outbox.put_nowait(message.model_dump_json())
        except asyncio.QueueFull:
            self.drop(1013, "Too slow")

    def drop(self, code: int, reason: str) -> None:
        if not self.deadline.expired():
            self.farewell = (code, reason)
            self.deadline.reschedule(0)


# --8<-- [end:member]
# --8<-- [start:talk]
async def incoming(websocket: WebSocket) -> AsyncIterator[str | bytes]:
    while (message := await websocket.receive())["type"] == "websocket.receive":
        yield message.get("text") or message.get("bytes") or ""


async def write(websocket: WebSocket, outbox: asyncio.Queue[str]) -> None:
    while True:
        await websocket.send_text(await outbox.get())


async def talk(
    websocket: WebSocket,
    member: Member,
    hear: Callable[[Member, str | bytes], None],
) -> None:
    try:
        async with member.deadline, asyncio.TaskGroup() as tasks:
            writer = tasks.create_task(write(websocket, member.outbox))
            async for data in incoming(websocket):
                hear(member, data)
            writer.cancel()
    except* WebSocketDisconnect:
        pass
    except* TimeoutError:
        with suppress(TimeoutError, WebSocketDisconnect):
            async with asyncio.timeout(1):
                await websocket.close(*member.farewell)


# --8<-- [end:talk]
# --8<-- [start:lot]
class Bid(BaseModel):
    bid: Annotated[int, Field(gt=0, le=1_000_000)]


class Price(BaseModel):
    price: int
    leader: str | None


class Refused(BaseModel):
    error: str


class Lot:
    def __init__(self) -> None:
        self.price = Price(price=0, leader=None)
        self.members = set[Member]()

    @contextmanager
    def joined(self, member: Member) -> Iterator[None]:
        member.push(self.price)
        self.members.add(member)
        try:
            yield
        finally:
            self.members.discard(member)

    def hear(self, member: Member, data: str | bytes) -> None:
        try:
            bid = Bid.model_validate_json(data).bid
        except ValidationError as error:
            member.push(Refused(error=error.errors()[0]["msg"]))
            return
        if bid <= self.price.price:
            member.push(Refused(error=f"Bid more than {self.price.price}"))
            return
        self.price = Price(price=bid, leader=member.user)
        for each in self.members:
            each.push(self.price)


# --8<-- [end:lot]
# --8<-- [start:handshake]
app = FastAPI()
lots = {1: Lot(), 2: Lot()}
sessions: dict[str, str] = {}
ORIGINS = {"https://auction.example"}

Cookie = Annotated[str, Depends(APIKeyCookie(name="session"))]


def signed_in(session: Cookie) -> str:
    if session not in sessions:
        raise HTTPException(401, "Log in first")
    return sessions[session]


def from_our_page(origin: Annotated[str | None, Header()] = None) -> None:
    if origin not in ORIGINS:
        raise HTTPException(403, "Unknown origin")


def find_lot(number: int) -> Lot:
    if number not in lots:
        raise HTTPException(404, "No such lot")
    return lots[number]


User = Annotated[str, Depends(signed_in)]
ThisLot = Annotated[Lot, Depends(find_lot)]


# --8<-- [end:handshake]
# --8<-- [start:routes]
@app.websocket("/lots/{number}", dependencies=[Depends(from_our_page)])
async def bidding(websocket: WebSocket, user: User, lot: ThisLot) -> None:
    await websocket.accept()
    member = Member(user)
    with lot.joined(member):
        await talk(websocket, member, lot.hear)


@app.get("/lots/{number}")
async def read_lot(user: User, lot: ThisLot) -> Price:
    return lot.price


@app.post("/logout", status_code=204)
async def log_out(session: Cookie, user: User) -> None:
    del sessions[session]
    for lot in lots.values():
        for member in lot.members:
            if member.user == user:
                member.drop(4401, "Logged out")


# --8<-- [end:routes]
