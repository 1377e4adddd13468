import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from fastapi import FastAPI, HTTPException
from taskiq import AsyncBroker, InMemoryBroker
from taskiq_redis import RedisAsyncResultBackend, RedisStreamBroker

# --8<-- [start:broker]
broker: AsyncBroker = InMemoryBroker(await_inplace=True)
if url := os.environ.get("VALKEY_URL"):
    results = RedisAsyncResultBackend(url, result_ex_time=3600)
    broker = RedisStreamBroker(url).with_result_backend(results)


@broker.task
async def make_report(month: str) -> str:
    return f"report-{month}.pdf"
    # --8<-- [end:broker]


# --8<-- [start:app]
@asynccontextmanager
async def lifespan(app: FastAPI) -> AsyncIterator[None]:
    await broker.startup()
    yield
    await broker.shutdown()


app = FastAPI(lifespan=lifespan)


@app.post("/reports/{month}", status_code=202)
async def order_report(month: str) -> dict[str, str]:
    job = await make_report.kiq(month)
    return {"job": job.task_id}


@app.get("/jobs/{job}")
async def read_job(job: str) -> dict[str, str]:
    if not await broker.result_backend.is_result_ready(job):
        raise HTTPException(404, "Unknown, expired or not finished")
    result = await broker.result_backend.get_result(job)
    return {"file": result.return_value}
    # --8<-- [end:app]
