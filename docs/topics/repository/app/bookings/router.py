from datetime import date

from fastapi import APIRouter, HTTPException

from app.bookings.dependencies import BookingsDep
from app.bookings.domain import Booking
from app.bookings.schemas import BookingIn, BookingOut
from app.database import SessionDep
from app.rooms.models import Room

router = APIRouter(prefix="/bookings", tags=["bookings"])


@router.post("", status_code=201)
def book(wish: BookingIn, bookings: BookingsDep, session: SessionDep) -> BookingOut:
    room = session.get(Room, wish.room)
    if room is None:
        raise HTTPException(404, f"there is no room {wish.room!r}")
    if wish.end <= wish.start:
        raise HTTPException(422, "a booking ends after it starts")
    if wish.people > room.seats:
        raise HTTPException(409, f"{room.name} has {room.seats} seats")
    booking = Booking(**wish.model_dump())
    if any(map(booking.clashes_with, bookings.of_day(booking.room, booking.day))):
        raise HTTPException(409, f"{room.name} is taken then")
    booking = bookings.add(booking)
    session.commit()
    return BookingOut.of(booking)


@router.get("")
def list_bookings(room: str, day: date, bookings: BookingsDep) -> list[BookingOut]:
    return [BookingOut.of(booking) for booking in bookings.of_day(room, day)]


@router.delete("/{booking_id}", status_code=204)
def cancel(booking_id: int, bookings: BookingsDep, session: SessionDep) -> None:
    booking = bookings.get(booking_id)
    if booking is None:
        raise HTTPException(404, f"there is no booking {booking_id}")
    bookings.remove(booking)
    session.commit()
