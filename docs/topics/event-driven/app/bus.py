import logging
from collections import defaultdict
from collections.abc import Callable

from app.bookings.events import Event

log = logging.getLogger("rooms.bus")
Handler = Callable[[Event], None]


# --8<-- [start:bus]
class Bus:
    """Hands each event to those who asked for its kind, one after the other."""

    def __init__(self) -> None:
        self._handlers: dict[type[Event], list[Handler]] = defaultdict(list)

    def on(self, kind: type[Event], handler: Handler) -> None:
        self._handlers[kind].append(handler)

    def publish(self, event: Event) -> bool:
        """Run every handler, also after one failed; tell whether all succeeded."""
        failed = 0
        for handler in self._handlers[type(event)]:
            try:
                handler(event)
            except Exception:
                failed += 1
                log.exception("event %s failed", event.number)
        return not failed
        # --8<-- [end:bus]
