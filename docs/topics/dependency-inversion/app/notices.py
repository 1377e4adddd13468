import logging

from app.bookings.domain import Booking

log = logging.getLogger("rooms.notices")


class LogNotifier:
    def booked(self, booking: Booking) -> None:
        log.info("booked: %s on %s", booking.room, booking.day)

    def cancelled(self, booking: Booking) -> None:
        log.info("cancelled: %s on %s", booking.room, booking.day)
