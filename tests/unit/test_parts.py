"""The table at the end of `make test` counts what really ran."""

from __future__ import annotations

from macros.tools.parts import Outcome, chosen, count, names, table


def test_the_closing_lines_of_pytest_are_counted() -> None:
    assert count("....\n12 passed in 0.30s\n") == (12, 0)
    assert count("1 failed, 11 passed, 2 errors in 3.1s\n") == (11, 3)


def test_the_closing_lines_of_node_are_counted() -> None:
    assert count("# tests 9\n# pass 7\n# fail 2\n") == (7, 2)


def test_a_part_that_breaks_without_a_test_still_counts_as_a_failure() -> None:
    outcomes = [Outcome("lint", 1, 2.0, 0, 0), Outcome("unit", 0, 3.0, 12, 0)]
    lines = table(outcomes).splitlines()
    assert lines[1].split() == ["lint", "FAILED", "2.0"]
    assert lines[-1] == "12 passed, 1 failed"


def test_the_table_ends_with_the_sum_of_the_seconds() -> None:
    outcomes = [Outcome("lint", 0, 2.0, 0, 0), Outcome("unit", 0, 3.5, 12, 0)]
    assert table(outcomes).splitlines()[-3].split() == ["all", "5.5"]


def test_what_takes_too_long_for_every_run_runs_when_it_is_named() -> None:
    by_default = [part.name for part in chosen(())]
    assert [name for name in names() if name not in by_default] == ["served"]
    assert [part.name for part in chosen(("served", "lint"))] == ["lint", "served"]
