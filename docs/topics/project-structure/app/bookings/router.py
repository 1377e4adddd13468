from datetime import date

from fastapi import APIRouter, HTTPException
from sqlalchemy import select

from app.bookings.models import Booking
from app.bookings.schemas import BookingIn, BookingOut
from app.database import SessionDep
from app.rooms.models import Room

router = APIRouter(prefix="/bookings", tags=["bookings"])


@router.post("", status_code=201)
def book(wish: BookingIn, session: SessionDep) -> BookingOut:
    room = session.get(Room, wish.room)
    if room is None:
        raise HTTPException(404, f"there is no room {wish.room!r}")
    if wish.end <= wish.start:
        raise HTTPException(422, "a booking ends after it starts")
    if wish.people > room.seats:
        raise HTTPException(409, f"{room.name} has {room.seats} seats")
    taken = select(Booking).where(
        Booking.room == room.name,
        Booking.day == wish.day,
        Booking.start < wish.end,
        Booking.end > wish.start,
    )
    if session.scalars(taken).first():
        raise HTTPException(409, f"{room.name} is taken then")
    booking = Booking(**wish.model_dump())
    session.add(booking)
    session.commit()
    return BookingOut.model_validate(booking, from_attributes=True)


@router.get("")
def list_bookings(room: str, day: date, session: SessionDep) -> list[BookingOut]:
    of_day = select(Booking).where(Booking.room == room, Booking.day == day)
    found = session.scalars(of_day.order_by(Booking.start))
    return [BookingOut.model_validate(each, from_attributes=True) for each in found]


@router.delete("/{booking_id}", status_code=204)
def cancel(booking_id: int, session: SessionDep) -> None:
    booking = session.get(Booking, booking_id)
    if booking is None:
        raise HTTPException(404, f"there is no booking {booking_id}")
    session.delete(booking)
    session.commit()
