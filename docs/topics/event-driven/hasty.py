from app.bookings.domain import Booking
from app.bookings.events import Booked
from app.bookings.unit_of_work import UnitOfWork
from app.bus import Handler


# --8<-- [start:hasty]
class HastyService:
    """Stores the booking, then calls the handlers itself."""

    def __init__(self, work: UnitOfWork, *handlers: Handler) -> None:
        self._work = work
        self._handlers = handlers

    def book(self, wish: Booking, key: str | None = None) -> Booking:
        with self._work as work:
            booking = work.bookings.add(wish)
            work.commit()
        for handler in self._handlers:
            handler(Booked(booking))
        return booking
        # --8<-- [end:hasty]
