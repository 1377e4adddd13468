"""What one test run knows about one bundle."""

from __future__ import annotations

import os
import re
from pathlib import Path

import pytest

from macros.proofs.isolation import Isolation

OUTPUTS = "outputs"
# What people and `make fix` write into a bundle at any time, also while its tests run.
_WRITTEN_BY_HAND = re.compile(r"[^/\\]+\.(py|md|yml|svg|http)|responses\.json|outputs[/\\].*")
_OWN_PROCESS = re.compile(r"(?m)^own_process:\s*true\b")


class BundleRun:
    """A bundle within a test run: its modules, its tests, what they showed and left behind."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.isolation = Isolation(folder)
        self.shown: dict[str, str] = {}
        self.passed: set[str] = set()
        self.notes: list[str] = []
        self.stale: list[Path] = []
        self._defined: set[str] = set()
        self._modules: set[Path] = set()
        self._files = self._all_files()

    def note_collected(self, collector: pytest.Collector, report: pytest.CollectReport) -> None:
        """Note the tests that a module or class of the bundle defines."""
        if report.passed:
            self._modules.add(collector.path)
        self._defined |= {node.nodeid for node in report.result if isinstance(node, pytest.Item)}

    def stale_outputs(self) -> list[Path]:
        """Return recorded outputs that no test records; known only once all tests have passed."""
        all_modules = set(self.folder.rglob("test_*.py"))
        if not self._defined or not self._defined <= self.passed or self._modules != all_modules:
            return []
        recorded = sorted((self.folder / OUTPUTS).glob("*.txt"))
        return [path for path in recorded if path.stem not in self.shown]

    def fail_for_new_files(self) -> None:
        """Fail the current test if the bundle holds files that it did not hold before."""
        now = self._all_files()
        names = sorted(os.path.relpath(path, self.folder) for path in now - self._files)
        self._files = now
        new = [name for name in names if not _WRITTEN_BY_HAND.fullmatch(name)]
        if new:
            pytest.fail(
                f"left {', '.join(new)} in the bundle. Write to tmp_path, or run in `workdir`.",
                pytrace=False,
            )

    def _all_files(self) -> set[str]:
        return {
            os.path.join(folder, name)  # noqa: PTH118
            for folder, _, names in os.walk(self.folder)
            for name in names
        }


def wants_own_process(folder: Path) -> bool:
    """Whether the settings of a bundle ask for a process of its own."""
    settings = folder / "bundle.yml"
    return settings.is_file() and bool(_OWN_PROCESS.search(settings.read_text(encoding="utf-8")))


RUNS = pytest.StashKey[dict[Path, BundleRun]]()
