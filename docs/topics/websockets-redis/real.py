import asyncio
import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from typing import Annotated

from fastapi import Depends, FastAPI, HTTPException, Query, WebSocket
from fastapi import WebSocketDisconnect as Left
from fastapi.requests import HTTPConnection
from fastapi.security import APIKeyCookie
from hub import Hub, Member
from redis.asyncio import Redis
from redis.exceptions import RedisError

VALKEY = os.environ.get("VALKEY_URL", "redis://127.0.0.1:6379/0")
BEAT = float(os.environ.get("BEAT_SECONDS", "10"))


# --8<-- [start:lifespan]
@asynccontextmanager
async def lifespan(_app: FastAPI) -> AsyncIterator[dict[str, Hub]]:
    async with Redis.from_url(VALKEY, decode_responses=True) as valkey:
        hub = Hub(valkey, BEAT)
        await hub.load()
        tasks = {asyncio.create_task(each) for each in (hub.follow(), hub.beat())}
        yield {"hub": hub}
        while tasks:
            for task in tasks:
                task.cancel()
            _, tasks = await asyncio.wait(tasks, timeout=0.1)


# --8<-- [end:lifespan]
app = FastAPI(lifespan=lifespan)
After = Annotated[str | None, Query(pattern=r"^\d{1,15}-\d{1,9}$")]


def the_hub(connection: HTTPConnection) -> Hub:
    return connection.state.hub


TheHub = Annotated[Hub, Depends(the_hub)]
Cookie = Annotated[str, Depends(APIKeyCookie(name="session"))]


async def signed_in(hub: TheHub, session: Cookie) -> str:
    if user := await hub.valkey.get(f"session:{session}"):
        return user
    raise HTTPException(401, "Log in first")


User = Annotated[str, Depends(signed_in)]


# --8<-- [start:routes]
async def write(websocket: WebSocket, member: Member) -> None:
    while True:
        await websocket.send_text(await member.outbox.get())


@app.websocket("/rooms/{room}")
async def chat(
    websocket: WebSocket, room: str, user: User, hub: TheHub, after: After = None
) -> None:
    await websocket.accept()
    member = Member(user, after)
    try:
        async with (
            member.deadline,
            hub.present(room, member, after),
            asyncio.TaskGroup() as tasks,
        ):
            writer = tasks.create_task(write(websocket, member))
            async for text in websocket.iter_text():
                await hub.say(room, user, text)
            writer.cancel()
    except* Left:
        pass
    except* (TimeoutError, RedisError):
        with suppress(TimeoutError, Left):
            async with asyncio.timeout(1):
                await websocket.close(1013, "Come back")


@app.get("/rooms/{room}/online")
async def online(room: str, user: User, hub: TheHub) -> list[str]:
    return await hub.online(room)


@app.get("/ready")
async def ready(hub: TheHub) -> float:
    silence = asyncio.get_running_loop().time() - hub.heard
    if silence > 10:
        raise HTTPException(503, "No news from Valkey")
    return silence
    # --8<-- [end:routes]
