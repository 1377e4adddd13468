import csv
from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from datetime import date

from app.bookings.domain import Booking
from app.bookings.errors import BookingError, Conflict, NotFound
from app.bookings.repository import Bookings
from app.bookings.service import BookingService
from sqlalchemy.orm import Session


# --8<-- [start:script]
@dataclass
class Report:
    booked: list[Booking] = field(default_factory=list)
    refused: dict[int, str] = field(default_factory=dict)


def book_from_csv(
    name: str, lines: Iterable[str], service: BookingService
) -> Report:
    report = Report()
    for number, row in enumerate(csv.DictReader(lines), start=2):
        try:
            wish = Booking(
                row["room"],
                date.fromisoformat(row["day"]),
                int(row["start"]),
                int(row["end"]),
                int(row["people"]),
            )
            report.booked.append(service.book(wish, key=f"{name}:{number}"))
        except BookingError as error:
            report.refused[number] = str(error)
    return report


# --8<-- [end:script]


# --8<-- [start:move]
class MoveBooking:
    """A use case of its own: both steps or none."""

    def __init__(self, bookings: Bookings, session: Session) -> None:
        self._bookings = bookings
        self._session = session

    def __call__(self, booking_id: int, start: int, end: int) -> Booking:
        booking = self._bookings.get(booking_id)
        if booking is None:
            raise NotFound(f"there is no booking {booking_id}")
        moved = replace(booking, id=0, start=start, end=end)
        self._bookings.remove(booking)
        if any(
            map(moved.clashes_with, self._bookings.of_day(moved.room, moved.day))
        ):
            self._session.rollback()
            raise Conflict(f"{moved.room} is taken then")
        stored = self._bookings.add(moved)
        self._session.commit()
        return stored


# --8<-- [end:move]
