"""What a reader installs follows from what the files import and from what the locks pin."""

from __future__ import annotations

from collections.abc import Mapping

import pytest

from macros import locked
from tests.unit.bakery import Bakery

LOCK = "dough-core==1.0\ndough-oven==2.0\npydantic==2.0\npyflour==3.0\n"


def wanted(bakery: Bakery, *modules: str, needs: tuple[str, ...] = ()) -> list[str]:
    bakery.write("requirements/proofs.txt", LOCK)
    return locked.requirements(bakery.project, modules, needs)


def test_what_the_lock_does_not_pin_is_left_out(bakery: Bakery) -> None:
    assert wanted(bakery, "pydantic", "nowhere") == ["pydantic==2.0"]


def test_a_module_that_is_not_installed_is_found_under_a_usual_name(bakery: Bakery) -> None:
    assert wanted(bakery, "flour", needs=("Dough_Core",)) == ["dough-core==1.0", "pyflour==3.0"]


def test_a_module_that_comes_in_parts_needs_all_of_them(
    bakery: Bakery, monkeypatch: pytest.MonkeyPatch
) -> None:
    parts: Mapping[str, list[str]] = {"dough": ["dough_oven", "dough-core", "dough-unpinned"]}
    monkeypatch.setattr(locked, "_installed", lambda: parts)
    assert wanted(bakery, "dough") == ["dough-core==1.0", "dough-oven==2.0"]
