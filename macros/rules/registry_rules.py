"""The rules about the registry's parts that its types cannot say, one small generator each."""

from __future__ import annotations

from collections.abc import Hashable, Iterator, Mapping, Sequence

from macros.problems import Problem
from macros.rules.content import Content, Rule
from macros.suggest import did_you_mean


def ids_are_unique(content: Content) -> Iterator[Problem]:
    """No two topics, levels, clusters or paths share an id."""
    registry = content.registry
    sections = {
        "levels": [level.id for level in registry.levels],
        "topics": [topic.id for topic in registry.topics],
        "clusters": [cluster.id for cluster in registry.clusters],
        "paths": [path.id for path in registry.paths],
    }
    for section, ids in sections.items():
        for index, first in _repeated(ids):
            line = content.loaded.source.line(section, first, "id")
            yield content.problem(
                f"{ids[index]}: this id is taken (line {line}). Choose another.",
                section,
                index,
                "id",
            )


def numbers_are_unique(content: Content) -> Iterator[Problem]:
    """No two topics share a number."""
    topics = content.registry.topics
    free = max(topic.number for topic in topics) + 1
    for index, first in _repeated([topic.number for topic in topics]):
        yield content.problem(
            f"{topics[index].id}: number {topics[index].number} belongs to '{topics[first].id}'. "
            f"{free} is free.",
            "topics",
            index,
            "number",
        )


def numbers_rise_within_a_level(content: Content) -> Iterator[Problem]:
    """A reader who goes through a level sees its numbers rise.

    Only within a level: numbers are permanent, and a topic that is added later to an early level
    has a higher number than all that follow.
    """
    topics = content.registry.topics
    highest: dict[str, int] = {}
    for index, topic in enumerate(topics):
        before = highest.setdefault(topic.level, index)
        if topic.number < topics[before].number:
            yield content.problem(
                f"{topic.id}: number {topic.number} comes after number {topics[before].number} "
                f"('{topics[before].id}') of the same level. Move the topic up or renumber it.",
                "topics",
                index,
                "number",
            )
        else:
            highest[topic.level] = index


def levels_exist(content: Content) -> Iterator[Problem]:
    """Every topic names a level of the registry."""
    levels = [level.id for level in content.registry.levels]
    for index, topic in enumerate(content.registry.topics):
        if topic.level not in levels:
            guess = did_you_mean(topic.level, levels) or f" There are: {', '.join(levels)}."
            yield content.problem(
                f"{topic.id}: unknown level '{topic.level}'.{guess}", "topics", index, "level"
            )


def topics_stand_by_level(content: Content) -> Iterator[Problem]:
    """Topics of one level stand together, the levels in their order."""
    order = {level.id: place for place, level in enumerate(content.registry.levels)}
    latest: tuple[int, str] = (-1, "")
    for index, topic in enumerate(content.registry.topics):
        place = order.get(topic.level)
        if place is None:
            continue
        if place < latest[0]:
            yield content.problem(
                f"{topic.id}: level '{topic.level}' comes before the level of '{latest[1]}', "
                "which stands above. Move the topic up to the others of its level.",
                "topics",
                index,
                "level",
            )
        elif place > latest[0]:
            latest = (place, topic.id)


def clusters_name_topics(content: Content) -> Iterator[Problem]:
    """A cluster's nodes are topics, each once."""
    for place, cluster in enumerate(content.registry.clusters):
        where = [
            ("clusters", place, "nodes", node, "topics", index)
            for node, found in enumerate(cluster.nodes)
            for index, _ in enumerate(found.topics)
        ]
        topics = [topic_id for node in cluster.nodes for topic_id in node.topics]
        yield from _names_each_once(content, cluster.id, topics, where)


def nodes_of_several_topics_have_a_label(content: Content) -> Iterator[Problem]:
    """A node that joins topics says what they are together."""
    for place, cluster in enumerate(content.registry.clusters):
        for index, node in enumerate(cluster.nodes):
            if len(node.topics) > 1 and node.label is None:
                yield content.problem(
                    f"{cluster.id}: a node joins {', '.join(node.topics)} without a name. "
                    "Add its `label`.",
                    "clusters",
                    place,
                    "nodes",
                    index,
                )


def paths_name_topics(content: Content) -> Iterator[Problem]:
    """A path's steps are topics, each once."""
    for place, path in enumerate(content.registry.paths):
        where = [("paths", place, "topics", index) for index, _ in enumerate(path.topics)]
        yield from _names_each_once(content, path.id, path.topics, where)


def moved_ids_lead_to_topics(content: Content) -> Iterator[Problem]:
    """An old id is no longer a topic, and leads to one in one step."""
    moved = content.registry.moved
    for old, new in moved.items():
        if old in content.topics:
            yield content.problem(
                f"moved: '{old}' is still a topic. Delete this entry.", "moved", old
            )
        elif new in moved:
            end = _end_of_moves(moved, old)
            advice = f"which moved, too. Write '{end}'." if end else "and so round in a circle."
            yield content.problem(f"moved: '{old}' leads to '{new}', {advice}", "moved", old)
        elif unknown := content.unknown_topic(new):
            yield content.problem(f"moved: '{old}' leads to {unknown}", "moved", old)


def _names_each_once(
    content: Content,
    owner: str,
    topics: Sequence[str],
    where: Sequence[tuple[str | int, ...]],
) -> Iterator[Problem]:
    for topic_id, path in zip(topics, where, strict=True):
        if unknown := content.unknown_topic(topic_id):
            yield content.problem(f"{owner}: {unknown}", *path)
    for index, _ in _repeated(topics):
        yield content.problem(
            f"{owner}: '{topics[index]}' stands here a second time. Delete it.", *where[index]
        )


def _repeated(values: Sequence[Hashable]) -> Iterator[tuple[int, int]]:
    """Yield the place of every value that was there before, and the place of the first."""
    first: dict[Hashable, int] = {}
    for index, value in enumerate(values):
        if first.setdefault(value, index) != index:
            yield index, first[value]


def _end_of_moves(moved: Mapping[str, str], old: str) -> str | None:
    seen: set[str] = set()
    while old in moved:
        if old in seen:
            return None
        seen.add(old)
        old = moved[old]
    return old


RULES: tuple[Rule, ...] = (
    ids_are_unique,
    numbers_are_unique,
    numbers_rise_within_a_level,
    levels_exist,
    topics_stand_by_level,
    clusters_name_topics,
    nodes_of_several_topics_have_a_label,
    paths_name_topics,
    moved_ids_lead_to_topics,
)
