"""Load on a server in simulated time: milliseconds that nobody has to wait for."""

from collections import Counter
from collections.abc import Sequence
from math import ceil


class Server:
    """Answers one request after the other, and nothing while it stalls."""

    def __init__(self, takes: int = 10, stall: range = range(2000, 3000)) -> None:
        self.takes, self.stall, self.free = takes, stall, 0

    def answer(self, arrival: int) -> int:
        start = max(arrival, self.free)
        if start in self.stall:
            start = self.stall.stop
        self.free = start + self.takes
        return self.free


# --8<-- [start:clients]
Answers = list[tuple[int, int]]  # when the stopwatch started, what it showed
PLAN = range(0, 10_000, 20)  # fifty requests a second for ten seconds


def open_load(server: Server) -> Answers:
    return [(planned, server.answer(planned) - planned) for planned in PLAN]


def late_stopwatch(server: Server) -> Answers:
    """One connection, behind its plan after a stall: coordinated omission."""
    answers, free = [], 0
    for planned in PLAN:
        sent = max(planned, free)
        free = server.answer(sent)
        answers.append((sent, free - sent))
    return answers


def closed_load(server: Server) -> Answers:
    answers, sent = [], 0
    while sent < PLAN.stop:
        done = server.answer(sent)
        answers.append((sent, done - sent))
        sent = max(done, sent + PLAN.step)
    return answers
    # --8<-- [end:clients]


def percentile(share: float, values: Sequence[int]) -> int:
    """The value that this share of all values does not exceed (nearest rank)."""
    return sorted(values)[ceil(share / 100 * len(values)) - 1]


LIMITS = (25, 50, 100, 250, 500, 1000)


def histogram(values: Sequence[int]) -> Counter[int]:
    return Counter(next(top for top in LIMITS if ms <= top) for ms in values)


def percentile_of(share: float, counts: Counter[int]) -> int:
    """The upper limit of the bucket in which the percentile lies."""
    return percentile(share, list(counts.elements()))


def pings_beside(held: int, every: int = 250) -> list[int]:
    """Health checks of 1 ms on a loop that some other route holds now and then."""
    waits, free = [], 0
    for now in range(10_000):
        if held and now % every == 0:
            free = max(free, now) + held
        if now % 10 == 5:
            free = max(free, now) + 1
            waits.append(free - now)
    return waits
