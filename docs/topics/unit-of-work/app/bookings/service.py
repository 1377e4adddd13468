from dataclasses import replace
from datetime import date

from app.bookings.domain import Booking, Receipt
from app.bookings.errors import Conflict, NotFound
from app.bookings.unit_of_work import UnitOfWork


class BookingService:
    def __init__(self, work: UnitOfWork) -> None:
        self._work = work

    def book(self, wish: Booking, key: str | None = None) -> Booking:
        """Book once: the same wish and key get the same booking again."""
        with self._work as work:
            room = work.rooms.claim(wish.room)
            if room is None:
                raise NotFound(f"there is no room {wish.room!r}")
            if key and (earlier := work.receipts.get(key)):
                return self._replayed(earlier, wish)
            room.check(wish.people)
            if any(
                map(wish.clashes_with, work.bookings.of_day(wish.room, wish.day))
            ):
                raise Conflict(f"{wish.room} is taken then")
            booking = work.bookings.add(wish)
            if key:
                work.receipts.add(Receipt(key, booking))
            work.commit()
        return booking

    def cancel(self, booking_id: int) -> None:
        with self._work as work:
            booking = work.bookings.get(booking_id)
            if booking is None:
                raise NotFound(f"there is no booking {booking_id}")
            work.bookings.remove(booking)
            work.commit()

    def of_day(self, room: str, day: date) -> list[Booking]:
        with self._work as work:
            return work.bookings.of_day(room, day)

    @staticmethod
    def _replayed(earlier: Receipt, wish: Booking) -> Booking:
        if replace(earlier.booking, id=0) != wish:
            raise Conflict("this key belongs to another booking")
        return earlier.booking
