"""Derives from the `requires` edges everything about how topics hang together.

It also answers for a registry with mistakes: unknown topics are no edges, cycles end no loop.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator, Set
from dataclasses import dataclass
from functools import cached_property

from macros.model import Registry, Topic


@dataclass(frozen=True)
class Redundant:
    """An edge that the others already imply: the chain leads from the topic to the required one."""

    topic_id: str
    required_id: str
    chain: tuple[str, ...]


class Graph:
    """The topics of a registry and their edges; unknown ids raise KeyError."""

    def __init__(self, registry: Registry) -> None:
        self._topics: dict[str, Topic] = {}
        for topic in registry.topics:
            self._topics.setdefault(topic.id, topic)
        self._order = list(self._topics.values())
        self._position = {topic.id: place for place, topic in enumerate(self._order)}
        self._required = {
            topic.id: [other for other in topic.requires if other in self._topics]
            for topic in self._order
        }

    def requires(self, topic_id: str) -> list[tuple[Topic, str]]:
        """Return the topics to know first, each with its reason, as written."""
        reasons = self._topics[topic_id].requires
        return [(self._topics[other], reasons[other]) for other in self._required[topic_id]]

    def leads_to(self, topic_id: str) -> list[Topic]:
        """Return the topics that require this one, in reading order."""
        return [self._topics[other] for other in self._following[self._topics[topic_id].id]]

    def ancestors(self, topic_id: str) -> Set[str]:
        """Return the ids of all topics to know first, directly or not."""
        return self._ancestors[topic_id]

    def depth(self, topic_id: str) -> int:
        """Return the length of the longest chain of requirements below a topic; 0 for none."""
        return self._depths[topic_id]

    def previous(self, topic_id: str) -> Topic | None:
        """Return the topic before this one in reading order."""
        place = self._position[topic_id]
        return self._order[place - 1] if place else None

    def next(self, topic_id: str) -> Topic | None:
        """Return the topic after this one in reading order."""
        place = self._position[topic_id] + 1
        return self._order[place] if place < len(self._order) else None

    def redundant_edges(self) -> list[Redundant]:
        """Return the edges that a longer chain implies, outside of cycles, in reading order."""
        return list(self._find_redundant())

    def cycle(self) -> list[str] | None:
        """Return the ids of one cycle, the first again at the end; None if there is none."""
        found = self.cycles()
        return found[0] if found else None

    def cycles(self) -> list[list[str]]:
        """Return a shortest cycle for every knot of topics that require each other."""
        found: list[list[str]] = []
        knotted: set[str] = set()
        for topic_id in self._position:
            if topic_id in self._ancestors[topic_id] and topic_id not in knotted:
                found.append(self.chain(topic_id, topic_id))
                knotted.add(topic_id)
                knotted |= {
                    other
                    for other in self._ancestors[topic_id]
                    if topic_id in self._ancestors[other]
                }
        return found

    def chain(self, start: str, end: str, *, without: tuple[str, str] | None = None) -> list[str]:
        """Return a shortest chain of requirements from one topic down to another.

        KeyError if there is none. `without` names an edge that the chain may not use.
        """
        waiting = deque([[start]])
        seen: set[str] = set()
        while waiting:
            chain = waiting.popleft()
            for other in self._required[chain[-1]]:
                if (chain[-1], other) == without or other in seen:
                    continue
                if other == end:
                    return [*chain, other]
                seen.add(other)
                waiting.append([*chain, other])
        raise KeyError(f"no chain from {start} to {end}")

    @cached_property
    def _following(self) -> dict[str, list[str]]:
        following: dict[str, list[str]] = {topic_id: [] for topic_id in self._position}
        for topic_id, required in self._required.items():
            for other in required:
                following[other].append(topic_id)
        return following

    @cached_property
    def _ancestors(self) -> dict[str, frozenset[str]]:
        return {topic_id: frozenset(self._reach(topic_id)) for topic_id in self._position}

    def _reach(self, topic_id: str) -> set[str]:
        seen: set[str] = set()
        waiting = list(self._required[topic_id])
        while waiting:
            other = waiting.pop()
            if other not in seen:
                seen.add(other)
                waiting.extend(self._required[other])
        return seen

    @cached_property
    def _depths(self) -> dict[str, int]:
        # By number of ancestors, so that what a topic requires is measured before the topic.
        depths: dict[str, int] = {}
        for topic_id in sorted(self._position, key=lambda other: len(self._ancestors[other])):
            below = [depths.get(other, -1) for other in self._required[topic_id]]
            depths[topic_id] = 1 + max(below, default=-1)
        return depths

    def _find_redundant(self) -> Iterator[Redundant]:
        for topic_id, required in self._required.items():
            if topic_id in self._ancestors[topic_id]:
                continue
            for target in required:
                others = [other for other in required if other != target]
                if any(target in self._ancestors[other] for other in others):
                    chain = self.chain(topic_id, target, without=(topic_id, target))
                    yield Redundant(topic_id, target, tuple(chain))
