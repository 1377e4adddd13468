from dataclasses import replace

from app.bookings.commands import BookRoom, CancelBooking, Done
from app.bookings.domain import Booking, Receipt
from app.bookings.errors import Conflict, Impossible, NotFound
from app.bookings.events import Booked, Cancelled
from app.bookings.policy import Policy
from app.bookings.ports import Clock
from app.bookings.unit_of_work import UnitOfWork


class BookingHandlers:
    """One method a command; each is one transaction."""

    def __init__(self, work: UnitOfWork, policy: Policy, clock: Clock) -> None:
        self._work = work
        self._policy = policy
        self._clock = clock

    def book(self, command: BookRoom) -> Done:
        """Book once: the same wish and key get the same booking again."""
        wish, key = command.wish, command.key
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
            event = work.outbox.add(Booked(booking))
            if key:
                work.receipts.add(Receipt(key, booking, event.number))
            work.commit()
        return Done(booking, event.number)

    def cancel(self, command: CancelBooking) -> Done:
        with self._work as work:
            booking = work.bookings.get(command.booking_id)
            if booking is None:
                raise NotFound(f"there is no booking {command.booking_id}")
            if booking.day <= self._clock.today():
                raise Conflict("a booking can be cancelled until the day before")
            work.rooms.claim(booking.room)  # events of a room keep their order
            work.bookings.remove(booking)
            event = work.outbox.add(Cancelled(booking))
            work.commit()
        return Done(booking, event.number)

    @staticmethod
    def _replayed(earlier: Receipt, wish: Booking) -> Done:
        if replace(earlier.booking, id=0) != wish:
            raise Conflict("this key belongs to another booking")
        return Done(earlier.booking, earlier.event)
