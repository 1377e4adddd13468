import logging
from collections.abc import Awaitable, Callable
from typing import Annotated, Any, Literal
from uuid import UUID, uuid4

import anyio
from fastapi import BackgroundTasks, FastAPI, HTTPException, Response
from fastapi.concurrency import run_in_threadpool
from pydantic import BaseModel, Field
from sqlalchemy import QueuePool, create_engine, text
from sqlalchemy.orm import Session

log = logging.getLogger("reports")


# --8<-- [start:guard]
def guarded(
    func: Callable[..., Awaitable[Any]],
    *,
    attempts: int = 3,
    give_up: Callable[..., None] | None = None,
) -> Any:
    """Log each failure with name and arguments, try again, and at last give up."""

    async def run(*args: Any, **kwargs: Any) -> None:
        for attempt in range(1, attempts + 1):
            try:
                await func(*args, **kwargs)
            except Exception:
                log.exception(
                    "%s%r failed, %d/%d", func.__name__, args, attempt, attempts
                )
            else:
                return
        if give_up:
            give_up(*args, **kwargs)

    return run


# --8<-- [end:guard]


# --8<-- [start:session]
engine = create_engine(
    "sqlite://",
    poolclass=QueuePool,
    pool_size=1,
    max_overflow=0,
    connect_args={"check_same_thread": False},
)


def count_rows(top: int) -> int | None:
    with Session(engine) as session:
        return session.scalar(text("SELECT :top"), {"top": top})


# --8<-- [end:session]


# --8<-- [start:job]
class Job(BaseModel):
    id: UUID = Field(default_factory=uuid4)
    state: Literal["waiting", "running", "done", "failed"] = "waiting"
    rows: int | None = None


jobs: dict[UUID, Job] = {}
at_most_two = anyio.Semaphore(2)


async def make_report(job: Job, top: int) -> None:
    async with at_most_two:
        job.state = "running"
        job.rows = await run_in_threadpool(count_rows, top)
        job.state = "done"


def give_up(job: Job, top: int) -> None:
    job.state = "failed"


# --8<-- [end:job]


app = FastAPI()


# --8<-- [start:routes]
@app.post("/reports", status_code=202)
async def start_report(
    top: Annotated[int, Field(ge=1)], tasks: BackgroundTasks, response: Response
) -> Job:
    job = Job()
    jobs[job.id] = job
    tasks.add_task(guarded(make_report, give_up=give_up), job, top)
    response.headers["Location"] = f"/reports/{job.id}"
    return job


@app.get("/reports/{job_id}")
async def read_report(job_id: UUID) -> Job:
    if job_id not in jobs:
        raise HTTPException(404, "unknown report: ask for it again")
    return jobs[job_id]


# --8<-- [end:routes]
