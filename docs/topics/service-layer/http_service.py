from app.bookings.domain import Booking
from app.bookings.repository import Rooms
from fastapi import HTTPException


class HttpBookingService:
    def __init__(self, rooms: Rooms) -> None:
        self._rooms = rooms

    def check(self, wish: Booking) -> None:
        if self._rooms.get(wish.room) is None:
            raise HTTPException(404, f"there is no room {wish.room!r}")
