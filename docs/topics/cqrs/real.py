from app.bookings.models import BookingRow, OutboxRow
from app.plan.models import PlanRow, SeenRow
from sqlalchemy import delete, select
from sqlalchemy.orm import Session, sessionmaker


# --8<-- [start:rebuild]
def rebuild(sessions: sessionmaker[Session]) -> int:
    """Make the plan anew from the bookings, in one transaction; return its rows."""
    with sessions.begin() as session:
        session.execute(delete(PlanRow))
        session.execute(delete(SeenRow))
        numbers = session.scalars(select(OutboxRow.number)).all()
        session.add_all(SeenRow(number=number) for number in numbers)
        rows: dict[tuple[str, object], PlanRow] = {}
        for booking in session.scalars(
            select(BookingRow).order_by(BookingRow.start)
        ):
            row = rows.setdefault(
                (booking.room, booking.day),
                PlanRow(room=booking.room, day=booking.day, taken=[]),
            )
            row.taken = [*row.taken, [booking.start, booking.end]]
            row.as_of = max(numbers, default=0)
        session.add_all(rows.values())
        return len(rows)


# --8<-- [end:rebuild]
