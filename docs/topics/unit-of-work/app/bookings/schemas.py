from datetime import date
from typing import Annotated, Self

from pydantic import BaseModel, Field

from app.bookings.domain import Booking


class BookingIn(BaseModel):
    room: str
    day: date
    start: Annotated[int, Field(ge=8, le=19, description="hour of the day")]
    end: Annotated[int, Field(ge=9, le=20)]
    people: Annotated[int, Field(ge=1)]


class BookingOut(BookingIn):
    id: int

    @classmethod
    def of(cls, booking: Booking) -> Self:
        return cls.model_validate(booking, from_attributes=True)
