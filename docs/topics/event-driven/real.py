from collections import Counter
from collections.abc import Callable

from app.bookings.events import Event
from app.bookings.unit_of_work import UnitOfWork
from app.bus import Bus
from app.database import Base
from app.relay import Relay
from sqlalchemy import func, select
from sqlalchemy.orm import Mapped, Session, mapped_column, sessionmaker


# --8<-- [start:mailbox]
class HandledRow(Base):
    __tablename__ = "handled"
    consumer: Mapped[str] = mapped_column(primary_key=True)
    number: Mapped[int] = mapped_column(primary_key=True)


class MailRow(Base):
    __tablename__ = "mails"
    id: Mapped[int] = mapped_column(primary_key=True)
    text: Mapped[str]


class Mailbox:
    """Queues one mail for each event: the mail and its mark are one commit."""

    def __init__(self, sessions: sessionmaker[Session]) -> None:
        self._sessions = sessions

    def __call__(self, event: Event) -> None:
        with self._sessions.begin() as session:
            if session.get(HandledRow, ("mailbox", event.number)):
                return
            session.add(HandledRow(consumer="mailbox", number=event.number))
            text = f"{type(event).__name__}: {event.booking.room}"
            session.add(MailRow(text=text))


# --8<-- [end:mailbox]


# --8<-- [start:patient]
class PatientBus(Bus):
    """Gives an event some tries, then parks it and lets the next one pass."""

    def __init__(self, tries: int, park: Callable[[Event], None]) -> None:
        super().__init__()
        self._tries = tries
        self._park = park
        self._failed: Counter[int] = Counter()

    def publish(self, event: Event) -> bool:
        if super().publish(event):
            return True
        self._failed[event.number] += 1
        if self._failed[event.number] < self._tries:
            return False
        self._park(event)
        return True


# --8<-- [end:patient]


# --8<-- [start:sole]
OUTBOX = 42  # any number, the same in every process


class SoleRelay(Relay):
    """Works only while no other process does; needs PostgreSQL."""

    def __init__(
        self,
        sessions: sessionmaker[Session],
        work: UnitOfWork,
        bus: Bus,
        every: float,
    ) -> None:
        super().__init__(work, bus, every)
        self._sessions = sessions

    def run_once(self) -> int:
        with self._sessions.begin() as session:
            mine = session.scalar(select(func.pg_try_advisory_xact_lock(OUTBOX)))
            return super().run_once() if mine else 0


# --8<-- [end:sole]
