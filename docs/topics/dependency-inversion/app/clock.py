from datetime import date, datetime
from zoneinfo import ZoneInfo


class SystemClock:
    def __init__(self, zone: str) -> None:
        self._zone = ZoneInfo(zone)

    def today(self) -> date:
        return datetime.now(self._zone).date()
