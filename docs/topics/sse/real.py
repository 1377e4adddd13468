import asyncio
import re
import secrets
from collections import deque
from collections.abc import AsyncIterable, AsyncIterator, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Annotated, NamedTuple

from fastapi import Depends, FastAPI, Header, HTTPException
from fastapi.security import APIKeyCookie
from fastapi.sse import EventSourceResponse, ServerSentEvent
from pydantic import BaseModel


# --8<-- [start:stream]
@dataclass(eq=False)
class Stream:
    user: str
    missed: list[ServerSentEvent]
    queue: asyncio.Queue[ServerSentEvent | None]

    def end(self) -> None:
        while not self.queue.empty():
            self.queue.get_nowait()
        self.queue.put_nowait(None)


# --8<-- [end:stream]
# --8<-- [start:hub]
class Kept(NamedTuple):
    number: int
    user: str
    event: ServerSentEvent


class Hub:
    def __init__(self, keep: int = 1000, backlog: int = 50) -> None:
        self.run = secrets.token_hex(4)
        self.number = 0
        self.kept: deque[Kept] = deque(maxlen=keep)
        self.backlog = backlog
        self.streams: set[Stream] = set()

    def cursor(self) -> str:
        return f"{self.run}-{self.number}"

    # --8<-- [end:hub]
    # --8<-- [start:publish]
    def publish(self, user: str, name: str, data: BaseModel) -> None:
        self.number += 1
        text = data.model_dump_json()
        event = ServerSentEvent(event=name, id=self.cursor(), raw_data=text)
        self.kept.append(Kept(self.number, user, event))
        for stream in self.streams_of(user):
            try:
                stream.queue.put_nowait(event)
            except asyncio.QueueFull:
                self.streams.remove(stream)
                stream.end()

    def streams_of(self, user: str) -> list[Stream]:
        return [stream for stream in self.streams if stream.user == user]

    def end_streams_of(self, user: str) -> None:
        for stream in self.streams_of(user):
            stream.end()

    # --8<-- [end:publish]
    # --8<-- [start:resume]
    def missed(self, user: str, cursor: str) -> list[ServerSentEvent]:
        run, _, number = cursor.rpartition("-")
        oldest = self.kept[0].number if self.kept else self.number + 1
        last = int(number) if re.fullmatch("[0-9]{1,18}", number) else -1
        if run != self.run or last < oldest - 1:
            return [ServerSentEvent(event="reset", id=self.cursor(), raw_data="")]
        later = [kept for kept in self.kept if kept.number > last]
        return [kept.event for kept in later if kept.user == user]

    @contextmanager
    def subscribe(self, user: str, cursor: str) -> Iterator[Stream]:
        queue = asyncio.Queue[ServerSentEvent | None](self.backlog)
        stream = Stream(user, self.missed(user, cursor), queue)
        self.streams.add(stream)
        try:
            yield stream
        finally:
            self.streams.discard(stream)


# --8<-- [end:resume]
# --8<-- [start:session]
app = FastAPI()
hub = Hub()
sessions: dict[str, str] = {}

Cookie = Annotated[str, Depends(APIKeyCookie(name="session"))]


def signed_in(session: Cookie) -> str:
    if session not in sessions:
        raise HTTPException(401)
    return sessions[session]


User = Annotated[str, Depends(signed_in)]


@app.post("/logout", status_code=204)
async def log_out(session: Cookie, user: User) -> None:
    del sessions[session]
    hub.end_streams_of(user)


# --8<-- [end:session]
# --8<-- [start:events]
class Order(BaseModel):
    number: int
    status: str


class Snapshot(BaseModel):
    orders: list[Order]
    cursor: str


BEAT = 10.0
orders: dict[str, dict[int, Order]] = {}


def save(user: str, order: Order) -> None:
    orders.setdefault(user, {})[order.number] = order
    hub.publish(user, "order", order)


@app.get("/orders")
async def snapshot(user: User) -> Snapshot:
    return Snapshot(orders=list(orders.get(user, {}).values()), cursor=hub.cursor())


async def subscription(
    user: User, after: str, last_event_id: Annotated[str | None, Header()] = None
) -> AsyncIterator[Stream]:
    with hub.subscribe(user, last_event_id or after) as stream:
        yield stream


@app.get("/events", response_class=EventSourceResponse)
async def events(
    stream: Annotated[Stream, Depends(subscription)],
) -> AsyncIterable[ServerSentEvent]:
    for event in stream.missed:
        yield event
    while True:
        try:
            async with asyncio.timeout(BEAT):
                news = await stream.queue.get()
        except TimeoutError:
            news = ServerSentEvent(event="beat", raw_data="")
        if news is None:
            return
        yield news


# --8<-- [end:events]
