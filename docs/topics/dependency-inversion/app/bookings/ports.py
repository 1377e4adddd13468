from datetime import date
from typing import Protocol

from app.bookings.domain import Booking


class Clock(Protocol):
    def today(self) -> date: ...


class Notifier(Protocol):
    def booked(self, booking: Booking) -> None:
        """Tell the people concerned; return at once, never raise."""

    def cancelled(self, booking: Booking) -> None: ...
