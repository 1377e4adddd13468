import asyncio
import os
import time

from fastapi import FastAPI

# --8<-- [start:app]
app = FastAPI()


@app.get("/blocked/{seconds}")
async def blocked(seconds: float) -> dict[str, int]:
    time.sleep(seconds)
    return {"worker": os.getpid()}


@app.get("/awaited/{seconds}")
async def awaited(seconds: float) -> dict[str, int]:
    await asyncio.sleep(seconds)
    return {"worker": os.getpid()}


@app.get("/threaded/{seconds}")
def threaded(seconds: float) -> dict[str, int]:
    time.sleep(seconds)
    return {"worker": os.getpid()}
    # --8<-- [end:app]
