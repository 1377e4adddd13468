from collections import deque


# --8<-- [start:fixed]
class FixedWindow:
    def __init__(self, limit: int, window: float) -> None:
        self.limit, self.window = limit, window
        self.count, self.ends = 0, 0.0

    def allow(self, now: float) -> bool:
        if now >= self.ends:
            self.count, self.ends = 0, now + self.window
        self.count += 1
        return self.count <= self.limit
        # --8<-- [end:fixed]


# --8<-- [start:log]
class SlidingLog:
    def __init__(self, limit: int, window: float) -> None:
        self.limit, self.window = limit, window
        self.times: deque[float] = deque()

    def allow(self, now: float) -> bool:
        while self.times and self.times[0] <= now - self.window:
            self.times.popleft()
        if len(self.times) >= self.limit:
            return False
        self.times.append(now)
        return True
        # --8<-- [end:log]


# --8<-- [start:counter]
class SlidingCounter:
    def __init__(self, limit: int, window: float) -> None:
        self.limit, self.window = limit, window
        self.number, self.before, self.count = 0, 0, 0

    def allow(self, now: float) -> bool:
        number, passed = divmod(now, self.window)
        if number != self.number:
            self.before = self.count if number == self.number + 1 else 0
            self.number, self.count = number, 0
        still_counts = self.before * (1 - passed / self.window)
        if still_counts + self.count + 1 > self.limit:
            return False
        self.count += 1
        return True
        # --8<-- [end:counter]
