from typing import Annotated

from fastapi import Depends, Request

from app.bookings.service import BookingService
from app.bookings.sql import SqlUnitOfWork


def get_service(request: Request) -> BookingService:
    return BookingService(SqlUnitOfWork(request.app.state.sessions))


ServiceDep = Annotated[BookingService, Depends(get_service)]
