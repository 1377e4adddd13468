from dataclasses import replace
from datetime import date

from app.bookings.domain import Booking, Receipt
from app.bookings.errors import Conflict, Impossible, NotFound
from app.bookings.policy import Policy
from app.bookings.ports import Clock, Notifier
from app.bookings.unit_of_work import UnitOfWork


class BookingService:
    def __init__(
        self, work: UnitOfWork, policy: Policy, clock: Clock, notifier: Notifier
    ) -> None:
        self._work = work
        self._policy = policy
        self._clock = clock
        self._notifier = notifier

    def book(self, wish: Booking, key: str | None = None) -> Booking:
        """Book once: the same wish and key get the same booking again."""
        self._policy.check(wish)
        if wish.day < self._clock.today():
            raise Impossible(f"{wish.day} is over")
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
        self._notifier.booked(booking)
        return booking

    def cancel(self, booking_id: int) -> None:
        with self._work as work:
            booking = work.bookings.get(booking_id)
            if booking is None:
                raise NotFound(f"there is no booking {booking_id}")
            if booking.day <= self._clock.today():
                raise Conflict("a booking can be cancelled until the day before")
            work.bookings.remove(booking)
            work.commit()
        self._notifier.cancelled(booking)

    def of_day(self, room: str, day: date) -> list[Booking]:
        with self._work as work:
            return work.bookings.of_day(room, day)

    @staticmethod
    def _replayed(earlier: Receipt, wish: Booking) -> Booking:
        if replace(earlier.booking, id=0) != wish:
            raise Conflict("this key belongs to another booking")
        return earlier.booking
