from dataclasses import asdict
from datetime import date
from types import TracebackType
from typing import Self

from sqlalchemy import select
from sqlalchemy.orm import Session, sessionmaker

from app.bookings.domain import Booking, Receipt, Room
from app.bookings.models import BookingRow, ReceiptRow
from app.bookings.repository import Bookings, Receipts, Rooms
from app.rooms.models import RoomRow


class SqlBookings:
    def __init__(self, session: Session) -> None:
        self._session = session

    def add(self, booking: Booking) -> Booking:
        row = BookingRow(**{**asdict(booking), "id": None})
        self._session.add(row)
        self._session.flush()
        return _booking(row)

    def get(self, booking_id: int) -> Booking | None:
        row = self._session.get(BookingRow, booking_id, with_for_update=True)
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


class SqlRooms:
    def __init__(self, session: Session) -> None:
        self._session = session

    def claim(self, name: str) -> Room | None:
        row = self._session.get(RoomRow, name, with_for_update=True)
        return Room(row.name, row.seats) if row else None


class SqlReceipts:
    def __init__(self, session: Session) -> None:
        self._session = session

    def add(self, receipt: Receipt) -> None:
        booking = asdict(receipt.booking)
        number = booking.pop("id")
        row = ReceiptRow(key=receipt.key, booking_id=number, **booking)
        self._session.add(row)

    def get(self, key: str) -> Receipt | None:
        row = self._session.get(ReceiptRow, key)
        if row is None:
            return None
        booked = Booking(
            row.room, row.day, row.start, row.end, row.people, row.booking_id
        )
        return Receipt(key, booked)


class SqlUnitOfWork:
    bookings: Bookings
    rooms: Rooms
    receipts: Receipts

    def __init__(self, sessions: sessionmaker[Session]) -> None:
        self._sessions = sessions

    def __enter__(self) -> Self:
        self._session = self._sessions()
        self.bookings = SqlBookings(self._session)
        self.rooms = SqlRooms(self._session)
        self.receipts = SqlReceipts(self._session)
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._session.close()

    def commit(self) -> None:
        self._session.commit()


def _booking(row: BookingRow) -> Booking:
    return Booking(row.room, row.day, row.start, row.end, row.people, row.id)
