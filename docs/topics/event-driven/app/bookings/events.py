from dataclasses import dataclass

from app.bookings.domain import Booking


@dataclass(frozen=True)
class Event:
    """Something that happened; the number is given when it is stored."""

    booking: Booking
    number: int = 0


class Booked(Event):
    pass


class Cancelled(Event):
    pass
