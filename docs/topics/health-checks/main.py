from typing import Literal

from fastapi import FastAPI, Response
from pydantic import BaseModel

app = FastAPI()


class Health(BaseModel):
    status: Literal["ok", "unavailable"]
    failing: list[str] = []


class Database:
    is_up = True

    async def ping(self) -> None:
        if not self.is_up:
            raise ConnectionError("no route to database")


database = Database()


@app.get("/livez")
async def live() -> Health:
    return Health(status="ok")


@app.get("/readyz", responses={503: {"model": Health}})
async def ready(response: Response) -> Health:
    try:
        await database.ping()
    except ConnectionError:
        response.status_code = 503
        return Health(status="unavailable", failing=["database"])
    return Health(status="ok")


@app.post("/unplug")
async def unplug(*, plugged: bool = False) -> None:
    database.is_up = plugged
