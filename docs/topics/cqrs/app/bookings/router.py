from datetime import date
from typing import Annotated

from fastapi import APIRouter, Header, Response

from app.bookings import queries
from app.bookings.commands import BookRoom, CancelBooking
from app.bookings.dependencies import HandlersDep
from app.bookings.domain import Booking
from app.bookings.schemas import BookingIn, BookingOut
from app.database import SessionDep

router = APIRouter(prefix="/bookings", tags=["bookings"])
Key = Annotated[str | None, Header(max_length=64)]


@router.post("", status_code=201)
def book(
    wish: BookingIn,
    handlers: HandlersDep,
    response: Response,
    idempotency_key: Key = None,
) -> BookingOut:
    done = handlers.book(BookRoom(Booking(**wish.model_dump()), idempotency_key))
    response.headers["Event"] = str(done.event)
    return BookingOut.of(done.booking)


@router.get("")
def list_bookings(room: str, day: date, session: SessionDep) -> list[BookingOut]:
    return queries.bookings_of_day(session, room, day)


@router.delete("/{booking_id}", status_code=204)
def cancel(booking_id: int, handlers: HandlersDep, response: Response) -> None:
    done = handlers.cancel(CancelBooking(booking_id))
    response.headers["Event"] = str(done.event)
