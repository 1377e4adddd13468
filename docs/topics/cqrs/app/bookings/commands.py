from dataclasses import dataclass

from app.bookings.domain import Booking


@dataclass(frozen=True)
class BookRoom:
    wish: Booking
    key: str | None = None


@dataclass(frozen=True)
class CancelBooking:
    booking_id: int


@dataclass(frozen=True)
class Done:
    """What a command answers: what was changed, and by which event."""

    booking: Booking
    event: int
