from copy import deepcopy
from dataclasses import replace
from datetime import date
from threading import Lock
from types import TracebackType
from typing import Self

from app.bookings.domain import Booking, Receipt, Room
from app.bookings.repository import Bookings, Receipts, Rooms


class MemoryBookings:
    def __init__(self) -> None:
        self._stored: dict[int, Booking] = {}
        self._last = 0

    def add(self, booking: Booking) -> Booking:
        self._last += 1
        stored = replace(booking, id=self._last)
        self._stored[stored.id] = stored
        return stored

    def get(self, booking_id: int) -> Booking | None:
        return self._stored.get(booking_id)

    def remove(self, booking: Booking) -> None:
        del self._stored[booking.id]

    def of_day(self, room: str, day: date) -> list[Booking]:
        found = [b for b in self._stored.values() if (b.room, b.day) == (room, day)]
        return sorted(found, key=lambda booking: booking.start)


class MemoryRooms:
    def __init__(self, *rooms: Room) -> None:
        self._rooms = {room.name: room for room in rooms}

    def claim(self, name: str) -> Room | None:
        return self._rooms.get(name)


class MemoryReceipts:
    def __init__(self) -> None:
        self._stored: dict[str, Receipt] = {}

    def add(self, receipt: Receipt) -> None:
        self._stored[receipt.key] = receipt

    def get(self, key: str) -> Receipt | None:
        return self._stored.get(key)


Stores = tuple[Bookings, Rooms, Receipts]


class MemoryUnitOfWork:
    """Works on copies, one unit at a time; a commit puts the copies in place."""

    bookings: Bookings
    rooms: Rooms
    receipts: Receipts

    def __init__(self, *rooms: Room) -> None:
        self._committed: Stores = (
            MemoryBookings(),
            MemoryRooms(*rooms),
            MemoryReceipts(),
        )
        self._turn = Lock()

    def __enter__(self) -> Self:
        self._turn.acquire()
        self.bookings, self.rooms, self.receipts = deepcopy(self._committed)
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._turn.release()

    def commit(self) -> None:
        self._committed = deepcopy((self.bookings, self.rooms, self.receipts))
