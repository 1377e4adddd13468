"""A file that is shown says how it was checked, and says it right."""

from __future__ import annotations

from macros.rules import artifact_rules as rules
from tests.unit.bakery import Bakery

SETTINGS = "bundle.yml"


def settle(bakery: Bakery, artifact: str) -> None:
    bakery.write(SETTINGS, f"artifacts:\n  {artifact}\n")


def test_a_file_that_does_not_exist(bakery: Bakery) -> None:
    settle(bakery, "Ovenfil: {reason: no oven here}")
    assert bakery.problems(rules.artifacts_exist) == [
        "bundle.yml:2: artifacts: no file 'Ovenfil' in docs/topics/kneading. "
        "Did you mean 'Ovenfile'?"
    ]


def test_a_file_both_explained_and_tested(bakery: Bakery) -> None:
    settle(bakery, "Ovenfile: {reason: no oven here, test: test_salt_first_slows}")
    assert bakery.problems(rules.artifacts_say_one_thing) == [
        "bundle.yml:2: artifacts: 'Ovenfile' is explained and tested at once. "
        "Keep `test`, or `reason` alone."
    ]


def test_a_file_that_is_only_listed(bakery: Bakery) -> None:
    settle(bakery, "Ovenfile: {tool: dough-lint}")
    assert bakery.problems(rules.artifacts_say_one_thing) == [
        "bundle.yml:2: artifacts: 'Ovenfile' says nothing. "
        "Add the `test` that uses it, or the `reason` why none can."
    ]


def test_a_test_that_does_not_exist(bakery: Bakery) -> None:
    settle(bakery, "Ovenfile: {test: test_salt_first_slow}")
    assert bakery.problems(rules.artifact_tests_exist) == [
        "bundle.yml:2: artifacts: 'Ovenfile' names test 'test_salt_first_slow', which does not "
        "exist. Did you mean 'test_salt_first_slows'?"
    ]


def test_a_tool_that_is_not_locked(bakery: Bakery) -> None:
    settle(bakery, "Ovenfile: {test: test_salt_first_slows, tool: ovenlint}")
    assert bakery.problems(rules.artifact_tools_are_locked) == [
        "bundle.yml:2: artifacts: 'Ovenfile' names tool 'ovenlint', which is in no lock file. "
        "Name a distribution from requirements/."
    ]


def test_a_need_that_is_not_locked(bakery: Bakery) -> None:
    bakery.write(SETTINGS, "needs: [dough-lint, oven]\n")
    assert bakery.problems(rules.needs_are_locked) == [
        "bundle.yml:1: needs: 'oven' is in no lock file. Name a distribution from requirements/."
    ]


def test_a_shown_file_without_a_label(bakery: Bakery) -> None:
    bakery.delete(SETTINGS)
    line = bakery.line("index.md", "Ovenfile")
    assert bakery.problems(rules.shown_files_have_a_label) == [
        f"index.md:{line}: 'Ovenfile' does not say how it was checked. "
        "Add it under `artifacts` in docs/topics/kneading/bundle.yml."
    ]
