"""Setting up says what is wrong before it does anything."""

from __future__ import annotations

import sys

import pytest

from macros.tools import environment
from macros.tools.targets import targets


def test_an_old_python_is_named_with_what_to_do(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(sys, "version_info", (3, 10, 4))
    assert environment.main("site") == 1
    said = capsys.readouterr().out
    assert "Python 3.11.5 or newer is needed, this is 3.10.4." in said
    assert "make PYTHON=" in said


def test_an_unknown_group_is_named_with_those_there_are(
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert environment.main("everything") == 1
    assert "site, proofs, export, dev" in capsys.readouterr().out


def test_help_lists_documented_targets_only() -> None:
    makefile = "a:  ## does a\n\t@true\nb:\n\t@true\nlong:  ## does long\n"
    assert targets(makefile) == [("a", "does a"), ("long", "does long")]
