from pathlib import Path

import pytest

from macros.rules import graph_rules as rules
from macros.rules.content import Rule
from tests.unit.registry_text import changed, told_by


@pytest.mark.parametrize("rule", rules.RULES, ids=lambda rule: rule.__name__)
def test_a_good_registry_breaks_no_rule(rule: Rule, tmp_path: Path) -> None:
    assert told_by([rule], tmp_path) == []


def test_a_topic_requires_an_unknown_one(tmp_path: Path) -> None:
    registry = changed(("dough: yeast lives", "duogh: yeast lives"))
    assert told_by([rules.requirements_exist], tmp_path, registry) == [
        "docs/topics.yml:17: yeast: requires unknown topic 'duogh'. Did you mean 'dough'?"
    ]


def test_topics_require_each_other(tmp_path: Path) -> None:
    registry = changed(("oven: heat makes it", "oven: heat\n      yeast: why")).replace(
        "dough: yeast lives in it", "dough: yeast lives in it\n      crust: for fun"
    )
    assert told_by([rules.requirements_form_no_cycle], tmp_path, registry) == [
        "docs/topics.yml:18: yeast: requires itself: yeast -> crust -> yeast. "
        "Delete one of these requirements."
    ]


def test_a_topic_requires_itself(tmp_path: Path) -> None:
    registry = changed(("dough: yeast lives", "yeast: yeast lives"))
    assert told_by([rules.requirements_form_no_cycle], tmp_path, registry) == [
        "docs/topics.yml:17: yeast: requires itself: yeast -> yeast. "
        "Delete one of these requirements."
    ]


def test_every_knot_is_told_at_once(tmp_path: Path) -> None:
    registry = changed(
        ("summary: Flour and water.", "summary: F\n    requires: {yeast: why}"),
        ("yeast: you bake what has risen", "crust: why"),
    )
    assert told_by([rules.requirements_form_no_cycle], tmp_path, registry) == [
        "docs/topics.yml:11: dough: requires itself: dough -> yeast -> dough. "
        "Delete one of these requirements.",
        "docs/topics.yml:25: oven: requires itself: oven -> crust -> oven. "
        "Delete one of these requirements.",
    ]


def test_a_topic_requires_a_later_one(tmp_path: Path) -> None:
    registry = changed(("yeast: you bake", "crust: you bake"), ("oven: heat", "yeast: heat"))
    assert told_by([rules.requirements_come_first], tmp_path, registry) == [
        "docs/topics.yml:24: oven: requires 'crust', which stands below it, on line 26. "
        "Move one of them, or delete the requirement."
    ]


def test_the_first_topic_requires_something(tmp_path: Path) -> None:
    registry = changed(
        ("summary: Flour and water.", "summary: F\n    requires: {oven: why}"),
        ("yeast: you bake what has risen", "crust: why"),
        ("oven: heat makes it", "yeast: why"),
        ("dough: yeast lives", "leaven: lives"),
    )
    assert told_by([rules.requirements_come_first], tmp_path, registry)[0] == (
        "docs/topics.yml:11: dough: requires 'oven', which stands below it, on line 19. "
        "Move one of them, or delete the requirement."
    )


def test_a_cycle_is_not_also_told_as_a_wrong_order(tmp_path: Path) -> None:
    registry = changed(("yeast: you bake what has risen", "crust: why"))
    assert told_by([rules.requirements_come_first], tmp_path, registry) == []


def test_a_requirement_is_implied_by_another(tmp_path: Path) -> None:
    registry = changed(("oven: heat makes it", "oven: heat makes it\n      dough: of course"))
    assert told_by([rules.requirements_say_nothing_twice], tmp_path, registry) == [
        "docs/topics.yml:33: crust: requiring 'dough' is implied by "
        "crust -> oven -> yeast -> dough. Delete it."
    ]


def test_a_second_topic_requires_nothing(tmp_path: Path) -> None:
    registry = changed(("    requires:\n      oven: heat makes it\n", ""))
    assert told_by([rules.only_the_first_topic_requires_nothing], tmp_path, registry) == [
        "docs/topics.yml:26: crust: requires nothing, which only the first topic ('dough') may. "
        "Say under `requires` what to know first, and why."
    ]


def test_a_path_meets_a_topic_too_early(tmp_path: Path) -> None:
    registry = changed(("      - oven\n      - crust", "      - crust\n      - oven"))
    assert told_by([rules.paths_respect_requirements], tmp_path, registry) == [
        "docs/topics.yml:48: first-loaf: 'crust' requires 'oven', which comes later in this path. "
        "Move 'oven' up."
    ]


def test_a_path_meets_a_topic_before_one_that_it_requires_by_way_of_others(tmp_path: Path) -> None:
    registry = changed(("      - dough\n      - oven", "      - oven\n      - dough"))
    assert told_by([rules.paths_respect_requirements], tmp_path, registry) == [
        "docs/topics.yml:47: first-loaf: 'oven' requires 'dough' (oven -> yeast -> dough), "
        "which comes later in this path. Move 'dough' up."
    ]


def test_a_path_may_leave_out_what_a_topic_requires(tmp_path: Path) -> None:
    registry = changed(("      - oven\n", ""))
    assert told_by(rules.RULES, tmp_path, registry) == []
