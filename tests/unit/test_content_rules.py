"""Every rule about bundles and pages is silent where nothing is wrong."""

from __future__ import annotations

import pytest

from macros.rules import bundle_rules, check, page_rules
from macros.rules.content import Rule
from tests.unit.bakery import Bakery


@pytest.mark.parametrize(
    "rule", [*bundle_rules.RULES, *page_rules.RULES], ids=lambda rule: str(rule.__name__)
)
def test_a_project_without_mistakes_passes(bakery: Bakery, rule: Rule) -> None:
    assert bakery.problems(rule) == []


def test_nothing_is_wrong_while_reading_it(bakery: Bakery) -> None:
    assert bakery.bundle.problems == ()


def test_the_whole_check_passes(bakery: Bakery) -> None:
    assert check(bakery.project) == []
