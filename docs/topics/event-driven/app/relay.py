import asyncio
import logging
from contextlib import suppress

from fastapi.concurrency import run_in_threadpool

from app.bookings.unit_of_work import UnitOfWork
from app.bus import Bus

log = logging.getLogger("rooms.relay")


class Relay:
    """Publishes what the outbox holds; what fails stays and is tried again."""

    def __init__(self, work: UnitOfWork, bus: Bus, every: float) -> None:
        self._work = work
        self._bus = bus
        self._every = every
        self._stopping = asyncio.Event()

    # --8<-- [start:once]
    def run_once(self) -> int:
        """Publish in order, up to the first failure; return how many."""
        with self._work as work:
            pending = work.outbox.pending()
        for done, event in enumerate(pending):
            if not self._bus.publish(event):
                return done
            with self._work as work:
                work.outbox.published(event)
                work.commit()
        return len(pending)
        # --8<-- [end:once]

    async def run(self) -> None:
        """Look again and again; after stop() one last time."""
        last = False
        while not last:
            last = self._stopping.is_set()
            try:
                await run_in_threadpool(self.run_once)
            except Exception:
                log.exception("the outbox could not be emptied; will try again")
            with suppress(TimeoutError):
                await asyncio.wait_for(self._stopping.wait(), self._every)

    def stop(self) -> None:
        self._stopping.set()
