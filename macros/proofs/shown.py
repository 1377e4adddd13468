"""Compare what a test saw with what the page shows; write it when asked to."""

from __future__ import annotations

import difflib
import re
from pathlib import Path

import pytest

from macros.proofs.bundle_run import OUTPUTS, BundleRun

_NAME = re.compile(r"[a-z0-9]+(-[a-z0-9]+)*")


class Shown:
    """The fixture `shown`: call it with a name and the text that the page shows under it."""

    def __init__(self, run: BundleRun, test: str, *, fix: bool) -> None:
        self._run = run
        self._test = test
        self._fix = fix

    def __call__(self, name: str, text: str) -> None:
        """Fail with a diff unless outputs/<name>.txt holds this text; write it under `make fix`."""
        if not _NAME.fullmatch(name):
            pytest.fail(f"shown({name!r}): a name is lower-case words joined by hyphens.")
        other = self._run.shown.setdefault(name, self._test)
        if other != self._test:
            pytest.fail(f"shown({name!r}) is already recorded by {other}. Choose another name.")
        path = self._run.folder / OUTPUTS / f"{name}.txt"
        seen = text.replace("\r\n", "\n").rstrip("\n") + "\n"
        known = path.read_text(encoding="utf-8") if path.is_file() else None
        if seen == known:
            return
        difference = _difference(known, seen)
        if not self._fix:
            advice = f"If that is right, run `make fix id={self._run.folder.name}`."
            pytest.fail(
                f"{OUTPUTS}/{name}.txt {_what(known)}. {advice}\n{difference}", pytrace=False
            )
        self._write(path, seen)
        self._run.notes.append(f"wrote {path}\n{difference}")

    def _write(self, path: Path, text: str) -> None:
        path.parent.mkdir(exist_ok=True)
        path.write_text(text, encoding="utf-8", newline="\n")


def _what(known: str | None) -> str:
    return "is not recorded yet" if known is None else "differs from what the test saw"


def _difference(known: str | None, seen: str) -> str:
    before = [] if known is None else known.splitlines()
    lines = difflib.unified_diff(before, seen.splitlines(), "recorded", "seen", lineterm="")
    return "\n".join(lines)
