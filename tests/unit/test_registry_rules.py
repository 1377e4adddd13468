from pathlib import Path

import pytest

from macros.rules import registry_rules as rules
from macros.rules.content import Rule
from tests.unit.registry_text import changed, told_by


@pytest.mark.parametrize("rule", rules.RULES, ids=lambda rule: rule.__name__)
def test_a_good_registry_breaks_no_rule(rule: Rule, tmp_path: Path) -> None:
    assert told_by([rule], tmp_path) == []


@pytest.mark.parametrize(
    ("old", "new", "told"),
    [
        ("id: crust", "id: oven", "docs/topics.yml:26: oven: this id is taken (line 18)."),
        ("{id: bakery", "{id: kitchen", "docs/topics.yml:4: kitchen: this id is taken (line 3)."),
    ],
)
def test_an_id_is_used_twice(old: str, new: str, told: str, tmp_path: Path) -> None:
    registry = changed((old, new))
    assert told_by([rules.ids_are_unique], tmp_path, registry) == [f"{told} Choose another."]


def test_a_path_has_the_id_of_another_path(tmp_path: Path) -> None:
    path = "title: T, goal: G, outcome: O, assumes: A, topics: [dough]"
    registry = changed(("moved:", f"  - {{id: first-loaf, {path}}}\nmoved:"))
    assert told_by([rules.ids_are_unique], tmp_path, registry) == [
        "docs/topics.yml:50: first-loaf: this id is taken (line 41). Choose another."
    ]


def test_a_cluster_has_the_id_of_another_cluster(tmp_path: Path) -> None:
    registry = changed(
        ("paths:", "  - {id: basics, title: Again, nodes: [{topics: [dough]}]}\npaths:")
    )
    assert told_by([rules.ids_are_unique], tmp_path, registry) == [
        "docs/topics.yml:40: basics: this id is taken (line 35). Choose another."
    ]


def test_a_number_is_used_twice(tmp_path: Path) -> None:
    registry = changed(("number: 4", "number: 3"))
    assert told_by([rules.numbers_are_unique], tmp_path, registry) == [
        "docs/topics.yml:27: crust: number 3 belongs to 'oven'. 4 is free."
    ]


def test_numbers_fall_within_a_level(tmp_path: Path) -> None:
    registry = changed(("number: 3", "number: 9"))
    assert told_by([rules.numbers_rise_within_a_level], tmp_path, registry) == [
        "docs/topics.yml:27: crust: number 4 comes after number 9 ('oven') of the same level. "
        "Move the topic up or renumber it."
    ]


def test_a_late_addition_to_an_early_level_may_have_the_highest_number(tmp_path: Path) -> None:
    registry = changed(("number: 2", "number: 59"))
    assert told_by(rules.RULES, tmp_path, registry) == []


def test_a_level_is_misspelt(tmp_path: Path) -> None:
    registry = changed(("level: bakery", "level: bakrey"))
    assert told_by([rules.levels_exist], tmp_path, registry) == [
        "docs/topics.yml:21: oven: unknown level 'bakrey'. Did you mean 'bakery'?"
    ]


def test_a_level_is_like_none(tmp_path: Path) -> None:
    registry = changed(("level: bakery", "level: expert"))
    assert told_by([rules.levels_exist], tmp_path, registry) == [
        "docs/topics.yml:21: oven: unknown level 'expert'. There are: kitchen, bakery."
    ]


def test_a_topic_stands_among_those_of_a_later_level(tmp_path: Path) -> None:
    registry = changed(("summary: Brown", "summary: B"), ("number: 4", "number: 5")).replace(
        "title: Crust\n    level: bakery", "title: Crust\n    level: kitchen"
    )
    assert told_by([rules.topics_stand_by_level], tmp_path, registry) == [
        "docs/topics.yml:29: crust: level 'kitchen' comes before the level of 'oven', which "
        "stands above. Move the topic up to the others of its level."
    ]


