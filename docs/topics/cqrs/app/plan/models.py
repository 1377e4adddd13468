from datetime import date
from typing import Any

from sqlalchemy import JSON
from sqlalchemy.orm import Mapped, mapped_column

from app.database import Base


class PlanRow(Base):
    """What a room's day looks like, kept ready to be read."""

    __tablename__ = "plan"
    room: Mapped[str] = mapped_column(primary_key=True)
    day: Mapped[date] = mapped_column(primary_key=True)
    taken: Mapped[list[Any]] = mapped_column(JSON)
    as_of: Mapped[int]


class SeenRow(Base):
    """The number of an event that is in the plan."""

    __tablename__ = "plan_seen"
    number: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
