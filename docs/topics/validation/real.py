# --8<-- [start:types]
from datetime import date, time
from typing import Annotated

from fastapi import FastAPI, HTTPException, Path, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from pydantic import (
    AfterValidator,
    BaseModel,
    ConfigDict,
    Field,
    StringConstraints,
    ValidationInfo,
)
from pydantic_core import PydanticCustomError


def line(longest: int) -> StringConstraints:
    return StringConstraints(
        strip_whitespace=True, min_length=1, max_length=longest
    )


def open_day(day: date) -> date:
    if day.isoweekday() == 1:
        raise PydanticCustomError("closed", "We are closed on Mondays")
    return day


def after_start(end: time, info: ValidationInfo) -> time:
    start = info.data.get("start")
    if start is not None and end <= start:
        limits = {"start": f"{start:%H:%M}"}
        raise PydanticCustomError(
            "too_early", "Choose a time after {start}", limits
        )
    return end


Name = Annotated[str, line(40)]
Wishes = Annotated[list[Annotated[str, line(80)]], Field(max_length=3)]
Guests = Annotated[int, Field(ge=1, le=8)]
OpenDay = Annotated[date, AfterValidator(open_day)]
# --8<-- [end:types]


# --8<-- [start:model]
class Booking(BaseModel):
    model_config = ConfigDict(extra="forbid", validate_default=True)

    name: Name
    day: OpenDay
    start: time
    end: Annotated[time, AfterValidator(after_start)]
    guests: Guests = 2
    wishes: Wishes = []
    # --8<-- [end:model]


# --8<-- [start:route]
app = FastAPI()
booked: dict[tuple[str, date], Booking] = {}


@app.post("/rooms/{room}/bookings", status_code=201)
def book(
    room: Annotated[str, Path(pattern="^[a-z]{3,10}$")], booking: Booking
) -> Booking:
    if (room, booking.day) in booked:
        raise HTTPException(409, "The room is taken on that day")
    booked[room, booking.day] = booking
    return booking
    # --8<-- [end:route]


# --8<-- [start:messages]
TEXTS = {
    "de": {
        "missing": "Bitte ausfüllen",
        "string_too_short": "Mindestens {min_length} Zeichen",
        "string_too_long": "Höchstens {max_length} Zeichen",
        "greater_than_equal": "Mindestens {ge}",
        "less_than_equal": "Höchstens {le}",
        "closed": "Montags ist geschlossen",
        "too_early": "Bitte später als {start} enden",
    }
}


@app.exception_handler(RequestValidationError)
def explain(request: Request, error: RequestValidationError) -> JSONResponse:
    texts = TEXTS.get(request.headers.get("accept-language", "")[:2], {})
    detail = []
    for each in error.errors():
        text = texts.get(each["type"])
        msg = text.format(**each.get("ctx", {})) if text else each["msg"]
        detail.append({"type": each["type"], "loc": each["loc"], "msg": msg})
    return JSONResponse({"detail": detail}, 422)
    # --8<-- [end:messages]
