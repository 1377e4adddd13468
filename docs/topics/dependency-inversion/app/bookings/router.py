from datetime import date
from typing import Annotated

from fastapi import APIRouter, Header

from app.bookings.dependencies import ServiceDep
from app.bookings.domain import Booking
from app.bookings.schemas import BookingIn, BookingOut

router = APIRouter(prefix="/bookings", tags=["bookings"])
Key = Annotated[str | None, Header(max_length=64)]


@router.post("", status_code=201)
def book(
    wish: BookingIn, service: ServiceDep, idempotency_key: Key = None
) -> BookingOut:
    booking = service.book(Booking(**wish.model_dump()), idempotency_key)
    return BookingOut.of(booking)


@router.get("")
def list_bookings(room: str, day: date, service: ServiceDep) -> list[BookingOut]:
    return [BookingOut.of(booking) for booking in service.of_day(room, day)]


@router.delete("/{booking_id}", status_code=204)
def cancel(booking_id: int, service: ServiceDep) -> None:
    service.cancel(booking_id)
