"""What a pytest process tells the one that started it: each bundle's tests and how they ended."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path

_WORST_LAST = ("passed", "skipped", "xfailed", "failed")


@dataclass(frozen=True)
class Failure:
    """One failed test, or what else went wrong with a bundle: where and the first line of why."""

    test: str
    file: str
    line: int
    message: str


@dataclass
class Outcome:
    """How the tests of one bundle ended."""

    tests: dict[str, str] = field(default_factory=dict)
    failures: list[Failure] = field(default_factory=list)
    seconds: float = 0.0

    def add(self, test: str, outcome: str) -> None:
        """Note a test's outcome; of several under one name, the worst counts."""
        known = self.tests.get(test, "passed")
        self.tests[test] = max(known, outcome, key=_WORST_LAST.index)

    def count(self, outcome: str) -> int:
        """Return how many tests ended in this way."""
        return sum(each == outcome for each in self.tests.values())

    def summary(self) -> str:
        """Return the counts and the seconds, as one line of progress shows them."""
        counts = [(self.count(each), each) for each in ("passed", "failed", "skipped", "xfailed")]
        told = ", ".join(f"{number} {what}" for number, what in counts if number)
        broken = len(self.failures) - self.count("failed")
        if broken > 0 and not self.count("failed"):
            told = ", ".join(filter(None, [told, "broken"]))
        return f"{told or 'no tests'}  {self.seconds:.1f} s"


def write(path: Path, outcomes: Mapping[str, Outcome]) -> None:
    """Write the outcomes of bundles by their id."""
    path.write_text(json.dumps({key: asdict(value) for key, value in outcomes.items()}), "utf-8")


def read(path: Path) -> dict[str, Outcome]:
    """Return what `write` wrote; nothing if the process ended before."""
    if not path.is_file():
        return {}
    data = json.loads(path.read_text(encoding="utf-8"))
    return {
        key: Outcome(
            tests=value["tests"],
            failures=[Failure(**each) for each in value["failures"]],
            seconds=value["seconds"],
        )
        for key, value in data.items()
    }


def total(outcomes: Iterable[Outcome]) -> str:
    """Return 'N passed, N failed' for all bundles."""
    known = list(outcomes)
    passed = sum(each.count("passed") for each in known)
    failed = sum(max(each.count("failed"), len(each.failures)) for each in known)
    return f"{passed} passed, {failed} failed"
