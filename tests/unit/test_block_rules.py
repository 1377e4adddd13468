"""Macros and folds that one of the builders would garble are refused."""

from __future__ import annotations

import pytest

from macros.rules import block_rules as rules
from tests.unit.bakery import Bakery

PAGE = "index.md"


@pytest.mark.parametrize(
    "typed", ["  {{ run_at_home() }}", "Run: {{ run_at_home() }}", "{{ run_at_home() }} now"]
)
def test_a_block_macro_beside_text(bakery: Bakery, typed: str) -> None:
    bakery.change(PAGE, "{{ run_at_home() }}", typed)
    line = bakery.line(PAGE, "run_at_home")
    assert bakery.problems(rules.block_macros_stand_alone) == [
        f"index.md:{line}: run_at_home() must start in column 1 and stand alone on its line."
    ]


def test_a_block_macro_over_several_lines(bakery: Bakery) -> None:
    bakery.change(PAGE, '{{ example("knead") }}', '{{ example(\n    "knead",\n) }}')
    assert bakery.problems(rules.block_macros_stand_alone) == []


def test_a_computed_argument(bakery: Bakery) -> None:
    bakery.change(PAGE, 'output("crumb")', "output(crumb)")
    line = bakery.line(PAGE, "output(crumb)")
    assert bakery.problems(rules.macros_get_what_they_take) == [
        f"index.md:{line}: output(): write every argument out, in quotes."
    ]


def test_an_argument_that_a_macro_does_not_take(bakery: Bakery) -> None:
    bakery.change(PAGE, 'output("crumb")', 'output("crumb", lines=3)')
    line = bakery.line(PAGE, "lines=3")
    assert bakery.problems(rules.macros_get_what_they_take) == [
        f"index.md:{line}: output(): got an unexpected keyword argument 'lines'."
    ]


def test_a_macro_that_does_not_exist(bakery: Bakery) -> None:
    bakery.change(PAGE, 'output("crumb")', 'outputs("crumb")')
    line = bakery.line(PAGE, "outputs(")
    assert bakery.problems(rules.macros_exist) == [
        f"index.md:{line}: no macro 'outputs'. Did you mean 'output'?"
    ]


def test_a_fold_that_is_never_closed(bakery: Bakery) -> None:
    bakery.change(PAGE, "Less salt.\n////", "Less salt.")
    line = bakery.line(PAGE, "//// details")
    assert bakery.problems(rules.folds_are_closed) == [
        f"index.md:{line}: this block is never closed. Add a line '////' below it."
    ]


def test_a_fold_closed_with_other_slashes(bakery: Bakery) -> None:
    bakery.change(PAGE, "Less salt.\n////", "Less salt.\n///")
    opened = bakery.line(PAGE, "//// details")
    assert bakery.problems(rules.folds_are_closed) == [
        f"index.md:{opened}: this block is never closed. Add a line '////' below it.",
        f"index.md:{opened + 4}: '///' closes no block: '////' is open here.",
    ]


def test_slashes_that_close_nothing(bakery: Bakery) -> None:
    bakery.change(PAGE, "It tears.", "////")
    line = bakery.line(PAGE, "////")
    assert bakery.problems(rules.folds_are_closed) == [
        f"index.md:{line}: '////' closes no block: nothing is open here."
    ]


def test_a_fold_without_an_id(bakery: Bakery) -> None:
    bakery.change(PAGE, "It tears.", '??? note "Why"\n    It tears.')
    line = bakery.line(PAGE, "???")
    assert bakery.problems(rules.folds_can_be_linked) == [
        f"index.md:{line}: '???' cannot have an id. Write '//// details | Title'."
    ]
