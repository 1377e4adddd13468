"""Within a run of proofs: one line a bundle, and a report of every outcome at the end."""

from __future__ import annotations

from collections.abc import Generator
from pathlib import Path
from typing import Any

import pytest

from macros.proofs import outcomes
from macros.proofs.bundle_run import RUNS
from macros.proofs.isolation import bundle_of
from macros.proofs.outcomes import Failure, Outcome

COLUMN = 28


class Progress:
    """A pytest plugin that replaces the dots by lines such as `sse  9 passed  0.4 s`."""

    def __init__(self, config: pytest.Config) -> None:
        self._config = config
        self._into: Path = config.option.proof_report
        self._outcomes: dict[str, Outcome] = {}
        self._told: set[str] = set()

    def pytest_report_teststatus(self, report: Any) -> tuple[str, str, str] | None:
        """Print nothing for a single test."""
        if isinstance(report, pytest.TestReport):
            return ("" if report.when != "call" and report.passed else report.outcome), "", ""
        return None

    def pytest_collectreport(self, report: pytest.CollectReport) -> None:
        """Note a test module that cannot be imported."""
        folder = bundle_of(self._config.rootpath / report.nodeid.split("::")[0])
        if report.failed and folder is not None:
            self._of(folder).failures.append(_failure(report, folder, "the tests cannot start"))
            self._tell(folder)

    @pytest.hookimpl(wrapper=True, tryfirst=True)
    def pytest_runtest_protocol(
        self, item: pytest.Item, nextitem: pytest.Item | None
    ) -> Generator[None, Any, Any]:
        """Tell how a bundle went after its last test."""
        result = yield
        folder = bundle_of(item.path)
        if folder is not None and (nextitem is None or bundle_of(nextitem.path) != folder):
            self._tell(folder)
        return result

    @pytest.hookimpl(wrapper=True, tryfirst=True)
    def pytest_runtest_makereport(
        self, item: pytest.Item, call: pytest.CallInfo[None]
    ) -> Generator[None, pytest.TestReport, pytest.TestReport]:
        """Note how a test ended."""
        report = yield
        folder = bundle_of(item.path)
        if folder is None:
            return report
        outcome = self._of(folder)
        outcome.seconds += call.duration
        if report.when == "call" or not report.passed:
            name = getattr(item, "originalname", None) or item.name
            ended = "xfailed" if hasattr(report, "wasxfail") else report.outcome
            outcome.add(name, ended)
            if report.failed:
                outcome.failures.append(_failure(report, folder, name, item.location[1] or 0))
        return report

    def pytest_sessionfinish(self) -> None:
        """Write the report."""
        for folder, run in self._config.stash[RUNS].items():
            for path in run.stale:
                message = "no test records it any more. Delete it, or run `make fix`."
                failure = Failure("", path.relative_to(folder).as_posix(), 0, message)
                self._of(folder).failures.append(failure)
        outcomes.write(self._into, self._outcomes)

    def _of(self, folder: Path) -> Outcome:
        return self._outcomes.setdefault(folder.name, Outcome())

    def _tell(self, folder: Path) -> None:
        if folder.name in self._told:
            return
        self._told.add(folder.name)
        outcome = self._of(folder)
        reporter: Any = self._config.pluginmanager.get_plugin("terminalreporter")
        if reporter is not None:
            color = {"red": True} if outcome.failures else {"green": True}
            reporter.write_line(f"{folder.name:<{COLUMN}}  {outcome.summary()}", **color)


def _failure(
    report: pytest.CollectReport | pytest.TestReport, folder: Path, test: str, line: int = 0
) -> Failure:
    """Return where in the bundle a test failed and the first line of why."""
    file = Path(report.nodeid.split("::")[0]).name
    message = str(report.longrepr or "").strip().splitlines()
    first = message[0] if message else "no reason given"
    crash = getattr(report.longrepr, "reprcrash", None)
    if crash is not None:
        first = (crash.message.splitlines() or [first])[0]
        if Path(crash.path).is_relative_to(folder):
            file, line = Path(crash.path).relative_to(folder).as_posix(), crash.lineno - 1
    elif isinstance(report, pytest.CollectReport):
        errors = [each[2:].strip() for each in message if each.startswith("E ")]
        first = errors[-1] if errors else first
    return Failure(test, file, line + 1, first.removeprefix("Failed: "))
