from itertools import pairwise
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from macros.graph import Graph, Redundant
from macros.model import Level, Registry, Subject, Topic
from tests.unit.registry_text import changed, loaded


@pytest.fixture
def graph(tmp_path: Path) -> Graph:
    return Graph(loaded(tmp_path).registry)


def test_a_topic_leads_to_those_that_require_it(graph: Graph) -> None:
    assert [topic.id for topic in graph.leads_to("yeast")] == ["oven"]
    assert graph.leads_to("crust") == []


def test_requirements_come_with_their_reasons(graph: Graph) -> None:
    assert [(topic.id, why) for topic, why in graph.requires("yeast")] == [
        ("dough", "yeast lives in it")
    ]


def test_ancestors_are_required_directly_or_not(graph: Graph) -> None:
    assert graph.ancestors("crust") == {"dough", "yeast", "oven"}
    assert graph.ancestors("dough") == set()


def test_depth_is_the_longest_way_down(tmp_path: Path) -> None:
    registry = changed(("oven: heat makes it", "dough: shortcut\n      oven: heat"))
    graph = Graph(loaded(tmp_path, registry).registry)
    assert [graph.depth(topic_id) for topic_id in ("dough", "yeast", "oven", "crust")] == [
        0,
        1,
        2,
        3,
    ]


def test_neighbors_follow_the_file_and_include_planned_topics(graph: Graph) -> None:
    following, before = graph.next("yeast"), graph.previous("crust")
    assert following is not None
    assert before is not None
    assert (following.id, before.id, following.planned) == ("oven", "oven", True)
    assert graph.previous("dough") is None
    assert graph.next("crust") is None


def test_an_unknown_id_is_a_key_error(graph: Graph) -> None:
    for question in (graph.leads_to, graph.requires, graph.ancestors, graph.depth, graph.next):
        with pytest.raises(KeyError):
            question("butter")


def test_a_redundant_edge_names_the_chain_that_implies_it(tmp_path: Path) -> None:
    registry = changed(("oven: heat makes it", "dough: of course\n      oven: heat"))
    graph = Graph(loaded(tmp_path, registry).registry)
    assert graph.redundant_edges() == [
        Redundant("crust", "dough", ("crust", "oven", "yeast", "dough"))
    ]


def test_a_good_registry_has_neither_cycle_nor_redundant_edge(graph: Graph) -> None:
    assert graph.cycle() is None
    assert graph.redundant_edges() == []


def _registry(edges: set[tuple[int, int]], size: int = 7) -> Registry:
    return Registry(
        subject=Subject(name="Any", stamp=()),
        levels=(Level(id="one", title="One", tagline="One", summary="One"),),
        topics=tuple(
            Topic(
                id=f"t{number}",
                number=number + 1,
                title="Any",
                level="one",
                summary="Any",
                requires={f"t{to}": "why" for start, to in sorted(edges) if start == number},
            )
            for number in range(size)
        ),
    )


_anywhere = st.sets(st.tuples(st.integers(0, 6), st.integers(0, 8)))


@settings(deadline=None)
@given(_anywhere)
def test_any_edges_are_answered_for(edges: set[tuple[int, int]]) -> None:
    registry = _registry(edges)
    graph = Graph(registry)
    for topic in registry.topics:
        for following in graph.leads_to(topic.id):
            assert topic.id in following.requires
            assert topic.id in graph.ancestors(following.id)
        assert graph.depth(topic.id) >= 0
    for chain in graph.cycles():
        assert chain[0] == chain[-1]
        assert len(chain) == len(set(chain)) + 1
        for topic_id, other in pairwise(chain):
            assert other in registry.topic(topic_id).requires


@settings(deadline=None)
@given(_anywhere)
def test_cycles_are_found_exactly_where_there_is_no_order(edges: set[tuple[int, int]]) -> None:
    left = {
        number: {to for start, to in edges if start == number and to < 7} for number in range(7)
    }
    while free := [number for number, needed in left.items() if not needed]:
        for number in free:
            del left[number]
        left = {number: needed - set(free) for number, needed in left.items()}
    assert (Graph(_registry(edges)).cycle() is not None) == bool(left)


@settings(deadline=None)
@given(_anywhere)
def test_deleting_a_redundant_edge_changes_no_ancestors(edges: set[tuple[int, int]]) -> None:
    acyclic = {(start, to) for start, to in edges if to < start}
    full = Graph(_registry(acyclic))
    redundant = {
        (int(edge.topic_id[1]), int(edge.required_id[1])) for edge in full.redundant_edges()
    }
    reduced = Graph(_registry(acyclic - redundant))
    for number in range(7):
        assert full.ancestors(f"t{number}") == reduced.ancestors(f"t{number}")
        assert full.depth(f"t{number}") == reduced.depth(f"t{number}")
    assert reduced.redundant_edges() == []
