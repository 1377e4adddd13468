from dataclasses import replace
from datetime import date
from typing import Any, Generic, TypeVar

from app.bookings.domain import Booking
from app.bookings.repository import Bookings
from sqlalchemy import select
from sqlalchemy.orm import DeclarativeBase, Session

Row = TypeVar("Row", bound=DeclarativeBase)


# --8<-- [start:crud]
class Crud(Generic[Row]):
    def __init__(self, session: Session, model: type[Row]) -> None:
        self._session = session
        self._model = model

    def create(self, **values: Any) -> Row:
        row = self._model(**values)
        self._session.add(row)
        self._session.commit()
        return row

    def update(self, key: int, **values: Any) -> Row:
        row = self._session.get_one(self._model, key)
        for name, value in values.items():
            setattr(row, name, value)
        self._session.commit()
        return row

    def all(self) -> list[Row]:
        return list(self._session.scalars(select(self._model)))


# --8<-- [end:crud]


# --8<-- [start:move]
class Taken(Exception):
    pass


def move(bookings: Bookings, booking: Booking, start: int, end: int) -> Booking:
    moved = replace(booking, start=start, end=end)
    others = [b for b in bookings.of_day(booking.room, booking.day) if b != booking]
    if any(map(moved.clashes_with, others)):
        raise Taken(f"{booking.room} is taken then")
    bookings.remove(booking)
    return bookings.add(moved)


# --8<-- [end:move]


# --8<-- [start:functions]
def hours_taken(bookings: Bookings, room: str, day: date) -> int:
    return sum(b.end - b.start for b in bookings.of_day(room, day))


# --8<-- [end:functions]
