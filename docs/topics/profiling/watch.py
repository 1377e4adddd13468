import asyncio
import logging
import sys
import threading
import time
import traceback
from collections.abc import Callable
from pathlib import Path

# --8<-- [start:watch]
Stack = list[traceback.FrameSummary]
IDLE = {"selectors.py", "runners.py"}  # where asyncio and uvloop wait


class LoopWatch:
    """Reports what holds the event loop longer than `limit` seconds."""

    def __init__(self, report: Callable[[Stack], None], limit: float = 0.1) -> None:
        self.report, self.limit, self.worst_lag = report, limit, 0.0
        self.last, self.ended = time.monotonic(), threading.Event()

    async def run(self) -> None:
        loop_thread = threading.get_ident()
        threading.Thread(target=self.look, args=[loop_thread], daemon=True).start()
        try:
            while True:
                self.last = time.monotonic()
                await asyncio.sleep(self.limit / 2)
                lag = time.monotonic() - self.last - self.limit / 2
                self.worst_lag = max(self.worst_lag, lag)
        finally:
            self.ended.set()

    def look(self, loop_thread: int) -> None:
        reported = 0.0
        while not self.ended.wait(self.limit / 2):
            last = self.last
            if last == reported or time.monotonic() - last < self.limit:
                continue
            stack = traceback.extract_stack(sys._current_frames()[loop_thread])
            if Path(stack[-1].filename).name not in IDLE:
                self.report(stack)
                reported = last
                # --8<-- [end:watch]


# --8<-- [start:report]
OWN = str(Path(__file__).parent)


def own_lines(stack: Stack) -> list[str]:
    own = [step for step in stack if step.filename.startswith(OWN)]
    return [f"{Path(step.filename).name}, {step.name}: {step.line}" for step in own]


def warn(stack: Stack) -> None:
    lines = " > ".join(own_lines(stack)[-3:])
    logging.getLogger("slow").warning("event loop held by %s", lines)
    # --8<-- [end:report]
