import asyncio
import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress

from fastapi import FastAPI, WebSocket, WebSocketDisconnect
from redis.asyncio import Redis
from redis.asyncio.client import PubSub

VALKEY = os.environ.get("VALKEY_URL", "redis://127.0.0.1:6379/0")
sockets: set[WebSocket] = set()


async def fan_out(pubsub: PubSub) -> None:
    async for message in pubsub.listen():
        for websocket in list(sockets):
            with suppress(WebSocketDisconnect, RuntimeError):
                await websocket.send_text(message["data"])


@asynccontextmanager
async def lifespan(_app: FastAPI) -> AsyncIterator[dict[str, Redis]]:
    async with (
        Redis.from_url(VALKEY, decode_responses=True) as valkey,
        valkey.pubsub(ignore_subscribe_messages=True) as pubsub,
    ):
        await pubsub.subscribe("chat")
        listener = asyncio.create_task(fan_out(pubsub))
        yield {"valkey": valkey}
        listener.cancel()


app = FastAPI(lifespan=lifespan)


@app.websocket("/chat")
async def chat(websocket: WebSocket) -> None:
    await websocket.accept()
    await websocket.send_text(f"You are on worker {os.getpid()}")
    sockets.add(websocket)
    try:
        async for text in websocket.iter_text():
            await websocket.state.valkey.publish("chat", text)
    finally:
        sockets.discard(websocket)
