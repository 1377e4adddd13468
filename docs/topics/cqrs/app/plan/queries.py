from datetime import date

from pydantic import BaseModel
from sqlalchemy import and_, select
from sqlalchemy.orm import Session

from app.plan.models import PlanRow, SeenRow
from app.rooms.models import RoomRow


class DayPlan(BaseModel):
    room: str
    seats: int
    taken: list[tuple[int, int]]
    as_of: int


def plan_of_day(session: Session, day: date, people: int) -> list[DayPlan]:
    of_day = and_(PlanRow.room == RoomRow.name, PlanRow.day == day)
    rows = session.execute(
        select(RoomRow.name, RoomRow.seats, PlanRow.taken, PlanRow.as_of)
        .outerjoin(PlanRow, of_day)
        .where(RoomRow.seats >= people)
        .order_by(RoomRow.seats, RoomRow.name)
    )
    return [
        DayPlan(room=room, seats=seats, taken=taken or [], as_of=as_of or 0)
        for room, seats, taken, as_of in rows
    ]


def contains(session: Session, event: int) -> bool:
    """Tell whether the event with this number is in the plan."""
    return session.get(SeenRow, event) is not None
