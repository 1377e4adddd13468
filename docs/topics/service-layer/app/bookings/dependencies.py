from typing import Annotated

from fastapi import Depends

from app.bookings.service import BookingService
from app.bookings.sql import SqlBookings, SqlReceipts, SqlRooms
from app.database import SessionDep


def get_service(session: SessionDep) -> BookingService:
    return BookingService(
        SqlBookings(session), SqlRooms(session), SqlReceipts(session), session
    )


def get_bookings(session: SessionDep) -> SqlBookings:
    return SqlBookings(session)


ServiceDep = Annotated[BookingService, Depends(get_service)]
BookingsDep = Annotated[SqlBookings, Depends(get_bookings)]