def test_a_cluster_names_an_unknown_topic(tmp_path: Path) -> None:
    registry = changed(("topics: [oven]", "topics: [owen]"))
    assert told_by([rules.clusters_name_topics], tmp_path, registry) == [
        "docs/topics.yml:39: basics: unknown topic 'owen'. Did you mean 'oven'?"
    ]


def test_a_cluster_names_a_topic_by_its_old_id(tmp_path: Path) -> None:
    registry = changed(("topics: [oven]", "topics: [leaven]"))
    assert told_by([rules.clusters_name_topics], tmp_path, registry) == [
        "docs/topics.yml:39: basics: unknown topic 'leaven'. It was renamed: write 'yeast'."
    ]


def test_a_cluster_names_a_topic_twice(tmp_path: Path) -> None:
    registry = changed(("topics: [oven]", "topics: [yeast]"))
    assert told_by([rules.clusters_name_topics], tmp_path, registry) == [
        "docs/topics.yml:39: basics: 'yeast' stands here a second time. Delete it."
    ]


def test_a_topic_may_stand_in_two_clusters(tmp_path: Path) -> None:
    registry = changed(("paths:", "  - {id: more, title: More, nodes: [{topics: [oven]}]}\npaths:"))
    assert told_by(rules.RULES, tmp_path, registry) == []


def test_a_node_joins_topics_without_a_label(tmp_path: Path) -> None:
    registry = changed((", label: Dough and yeast", ""))
    assert told_by([rules.nodes_of_several_topics_have_a_label], tmp_path, registry) == [
        "docs/topics.yml:38: basics: a node joins dough, yeast without a name. Add its `label`."
    ]


def test_a_path_names_an_unknown_topic(tmp_path: Path) -> None:
    registry = changed(("      - oven", "      - bread"))
    assert told_by([rules.paths_name_topics], tmp_path, registry) == [
        "docs/topics.yml:48: first-loaf: unknown topic 'bread'."
    ]


def test_a_path_names_a_topic_twice(tmp_path: Path) -> None:
    registry = changed(("      - oven", "      - dough"))
    assert told_by([rules.paths_name_topics], tmp_path, registry) == [
        "docs/topics.yml:48: first-loaf: 'dough' stands here a second time. Delete it."
    ]


def test_a_moved_id_is_still_a_topic(tmp_path: Path) -> None:
    registry = changed(("leaven: yeast", "oven: yeast"))
    assert told_by([rules.moved_ids_lead_to_topics], tmp_path, registry) == [
        "docs/topics.yml:51: moved: 'oven' is still a topic. Delete this entry."
    ]


def test_a_moved_id_leads_to_no_topic(tmp_path: Path) -> None:
    registry = changed(("leaven: yeast", "leaven: yest"))
    assert told_by([rules.moved_ids_lead_to_topics], tmp_path, registry) == [
        "docs/topics.yml:51: moved: 'leaven' leads to unknown topic 'yest'. Did you mean 'yeast'?"
    ]


def test_a_moved_id_leads_to_an_id_that_moved(tmp_path: Path) -> None:
    registry = changed(("leaven: yeast", "leaven: yeast\n  sour: leaven"))
    assert told_by([rules.moved_ids_lead_to_topics], tmp_path, registry) == [
        "docs/topics.yml:52: moved: 'sour' leads to 'leaven', which moved, too. Write 'yeast'."
    ]


def test_moved_ids_lead_to_each_other(tmp_path: Path) -> None:
    registry = changed(("leaven: yeast", "leaven: sour\n  sour: leaven"))
    assert told_by([rules.moved_ids_lead_to_topics], tmp_path, registry) == [
        "docs/topics.yml:51: moved: 'leaven' leads to 'sour', and so round in a circle.",
        "docs/topics.yml:52: moved: 'sour' leads to 'leaven', and so round in a circle.",
    ]
