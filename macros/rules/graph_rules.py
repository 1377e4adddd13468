"""The rules about what topics require, one small generator each."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from macros.problems import Problem
from macros.rules.content import Content, Rule


def requirements_exist(content: Content) -> Iterator[Problem]:
    """Every required topic is a topic."""
    for index, topic in enumerate(content.registry.topics):
        for other in topic.requires:
            if unknown := content.unknown_topic(other):
                yield content.problem(
                    f"{topic.id}: requires {unknown}", "topics", index, "requires", other
                )


def requirements_form_no_cycle(content: Content) -> Iterator[Problem]:
    """No topic requires itself, directly or by way of others."""
    for chain in content.graph.cycles():
        yield Problem(
            content.loaded.source.file,
            content.loaded.line_of_topic(chain[0], "requires", chain[1]),
            f"{chain[0]}: requires itself: {arrows(chain)}. Delete one of these requirements.",
        )


def requirements_come_first(content: Content) -> Iterator[Problem]:
    """A topic stands below all that it requires."""
    place = {topic.id: place for place, topic in enumerate(content.registry.topics)}
    for index, topic in enumerate(content.registry.topics):
        for other in topic.requires:
            if place.get(other, 0) <= index or topic.id in content.graph.ancestors(other):
                continue
            yield content.problem(
                f"{topic.id}: requires '{other}', which stands below it, on line "
                f"{content.loaded.line_of_topic(other)}. Move one of them, or delete the "
                "requirement.",
                "topics",
                index,
                "requires",
                other,
            )


def requirements_say_nothing_twice(content: Content) -> Iterator[Problem]:
    """No requirement is implied by the other ones."""
    for edge in content.graph.redundant_edges():
        yield Problem(
            content.loaded.source.file,
            content.loaded.line_of_topic(edge.topic_id, "requires", edge.required_id),
            f"{edge.topic_id}: requiring '{edge.required_id}' is implied by "
            f"{arrows(edge.chain)}. Delete it.",
        )


def only_the_first_topic_requires_nothing(content: Content) -> Iterator[Problem]:
    """Every way through the map begins at the first topic."""
    first = content.registry.topics[0]
    for index, topic in enumerate(content.registry.topics[1:], start=1):
        if not topic.requires:
            yield content.problem(
                f"{topic.id}: requires nothing, which only the first topic ('{first.id}') may. "
                "Say under `requires` what to know first, and why.",
                "topics",
                index,
            )


def paths_respect_requirements(content: Content) -> Iterator[Problem]:
    """A path never meets a topic before another of its topics that it requires."""
    for place, path in enumerate(content.registry.paths):
        for step, topic_id in enumerate(path.topics):
            if topic_id not in content.topics:
                continue
            needed = content.graph.ancestors(topic_id) - {*path.topics[: step + 1]}
            for late in (other for other in path.topics[step:] if other in needed):
                chain = content.graph.chain(topic_id, late)
                by_way = f" ({arrows(chain)})" if len(chain) > 2 else ""
                yield content.problem(
                    f"{path.id}: '{topic_id}' requires '{late}'{by_way}, which comes later in "
                    f"this path. Move '{late}' up.",
                    "paths",
                    place,
                    "topics",
                    step,
                )
                break


def arrows(chain: Iterable[str]) -> str:
    """Return a chain of requirements as messages show it."""
    return " -> ".join(chain)


RULES: tuple[Rule, ...] = (
    requirements_exist,
    requirements_form_no_cycle,
    requirements_come_first,
    requirements_say_nothing_twice,
    only_the_first_topic_requires_nothing,
    paths_respect_requirements,
)
