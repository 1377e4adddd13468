from datetime import date

from sqlalchemy import select
from sqlalchemy.orm import Session

from app.bookings.models import BookingRow
from app.bookings.schemas import BookingOut


def bookings_of_day(session: Session, room: str, day: date) -> list[BookingOut]:
    found = select(BookingRow).where(BookingRow.room == room, BookingRow.day == day)
    rows = session.scalars(found.order_by(BookingRow.start))
    return [BookingOut.model_validate(row, from_attributes=True) for row in rows]
