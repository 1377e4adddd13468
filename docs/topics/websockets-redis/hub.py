import asyncio
import logging
import random
from collections import defaultdict, deque
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from uuid import uuid4

from pydantic import BaseModel, ValidationError
from redis.asyncio import Redis
from redis.exceptions import RedisError

logger = logging.getLogger(__name__)
HISTORY = 1000


# --8<-- [start:member]
class Event(BaseModel):
    id: str
    room: str
    user: str
    text: str


def position(event_id: str) -> tuple[int, ...]:
    return tuple(int(part) for part in event_id.split("-"))


class Member:
    def __init__(self, user: str, after: str | None) -> None:
        self.id, self.user, self.seen = uuid4().hex, user, position(after or "0-0")
        self.outbox = asyncio.Queue[str](HISTORY + 100)
        self.deadline = asyncio.timeout(None)

    def push(self, event: Event) -> None:
        if position(event.id) <= self.seen or self.deadline.expired():
            return
        self.seen = position(event.id)
        try:
            self.outbox.put_nowait(event.model_dump_json())
        except asyncio.QueueFull:
            self.deadline.reschedule(0)


# --8<-- [end:member]
# --8<-- [start:hub]
class Hub:
    def __init__(self, valkey: Redis, beat: float = 10) -> None:
        self.valkey, self.seconds, self.heard = valkey, beat, 0.0
        self.recent = deque[Event](maxlen=HISTORY)
        self.rooms = defaultdict[str, set[Member]](set)
        self.last = "0-0"

    async def say(self, room: str, user: str, text: str) -> None:
        fields = {"room": room, "user": user, "text": text}
        await asyncio.shield(self.valkey.xadd("events", fields, maxlen=HISTORY))

    async def load(self) -> None:
        newest = await self.valkey.xrevrange("events", count=HISTORY)
        for entry in reversed(newest):
            self.hear(*entry)

    async def follow(self) -> None:
        while True:
            try:
                news = await self.valkey.xread({"events": self.last}, 100, 2000)
            except RedisError:
                logger.warning("no news from Valkey", exc_info=True)
                await asyncio.sleep(random.uniform(0.1, 1))
                continue
            self.heard = asyncio.get_running_loop().time()
            for _, entries in news:
                for entry in entries:
                    self.hear(*entry)

    def hear(self, event_id: str, fields: dict[str, str]) -> None:
        self.last = event_id
        try:
            event = Event.model_validate({"id": event_id, **fields})
        except ValidationError:
            logger.exception("event %s makes no sense", event_id)
            return
        self.recent.append(event)
        for member in self.rooms.get(event.room, ()):
            member.push(event)

    # --8<-- [end:hub]
    # --8<-- [start:join]
    def join(self, room: str, member: Member, after: str | None) -> None:
        oldest = self.recent[0].id if self.recent else "0-0"
        if after and not position("0-0") < position(oldest) <= position(after):
            member.outbox.put_nowait('{"reset":true}')
        for event in self.recent:
            if event.room == room:
                member.push(event)
        self.rooms[room].add(member)

    def leave(self, room: str, member: Member) -> None:
        self.rooms[room].discard(member)
        if not self.rooms[room]:
            del self.rooms[room]

    # --8<-- [end:join]
    # --8<-- [start:presence]
    async def seat(self, room: str, *members: Member) -> None:
        fields = {member.id: member.user for member in members}
        key, expiry = f"online:{room}", int(self.seconds * 3000)
        await asyncio.shield(self.valkey.hsetex(key, mapping=fields, px=expiry))

    @asynccontextmanager
    async def present(
        self, room: str, member: Member, after: str | None = None
    ) -> AsyncIterator[None]:
        self.join(room, member, after)
        try:
            await self.seat(room, member)
            yield
        finally:
            self.leave(room, member)
            with suppress(RedisError):
                await self.valkey.hdel(f"online:{room}", member.id)

    async def beat(self) -> None:
        while True:
            await asyncio.sleep(self.seconds)
            for room, members in list(self.rooms.items()):
                try:
                    await self.seat(room, *members)
                except RedisError:
                    logger.warning("no heartbeat for %s", room, exc_info=True)

    async def online(self, room: str) -> list[str]:
        return sorted(set(await self.valkey.hvals(f"online:{room}")))
        # --8<-- [end:presence]
