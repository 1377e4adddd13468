from sqlalchemy.orm import Session, sessionmaker

from app.bookings.events import Booked, Event
from app.plan.models import PlanRow, SeenRow


class Projector:
    """Keeps the plan in step; an event that comes twice counts once."""

    def __init__(self, sessions: sessionmaker[Session]) -> None:
        self._sessions = sessions

    def __call__(self, event: Event) -> None:
        with self._sessions.begin() as session:
            if session.get(SeenRow, event.number) is None:
                session.add(SeenRow(number=event.number))
                self._apply(session, event)

    @staticmethod
    def _apply(session: Session, event: Event) -> None:
        booking = event.booking
        row = session.get(PlanRow, (booking.room, booking.day))
        if row is None:
            row = PlanRow(room=booking.room, day=booking.day, taken=[], as_of=0)
            session.add(row)
        hours = [booking.start, booking.end]
        taken = [each for each in row.taken if each != hours]
        if isinstance(event, Booked):
            taken.append(hours)
        row.taken = sorted(taken)
        row.as_of = max(row.as_of, event.number)
