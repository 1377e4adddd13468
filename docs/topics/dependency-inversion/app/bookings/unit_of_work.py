from types import TracebackType
from typing import Protocol, Self

from app.bookings.repository import Bookings, Receipts, Rooms


class UnitOfWork(Protocol):
    """All or nothing: what is not committed when the block ends never happened."""

    bookings: Bookings
    rooms: Rooms
    receipts: Receipts

    def __enter__(self) -> Self: ...

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None: ...

    def commit(self) -> None: ...
