from datetime import date

from app.bookings.events import Booked, Event
from app.bookings.models import BookingRow
from app.bookings.sql import SqlBookings
from app.database import Base
from app.plan.models import PlanRow
from app.plan.projector import Projector
from app.plan.queries import DayPlan
from app.rooms.models import RoomRow
from sqlalchemy import select
from sqlalchemy.orm import Mapped, Session, mapped_column


class CountsEveryDelivery(Projector):
    """Each delivery is taken for news."""

    def __call__(self, event: Event) -> None:
        booking = event.booking
        key = booking.room, booking.day
        with self._sessions.begin() as session:
            row = session.get(PlanRow, key)
            if row is None:
                row = PlanRow(room=key[0], day=key[1], taken=[], as_of=0)
                session.add(row)
            hours = [booking.start, booking.end]
            if isinstance(event, Booked):
                row.taken = [*row.taken, hours]
            else:
                row.taken = [each for each in row.taken if each != hours]


# --8<-- [start:position]
class PositionRow(Base):
    __tablename__ = "positions"
    reader: Mapped[str] = mapped_column(primary_key=True)
    number: Mapped[int]


class RemembersThePosition(Projector):
    """What has a smaller number than the last one is taken for old."""

    def __call__(self, event: Event) -> None:
        with self._sessions.begin() as session:
            position = session.get(PositionRow, "plan")
            if position is None:
                position = PositionRow(reader="plan", number=0)
                session.add(position)
            if event.number > position.number:
                position.number = event.number
                self._apply(session, event)


# --8<-- [end:position]


# --8<-- [start:loop]
def plan_by_objects(session: Session, day: date) -> list[DayPlan]:
    bookings = SqlBookings(session)
    return [
        DayPlan(
            room=room.name,
            seats=room.seats,
            taken=[(b.start, b.end) for b in bookings.of_day(room.name, day)],
            as_of=0,
        )
        for room in session.scalars(select(RoomRow).order_by(RoomRow.name))
    ]


# --8<-- [end:loop]


# --8<-- [start:join]
def plan_by_join(session: Session, day: date) -> list[DayPlan]:
    rows = session.execute(
        select(RoomRow.name, RoomRow.seats, BookingRow.start, BookingRow.end)
        .outerjoin(
            BookingRow,
            (BookingRow.room == RoomRow.name) & (BookingRow.day == day),
        )
        .order_by(RoomRow.name, BookingRow.start)
    )
    plans: dict[str, DayPlan] = {}
    for name, seats, start, end in rows:
        plan = plans.setdefault(
            name, DayPlan(room=name, seats=seats, taken=[], as_of=0)
        )
        if start is not None:
            plan.taken.append((start, end))
    return list(plans.values())


# --8<-- [end:join]
