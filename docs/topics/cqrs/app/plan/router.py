from datetime import date
from typing import Annotated

from fastapi import APIRouter, HTTPException, Query

from app.database import SessionDep
from app.plan import queries

router = APIRouter(prefix="/plan", tags=["plan"])
People = Annotated[int, Query(ge=1)]


@router.get("")
def plan(
    day: date, session: SessionDep, people: People = 1, after: int | None = None
) -> list[queries.DayPlan]:
    """Show the day; `after` is the Event of a change that must be in it."""
    if after is not None and not queries.contains(session, after):
        raise HTTPException(503, "the plan is not that far", {"Retry-After": "1"})
    return queries.plan_of_day(session, day, people)
