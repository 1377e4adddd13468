from dataclasses import dataclass
from datetime import date


@dataclass(frozen=True)
class Booking:
    room: str
    day: date
    start: int
    end: int
    people: int
    id: int = 0  # until it is stored

    def clashes_with(self, other: "Booking") -> bool:
        same_day = (self.room, self.day) == (other.room, other.day)
        return same_day and self.start < other.end and other.start < self.end
