"""What a renderer sees: the registry, the bundles, and the page that it renders for."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TypeVar

from macros.bundle import Bundle, read_bundle
from macros.graph import Graph
from macros.links import Links
from macros.minutes import minutes
from macros.model import Cluster, LearningPath, Level, Registry, Topic
from macros.project import Project
from macros.proofs import ledger
from macros.proofs.ledger import Stamp
from macros.suggest import did_you_mean

TOPICS = "topics"
_Part = TypeVar("_Part", Level, LearningPath, Cluster)


class ContentError(Exception):
    """A mistake in the content, told in one sentence to the person who made it."""


@dataclass(frozen=True)
class View:
    """Everything that a page can be made of; lookups of what is not there raise ContentError."""

    project: Project
    registry: Registry
    graph: Graph
    links: Links
    environment: Mapping[str, str] = field(default_factory=dict)

    @property
    def topic(self) -> Topic:
        """The topic whose page this is."""
        parts = self.links.page.split("/")
        if len(parts) < 3 or parts[0] != TOPICS:
            raise ContentError("this macro belongs on the page of a topic.")
        return self.find_topic(parts[1])

    def find_topic(self, topic_id: str) -> Topic:
        """Return the topic with this id."""
        try:
            return self.registry.topic(topic_id)
        except KeyError:
            guess = did_you_mean(topic_id, (topic.id for topic in self.registry.topics))
            raise ContentError(f"unknown topic '{topic_id}'.{guess}") from None

    def find_level(self, level_id: str) -> Level:
        """Return the level with this id."""
        return _find("level", level_id, self.registry.levels)

    def find_path(self, path_id: str) -> LearningPath:
        """Return the learning path with this id."""
        return _find("path", path_id, self.registry.paths)

    def bundle(self, topic_id: str | None = None) -> Bundle:
        """Return the bundle of a topic, by default of the topic whose page this is."""
        return read_bundle(self.project, topic_id or self.topic.id)

    def missing(self, file: str, message: str) -> ContentError:
        """Return the error for what a file of this bundle lacks: the file's own, if it has one."""
        path = self.bundle().path(file)
        told = next((each for each in self.bundle().problems if each.file == path), None)
        return ContentError(str(told) if told else f"{path} {message}")

    def minutes(self, topic: Topic) -> int | None:
        """Return how long a topic takes; None while it has no page."""
        if topic.planned or self.bundle(topic.id).page is None:
            return None
        return minutes(self.bundle(topic.id))

    def stamp(self, topic: Topic) -> Stamp | None:
        """Return what the topic was proven on, as long as nothing changed since."""
        return None if topic.planned else ledger.stamp(self.project, topic.id)

    def written(self) -> list[Topic]:
        """Return the topics that have a page, in reading order."""
        return [topic for topic in self.registry.topics if not topic.planned]

    def source(self, topic: Topic) -> str:
        """Return the page of a topic, as links name it."""
        return f"{TOPICS}/{topic.id}/index.md"

    def href(self, topic: Topic, anchor: str | None = None) -> str:
        """Return the address of a topic for raw HTML."""
        return self.links.href(self.source(topic), anchor)


def _find(kind: str, wanted: str, parts: tuple[_Part, ...]) -> _Part:
    for part in parts:
        if part.id == wanted:
            return part
    guess = did_you_mean(wanted, (part.id for part in parts))
    raise ContentError(f"unknown {kind} '{wanted}'.{guess}")
