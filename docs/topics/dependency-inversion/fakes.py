from datetime import date

from app.bookings.domain import Booking


class FixedClock:
    def __init__(self, day: date) -> None:
        self.day = day

    def today(self) -> date:
        return self.day


class RecordingNotifier:
    def __init__(self) -> None:
        self.sent: list[tuple[str, Booking]] = []

    def booked(self, booking: Booking) -> None:
        self.sent.append(("booked", booking))

    def cancelled(self, booking: Booking) -> None:
        self.sent.append(("cancelled", booking))
