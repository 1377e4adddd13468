from dataclasses import dataclass
from datetime import date

from app.bookings.errors import Conflict, Impossible


@dataclass(frozen=True)
class Room:
    name: str
    seats: int

    def check(self, people: int) -> None:
        if people > self.seats:
            raise Conflict(f"{self.name} has {self.seats} seats")


@dataclass(frozen=True)
class Booking:
    room: str
    day: date
    start: int
    end: int
    people: int
    id: int = 0  # until it is stored

    def __post_init__(self) -> None:
        if self.end <= self.start:
            raise Impossible("a booking ends after it starts")

    def clashes_with(self, other: "Booking") -> bool:
        same_day = (self.room, self.day) == (other.room, other.day)
        return same_day and self.start < other.end and other.start < self.end


@dataclass(frozen=True)
class Receipt:
    """What a client got for an idempotency key."""

    key: str
    booking: Booking
