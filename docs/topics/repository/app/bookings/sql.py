from dataclasses import asdict
from datetime import date

from sqlalchemy import select
from sqlalchemy.orm import Session

from app.bookings.domain import Booking
from app.bookings.models import BookingRow


class SqlBookings:
    def __init__(self, session: Session) -> None:
        self._session = session

    def add(self, booking: Booking) -> Booking:
        row = BookingRow(**{**asdict(booking), "id": None})
        self._session.add(row)
        self._session.flush()
        return _booking(row)

    def get(self, booking_id: int) -> Booking | None:
        row = self._session.get(BookingRow, booking_id)
        return _booking(row) if row else None

    def remove(self, booking: Booking) -> None:
        self._session.delete(self._session.get_one(BookingRow, booking.id))
        self._session.flush()

    def of_day(self, room: str, day: date) -> list[Booking]:
        found = select(BookingRow).where(
            BookingRow.room == room, BookingRow.day == day
        )
        rows = self._session.scalars(found.order_by(BookingRow.start))
        return [_booking(row) for row in rows]


def _booking(row: BookingRow) -> Booking:
    return Booking(row.room, row.day, row.start, row.end, row.people, row.id)
