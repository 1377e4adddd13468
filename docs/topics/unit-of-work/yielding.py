from collections.abc import Iterator
from typing import Annotated

from app.bookings.domain import Booking
from app.bookings.schemas import BookingIn, BookingOut
from app.bookings.sql import SqlUnitOfWork
from app.bookings.unit_of_work import UnitOfWork
from fastapi import APIRouter, Depends, Request


# --8<-- [start:work]
def get_work(request: Request) -> Iterator[UnitOfWork]:
    with SqlUnitOfWork(request.app.state.sessions) as work:
        yield work
        work.commit()


Late = Annotated[UnitOfWork, Depends(get_work)]
InTime = Annotated[UnitOfWork, Depends(get_work, scope="function")]
# --8<-- [end:work]

router = APIRouter()


@router.post("/late", status_code=201)
def late(wish: BookingIn, work: Late) -> BookingOut:
    return BookingOut.of(work.bookings.add(Booking(**wish.model_dump())))


@router.post("/in-time", status_code=201)
def in_time(wish: BookingIn, work: InTime) -> BookingOut:
    return BookingOut.of(work.bookings.add(Booking(**wish.model_dump())))
