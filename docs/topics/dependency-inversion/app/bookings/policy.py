from dataclasses import dataclass

from app.bookings.domain import Booking
from app.bookings.errors import Impossible


@dataclass(frozen=True)
class Policy:
    """The rules that an operator may change without touching code."""

    opens: int = 8
    closes: int = 20
    longest: int = 8

    def check(self, booking: Booking) -> None:
        if booking.start < self.opens or booking.end > self.closes:
            raise Impossible(f"rooms are open from {self.opens} to {self.closes}")
        if booking.end - booking.start > self.longest:
            raise Impossible(f"a booking lasts at most {self.longest} hours")
