"""All that the rules look at, read once."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from functools import cached_property

from macros.bundle import Bundle
from macros.graph import Graph
from macros.model import Registry, Topic
from macros.page import Page
from macros.problems import Problem
from macros.project import Project
from macros.questions import QuestionFile
from macros.registry import Loaded
from macros.suggest import did_you_mean


@dataclass(frozen=True)
class Content:
    """A project's registry, bundles and other files, as they are, right or wrong.

    `bundles` has every folder below docs/topics by its name, orphans too. `pages` has the pages
    outside of bundles by their path from docs/. `spanning` are the question files of interview/.
    """

    project: Project
    loaded: Loaded
    bundles: Mapping[str, Bundle]
    pages: Mapping[str, Page]
    spanning: tuple[QuestionFile, ...]

    @property
    def registry(self) -> Registry:
        """The registry itself."""
        return self.loaded.registry

    @cached_property
    def graph(self) -> Graph:
        """How the topics hang together."""
        return Graph(self.registry)

    @cached_property
    def topics(self) -> Mapping[str, Topic]:
        """The topics by id, in reading order."""
        return {topic.id: topic for topic in self.registry.topics}

    def unknown_topic(self, topic_id: str) -> str | None:
        """Return "unknown topic 'x'." with what may be meant; None for an id of a topic."""
        if topic_id in self.topics:
            return None
        if topic_id in self.registry.moved:
            new = self.registry.moved[topic_id]
            return f"unknown topic '{topic_id}'. It was renamed: write '{new}'."
        return f"unknown topic '{topic_id}'.{did_you_mean(topic_id, self.topics)}"

    def problem(self, message: str, *path: str | int) -> Problem:
        """Return a problem at a line of the registry, by the path of the value in the file."""
        return self.loaded.source.problem(message, *path)


Rule = Callable[[Content], Iterable[Problem]]
