"""A problem is one mistake in the content, told to the person who made it."""

from __future__ import annotations

import os
from collections.abc import Iterable
from dataclasses import dataclass


@dataclass(frozen=True, order=True)
class Problem:
    """One mistake: the file (relative to the project), the line (0: the whole file), what to do."""

    file: str
    line: int
    message: str

    def __str__(self) -> str:
        where = f"{self.file}:{self.line}" if self.line else self.file
        return f"{where}: {self.message}"

    def as_annotation(self) -> str:
        """Return the workflow command that pins this problem to its line in a pull request."""
        return f"::error file={self.file},line={max(self.line, 1)}::{self.message}"


def report(problems: Iterable[Problem]) -> str:
    """Return every problem on a line of its own, sorted, and the count; empty for none."""
    ordered = sorted(set(problems))
    if not ordered:
        return ""
    in_ci = bool(os.environ.get("GITHUB_ACTIONS"))
    lines = [problem.as_annotation() if in_ci else str(problem) for problem in ordered]
    files = len({problem.file for problem in ordered})
    lines.append(f"{_count(len(ordered), 'problem')} in {_count(files, 'file')}")
    return "\n".join(lines)


def _count(number: int, noun: str) -> str:
    return f"{number} {noun}" if number == 1 else f"{number} {noun}s"
