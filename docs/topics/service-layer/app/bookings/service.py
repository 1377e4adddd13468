from dataclasses import replace

from sqlalchemy.orm import Session

from app.bookings.domain import Booking, Receipt
from app.bookings.errors import Conflict, NotFound
from app.bookings.repository import Bookings, Receipts, Rooms


class BookingService:
    def __init__(
        self, bookings: Bookings, rooms: Rooms, receipts: Receipts, session: Session
    ) -> None:
        self._bookings = bookings
        self._rooms = rooms
        self._receipts = receipts
        self._session = session

    def book(self, wish: Booking, key: str | None = None) -> Booking:
        """Book once: the same wish and key get the same booking again."""
        if key and (earlier := self._receipts.get(key)):
            return self._replayed(earlier, wish)
        room = self._rooms.get(wish.room)
        if room is None:
            raise NotFound(f"there is no room {wish.room!r}")
        room.check(wish.people)
        if any(map(wish.clashes_with, self._bookings.of_day(wish.room, wish.day))):
            raise Conflict(f"{wish.room} is taken then")
        booking = self._bookings.add(wish)
        if key:
            self._receipts.add(Receipt(key, booking))
        self._session.commit()
        return booking

    def cancel(self, booking_id: int) -> None:
        booking = self._bookings.get(booking_id)
        if booking is None:
            raise NotFound(f"there is no booking {booking_id}")
        self._bookings.remove(booking)
        self._session.commit()

    @staticmethod
    def _replayed(earlier: Receipt, wish: Booking) -> Booking:
        if replace(earlier.booking, id=0) != wish:
            raise Conflict("this key belongs to another booking")
        return earlier.booking
