import asyncio
import json
import socket
import statistics
import threading
import time
from collections.abc import AsyncIterator
from concurrent.futures import ProcessPoolExecutor
from contextlib import asynccontextmanager
from http.client import HTTPConnection
from multiprocessing import get_context

import uvicorn
from crunch import primes_below
from fastapi import FastAPI
from fastapi.concurrency import run_in_threadpool

LIMIT = 200_000
spawn = get_context("spawn")
processes = ProcessPoolExecutor(1, spawn)


@asynccontextmanager
async def lifespan(app: FastAPI) -> AsyncIterator[None]:
    with processes:
        yield


app = FastAPI(openapi_url=None, lifespan=lifespan)


@app.get("/async")
async def awaited() -> str:
    return "pong"


@app.get("/def")
def plain() -> str:
    return "pong"


@app.get("/loop/{limit}")
async def on_the_loop(limit: int) -> int:
    return primes_below(limit)


@app.get("/thread/{limit}")
async def in_a_thread(limit: int) -> int:
    return await run_in_threadpool(primes_below, limit)


@app.get("/process/{limit}")
async def in_a_process(limit: int) -> int:
    loop = asyncio.get_running_loop()
    return await loop.run_in_executor(processes, primes_below, limit)


def serve(listening: socket.socket) -> None:
    server = uvicorn.Server(uvicorn.Config(app, log_level="critical"))
    server.run(sockets=[listening])


class Client:
    def __init__(self, port: int):
        self.connection = HTTPConnection("127.0.0.1", port, timeout=60)

    def seconds(self, path: str) -> float:
        start = time.perf_counter()
        self.connection.request("GET", path)
        answer = self.connection.getresponse()
        answer.read()
        assert answer.status == 200
        return time.perf_counter() - start


def usual(port: int, path: str) -> float:
    client = Client(port)
    return statistics.fmean(client.seconds(path) for _ in range(3000))


def during(port: int, place: str) -> float:
    """Ping again and again while primes are counted; five times over."""
    client = Client(port)
    Client(port).seconds(f"/{place}/10")
    rounds = []
    for _ in range(5):
        path = f"/{place}/{LIMIT}"
        work = threading.Thread(target=Client(port).seconds, args=[path])
        work.start()
        time.sleep(0.05)
        pings = []
        while work.is_alive():
            pings.append(client.seconds("/async"))
        rounds.append(statistics.fmean(pings))
    return statistics.median(rounds)


def measure(port: int) -> dict[str, float]:
    Client(port).seconds("/async")
    idle = usual(port, "/async")
    taken = {
        "`async def` route": idle,
        "`def` route": usual(port, "/def"),
        "`async def` route, primes counted in another process": during(
            port, "process"
        ),
        "`async def` route, primes counted in a thread": during(port, "thread"),
        "`async def` route, primes counted on the event loop": during(port, "loop"),
    }
    return {name: value / idle for name, value in taken.items()}


if __name__ == "__main__":
    with socket.create_server(("127.0.0.1", 0)) as listening:
        server = spawn.Process(target=serve, args=[listening])
        server.start()
        measured = measure(listening.getsockname()[1])
        server.terminate()
        server.join()
    rows = [
        {"name": name, "value": round(value, 1 if value < 10 else None)}
        for name, value in measured.items()
    ]
    title = "Time to an answer of a route that does nothing, on average"
    print(json.dumps({"title": title, "unit": "times an idle ping", "rows": rows}))
