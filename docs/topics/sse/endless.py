import asyncio
from collections.abc import AsyncIterable

from fastapi import FastAPI
from fastapi.sse import EventSourceResponse

app = FastAPI()


@app.get("/endless", response_class=EventSourceResponse)
async def endless() -> AsyncIterable[str]:
    try:
        yield "hello"
        await asyncio.Event().wait()
    finally:
        print("generator ended", flush=True)
