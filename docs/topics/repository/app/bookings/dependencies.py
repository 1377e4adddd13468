from typing import Annotated

from fastapi import Depends

from app.bookings.repository import Bookings
from app.bookings.sql import SqlBookings
from app.database import SessionDep


def get_bookings(session: SessionDep) -> Bookings:
    return SqlBookings(session)


BookingsDep = Annotated[Bookings, Depends(get_bookings)]
