import os
import signal
import sys
from datetime import date

from app import database
from app.bookings.domain import Booking
from app.bookings.events import Booked, Event
from app.bookings.policy import Policy
from app.bookings.service import BookingService
from app.bookings.sql import SqlUnitOfWork
from app.bus import Bus, Handler
from app.clock import SystemClock
from app.settings import get_settings
from hasty import HastyService
from real import Mailbox, MailRow, SoleRelay
from sqlalchemy.orm import Session, sessionmaker

WISH = Booking("attic", date(2099, 3, 2), 9, 11, 6)


# --8<-- [start:deaths]
class DiesAfterCommit(SqlUnitOfWork):
    def commit(self) -> None:
        super().commit()
        os.kill(os.getpid(), signal.SIGKILL)
        # --8<-- [end:deaths]


class DiesBeforeCommit(SqlUnitOfWork):
    def commit(self) -> None:
        os.kill(os.getpid(), signal.SIGKILL)


class ForgetfulMailbox:
    """Remembers in memory which events it handled."""

    def __init__(self, sessions: sessionmaker[Session]) -> None:
        self._sessions = sessions
        self._seen: set[int] = set()

    def __call__(self, event: Event) -> None:
        if event.number in self._seen:
            return
        with self._sessions.begin() as session:
            session.add(MailRow(text=event.booking.room))
        self._seen.add(event.number)


def relay(
    sessions: sessionmaker[Session], work: SqlUnitOfWork, mailbox: Handler
) -> None:
    bus = Bus()
    bus.on(Booked, mailbox)
    SoleRelay(sessions, work, bus, every=1).run_once()


def act(name: str, sessions: sessionmaker[Session]) -> None:
    mailbox, forgetful = Mailbox(sessions), ForgetfulMailbox(sessions)
    clock = SystemClock("UTC")
    match name:
        case "book-hasty":
            HastyService(DiesAfterCommit(sessions), mailbox).book(WISH)
        case "book-outbox":
            work = DiesAfterCommit(sessions)
            BookingService(work, Policy(), clock).book(WISH)
        case "relay":
            relay(sessions, SqlUnitOfWork(sessions), mailbox)
        case "relay-dies":
            relay(sessions, DiesBeforeCommit(sessions), mailbox)
        case "forgetful":
            relay(sessions, SqlUnitOfWork(sessions), forgetful)
        case "forgetful-dies":
            relay(sessions, DiesBeforeCommit(sessions), forgetful)


if __name__ == "__main__":
    url = get_settings().database_url.get_secret_value()
    with database.opened(url) as sessions:
        act(sys.argv[1], sessions)
