"""Shows long work: a bar a step where somebody watches, a line a step where nobody does."""

from __future__ import annotations

import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from types import TracebackType

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TaskID, TextColumn

COLUMN = 24


class Step:
    """One step: say how much there is to do, and what was done."""

    def __init__(self, progress: Progress, task: TaskID) -> None:
        self._progress = progress
        self._task = task

    def of(self, total: int) -> None:
        """Say how many parts the step has."""
        self._progress.update(self._task, total=total)

    def advance(self, parts: int = 1) -> None:
        """Say that so many more parts are done."""
        self._progress.advance(self._task, parts)


class Steps:
    """The steps of one run, a context manager around them all."""

    def __init__(self, console: Console | None = None) -> None:
        self._console = console or Console(file=sys.stdout)
        self._progress = Progress(
            TextColumn("  {task.description}"),
            BarColumn(),
            MofNCompleteColumn(),
            console=self._console,
            transient=True,
            disable=not self._console.is_terminal,
        )

    def __enter__(self) -> Steps:
        self._progress.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._progress.stop()

    @contextmanager
    def step(self, name: str) -> Iterator[Step]:
        """Run one step; its line stays, with the seconds it took."""
        task = self._progress.add_task(f"{name:<{COLUMN}}", total=None)
        began = time.monotonic()
        try:
            yield Step(self._progress, task)
        finally:
            self._progress.remove_task(task)
        seconds = time.monotonic() - began
        self._console.print(f"  {name:<{COLUMN}}{seconds:6.1f} s", highlight=False, soft_wrap=True)
        self._console.file.flush()
