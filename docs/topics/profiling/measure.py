import asyncio
import cProfile
import json
import statistics
import time
from contextlib import asynccontextmanager

from fastapi import FastAPI
from pydantic import BaseModel
from pyinstrument import Profiler
from watch import LoopWatch


class Item(BaseModel):
    id: int
    tags: list[str]


ITEMS = [Item(id=number, tags=["new", "red"]) for number in range(300)]
app = FastAPI(openapi_url=None)


@app.get("/")
async def many_small_calls():
    return ITEMS


async def seconds() -> float:
    scope = {"type": "http", "method": "GET", "path": "/"}
    scope |= {"query_string": b"", "headers": []}

    async def receive():
        return {"type": "http.request", "body": b"", "more_body": False}

    async def send(message):
        pass

    start = time.perf_counter()
    await app(scope, receive, send)
    return time.perf_counter() - start


@asynccontextmanager
async def nothing():
    yield


@asynccontextmanager
async def watch():
    running = asyncio.create_task(LoopWatch(lambda stack: None).run())
    yield
    running.cancel()
    await asyncio.wait([running])


@asynccontextmanager
async def sampler():
    with Profiler(async_mode="enabled"):
        yield


@asynccontextmanager
async def tracer():
    with cProfile.Profile():
        yield


CASES = {
    "nobody looks": nothing,
    "`LoopWatch`": watch,
    "pyinstrument, a sample every millisecond": sampler,
    "`cProfile`": tracer,
}


async def ratios(rounds: int) -> dict[str, float]:
    taken: dict[str, list[float]] = {name: [] for name in CASES}
    for _ in range(rounds):
        for name, looking in CASES.items():
            async with looking():
                await asyncio.sleep(0)
                taken[name].append(min([await seconds() for _ in range(5)]))
    middle = {name: statistics.median(times) for name, times in taken.items()}
    return {name: value / middle["nobody looks"] for name, value in middle.items()}


if __name__ == "__main__":
    measured = asyncio.run(ratios(rounds=41))
    rows = [{"name": name, "value": round(v, 1)} for name, v in measured.items()]
    title = "One request that makes thousands of small calls"
    unit = "times the request that nobody looks at"
    print(json.dumps({"title": title, "unit": unit, "rows": rows}))
