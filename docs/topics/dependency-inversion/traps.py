from datetime import date
from typing import Annotated

from app.bookings.dependencies import get_clock, get_work
from app.bookings.domain import Booking
from app.bookings.ports import Clock, Notifier
from app.bookings.unit_of_work import UnitOfWork
from app.clock import SystemClock
from fastapi import Depends, FastAPI

app = FastAPI()
app.state.clock = SystemClock("UTC")


WorkDep = Annotated[UnitOfWork, Depends(get_work)]


# --8<-- [start:protocol]
@app.get("/trap")
def trap(clock: Annotated[Clock, Depends()]) -> date:
    return clock.today()


# --8<-- [end:protocol]
@app.get("/fix")
def fix(clock: Annotated[Clock, Depends(get_clock)]) -> date:
    return clock.today()


def remind(notifier: Notifier, booking: Booking) -> None:
    notifier.notify(booking)  # type: ignore[attr-defined]


class MailNotifier:
    def booked(self, booking: Booking) -> None:
        raise ConnectionRefusedError("the mail server is down")

    def cancelled(self, booking: Booking) -> None:
        self.booked(booking)
