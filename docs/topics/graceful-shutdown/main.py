import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from fastapi import BackgroundTasks, FastAPI


def say(text: str) -> None:
    print(text, flush=True)


# --8<-- [start:app]
@asynccontextmanager
async def lifespan(app: FastAPI) -> AsyncIterator[None]:
    say("pool: open")
    yield
    say("pool: closed")


app = FastAPI(lifespan=lifespan)


@app.get("/reports/{month}")
async def report(month: str, seconds: float = 0.1) -> dict[str, str]:
    await asyncio.sleep(seconds)
    say(f"report {month}: done")
    return {"report": month}


async def send_mail(customer: str, seconds: float) -> None:
    await asyncio.sleep(seconds)
    say(f"mail to {customer}: sent")


@app.post("/orders", status_code=201)
async def order(
    customer: str, tasks: BackgroundTasks, seconds: float = 0.1
) -> dict[str, str]:
    tasks.add_task(send_mail, customer, seconds)
    return {"order": "taken"}
    # --8<-- [end:app]
