from abc import ABC, abstractmethod
from datetime import UTC, date, datetime
from typing import Protocol, runtime_checkable

from app.bookings.ports import Clock


# --8<-- [start:abc]
class AbstractClock(ABC):
    @abstractmethod
    def today(self) -> date: ...


# --8<-- [end:abc]
@runtime_checkable
class CheckableClock(Protocol):
    def today(self) -> date: ...


# --8<-- [start:mistakes]
class Misspelled:
    def toady(self) -> date:
        return date(2099, 3, 1)


class Text:
    def today(self) -> str:
        return "2099-03-01"


class InheritsProtocol(Clock):
    def toady(self) -> date:
        return date(2099, 3, 1)


class InheritsAbc(AbstractClock):
    def toady(self) -> date:
        return date(2099, 3, 1)


class Moment:
    def today(self) -> datetime:
        return datetime(2099, 3, 1, 12, tzinfo=UTC)


# --8<-- [end:mistakes]
# --8<-- [start:promises]
def promises() -> list[Clock]:
    return [
        Misspelled(),
        Text(),
        InheritsProtocol(),
        InheritsAbc(),
        Moment(),
    ]


# --8<-- [end:promises]
