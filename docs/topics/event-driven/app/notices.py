import logging

from app.bookings.events import Event

log = logging.getLogger("rooms.notices")


# --8<-- [start:notices]
class Notices:
    """Writes each message once, however often its event arrives."""

    def __init__(self) -> None:
        self._seen: set[int] = set()

    def __call__(self, event: Event) -> None:
        if event.number in self._seen:
            return
        booking = event.booking
        log.info("%s: %s on %s", type(event).__name__, booking.room, booking.day)
        self._seen.add(event.number)
        # --8<-- [end:notices]
