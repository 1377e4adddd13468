import asyncio
from collections.abc import AsyncIterable, Iterator
from typing import Annotated

from fastapi import Depends, FastAPI
from fastapi.responses import StreamingResponse

app = FastAPI()
made = 0
opened: set[str] = set()
finished: set[str] = set()


def opening(name: str) -> Iterator[str]:
    opened.add(name)
    yield name
    opened.discard(name)


Name = Annotated[str, Depends(opening)]


@app.get("/broken")
async def broken() -> AsyncIterable[int]:
    yield 1
    await asyncio.sleep(0)
    raise ConnectionError("the database went away")


@app.get("/endless/{name}", response_class=StreamingResponse)
async def endless(name: Name) -> AsyncIterable[bytes]:
    global made
    while True:
        made += 1
        yield bytes(64 * 1024)


@app.get("/waiting/{name}")
async def waiting(name: Name) -> AsyncIterable[int]:
    yield 1
    await asyncio.sleep(0.4)
    yield 2
    yield 3
    finished.add(name)


@app.get("/state")
async def state() -> dict[str, object]:
    return {"made": made, "opened": sorted(opened), "finished": sorted(finished)}
