import logging
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from app import database
from app.bookings.domain import Booking
from app.bookings.policy import Policy
from app.bookings.ports import Notifier
from app.bookings.service import BookingService
from app.bookings.sql import SqlUnitOfWork
from app.clock import SystemClock
from app.notices import LogNotifier
from app.settings import Settings

log = logging.getLogger("rooms.notices")


# --8<-- [start:script]
@contextmanager
def opened_service(settings: Settings) -> Iterator[BookingService]:
    """Wire a service for a script: no app, no request, no container."""
    with database.opened(settings.database_url.get_secret_value()) as sessions:
        yield BookingService(
            SqlUnitOfWork(sessions),
            Policy(settings.opens, settings.closes, settings.longest),
            SystemClock(settings.time_zone),
            Quiet(LogNotifier()),
        )


# --8<-- [end:script]
# --8<-- [start:quiet]
class Quiet:
    """Makes any notifier keep the promise that it never raises."""

    def __init__(self, inner: Notifier) -> None:
        self._inner = inner

    def booked(self, booking: Booking) -> None:
        self._try(self._inner.booked, booking)

    def cancelled(self, booking: Booking) -> None:
        self._try(self._inner.cancelled, booking)

    def _try(self, tell: Callable[[Booking], None], booking: Booking) -> None:
        try:
            tell(booking)
        except Exception:
            log.exception("nobody was told about booking %s", booking.id)


# --8<-- [end:quiet]
