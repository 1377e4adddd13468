from collections.abc import Iterable
from dataclasses import replace

from app.bookings.domain import Booking, Room
from app.bookings.errors import Conflict, NotFound
from app.bookings.service import BookingService
from app.bookings.unit_of_work import UnitOfWork
from app.rooms.models import RoomRow
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session, sessionmaker


# --8<-- [start:twice]
class MovingService(BookingService):
    def move(self, booking_id: int, start: int, end: int) -> Booking:
        with self._work as work:
            booking = work.bookings.get(booking_id)
            if booking is None:
                raise NotFound(f"there is no booking {booking_id}")
            work.bookings.remove(booking)
            moved = self.book(replace(booking, id=0, start=start, end=end))
            work.commit()
        return moved


# --8<-- [end:twice]


# --8<-- [start:step]
def place(work: UnitOfWork, wish: Booking) -> Booking:
    """A step in a unit that the caller has opened and will commit."""
    room = work.rooms.claim(wish.room)
    if room is None:
        raise NotFound(f"there is no room {wish.room!r}")
    room.check(wish.people)
    if any(map(wish.clashes_with, work.bookings.of_day(wish.room, wish.day))):
        raise Conflict(f"{wish.room} is taken then")
    return work.bookings.add(wish)


def move(work: UnitOfWork, booking_id: int, start: int, end: int) -> Booking:
    with work:
        booking = work.bookings.get(booking_id)
        if booking is None:
            raise NotFound(f"there is no booking {booking_id}")
        work.bookings.remove(booking)
        moved = place(work, replace(booking, id=0, start=start, end=end))
        work.commit()
    return moved


# --8<-- [end:step]


# --8<-- [start:caught]
def add_rooms_caught(
    sessions: sessionmaker[Session], rooms: Iterable[Room]
) -> list[str]:
    known = []
    with sessions.begin() as session:
        for room in rooms:
            try:
                session.add(RoomRow(name=room.name, seats=room.seats))
                session.flush()
            except IntegrityError:
                known.append(room.name)
    return known


# --8<-- [end:caught]


# --8<-- [start:savepoint]
def add_rooms(sessions: sessionmaker[Session], rooms: Iterable[Room]) -> list[str]:
    """Add all rooms in one transaction; return the names that were there."""
    known = []
    with sessions.begin() as session:
        for room in rooms:
            try:
                with session.begin_nested():
                    session.add(RoomRow(name=room.name, seats=room.seats))
            except IntegrityError:
                known.append(room.name)
    return known


# --8<-- [end:savepoint]
