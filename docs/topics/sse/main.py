import asyncio
from collections.abc import AsyncIterable
from typing import Annotated

from fastapi import Depends, FastAPI, Header, HTTPException
from fastapi.sse import EventSourceResponse, ServerSentEvent
from pydantic import BaseModel


class Stop(BaseModel):
    place: str
    status: str


STOPS = [
    Stop(place="Lisbon", status="picked up"),
    Stop(place="Lyon", status="in transit"),
    Stop(place="Ghent", status="delivered"),
]

app = FastAPI()


# --8<-- [start:resume]
def stops_seen(last_event_id: Annotated[int, Header(ge=0)] = 0) -> int:
    if last_event_id >= len(STOPS):
        raise HTTPException(204)
    return last_event_id


# --8<-- [end:resume]
Seen = Annotated[int, Depends(stops_seen)]


@app.get("/parcel", response_class=EventSourceResponse)
async def parcel(seen: Seen) -> AsyncIterable[ServerSentEvent]:
    for number, stop in enumerate(STOPS[seen:], start=seen + 1):
        yield ServerSentEvent(data=stop, id=str(number), retry=1000)
        await asyncio.sleep(0.2)
