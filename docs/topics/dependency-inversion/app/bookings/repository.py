from datetime import date
from typing import Protocol

from app.bookings.domain import Booking, Receipt, Room


class Bookings(Protocol):
    def add(self, booking: Booking) -> Booking:
        """Store a new booking; return it with its id."""

    def get(self, booking_id: int) -> Booking | None: ...

    def remove(self, booking: Booking) -> None: ...

    def of_day(self, room: str, day: date) -> list[Booking]:
        """Return the room's bookings of that day, earliest first."""


class Rooms(Protocol):
    def claim(self, name: str) -> Room | None:
        """Return the room, and make other units of work that claim it wait."""


class Receipts(Protocol):
    def add(self, receipt: Receipt) -> None: ...

    def get(self, key: str) -> Receipt | None: ...
