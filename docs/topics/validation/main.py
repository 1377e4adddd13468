from datetime import date
from typing import Annotated

from fastapi import FastAPI, Path, Query
from pydantic import AfterValidator, BaseModel, Field

app = FastAPI()


def open_day(day: date) -> date:
    if day.isoweekday() == 1:
        raise ValueError("we are closed on Mondays")
    return day


# --8<-- [start:model]
class Booking(BaseModel):
    name: Annotated[str, Field(min_length=2, max_length=40)]
    day: Annotated[date, AfterValidator(open_day)]
    guests: Annotated[int, Field(ge=1, le=8)] = 2
    wishes: list[Annotated[str, Field(max_length=80)]] = []
    # --8<-- [end:model]


# --8<-- [start:route]
@app.post("/rooms/{room}/bookings", status_code=201)
def book(
    room: Annotated[str, Path(pattern="^[a-z]{3,10}$")],
    booking: Booking,
    hold: Annotated[int, Query(ge=5, le=60)] = 15,
) -> dict[str, str | int | Booking]:
    return {"room": room, "hold": hold, "booking": booking}
    # --8<-- [end:route]
