from datetime import date

from sqlalchemy import ForeignKey
from sqlalchemy.orm import Mapped, mapped_column

from app.database import Base


class BookingRow(Base):
    __tablename__ = "bookings"
    id: Mapped[int] = mapped_column(primary_key=True)
    room: Mapped[str] = mapped_column(ForeignKey("rooms.name"))
    day: Mapped[date]
    start: Mapped[int]
    end: Mapped[int]
    people: Mapped[int]


class ReceiptRow(Base):
    __tablename__ = "receipts"
    key: Mapped[str] = mapped_column(primary_key=True)
    booking_id: Mapped[int]
    room: Mapped[str]
    day: Mapped[date]
    start: Mapped[int]
    end: Mapped[int]
    people: Mapped[int]
