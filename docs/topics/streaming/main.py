import asyncio
from collections.abc import AsyncIterable, Iterable
from typing import Annotated

from fastapi import Depends, FastAPI, HTTPException
from fastapi.responses import StreamingResponse
from pydantic import BaseModel


class Reading(BaseModel):
    hour: int
    celsius: float


STATIONS = {"harbor": [11.5, 11.2, 12.9]}

app = FastAPI()


# --8<-- [start:check]
def station_values(station: str) -> list[float]:
    if station not in STATIONS:
        raise HTTPException(404, "Unknown station")
    return STATIONS[station]


# --8<-- [end:check]
Values = Annotated[list[float], Depends(station_values)]


@app.get("/stations/{station}/readings")
async def readings(values: Values) -> AsyncIterable[Reading]:
    for hour, celsius in enumerate(values):
        yield Reading(hour=hour, celsius=celsius)
        await asyncio.sleep(0.2)


class CSVResponse(StreamingResponse):
    media_type = "text/csv"


@app.get("/stations/{station}/readings.csv", response_class=CSVResponse)
def readings_as_csv(values: Values) -> Iterable[str]:
    yield "hour,celsius\r\n"
    for hour, celsius in enumerate(values):
        yield f"{hour},{celsius}\r\n"
