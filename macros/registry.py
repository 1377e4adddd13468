"""Loads the topic registry, and knows on which line each of its parts stands."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from macros.file_cache import FileCache
from macros.model import Registry
from macros.problems import Problem
from macros.project import Project
from macros.yaml_source import Source, read_yaml, validate

_Result = tuple["Loaded | None", list[Problem]]
_CACHE = FileCache[_Result]()


@dataclass(frozen=True)
class Loaded:
    """The registry with its line numbers."""

    registry: Registry
    source: Source

    def line(self, *path: str | int) -> int:
        """Return the line of a part, named by section and id: line("topics", "sse", "title")."""
        if len(path) > 1 and isinstance(path[1], str):
            section = self.source.data.get(path[0], ())
            if isinstance(section, list):
                ids = [part.get("id") for part in section]
                if path[1] not in ids:
                    return self.source.line(path[0])
                path = (path[0], ids.index(path[1]), *path[2:])
        return self.source.line(*path)

    def line_of_topic(self, topic_id: str, *path: str | int) -> int:
        """Return the line of a topic, or of a part of it: line_of_topic("sse", "requires")."""
        return self.line("topics", topic_id, *path)


def load(project: Project) -> tuple[Loaded | None, list[Problem]]:
    """Return the registry, or None, and what is wrong with the file. Never raises.

    The result is kept until the file's time or size changes.
    """
    path = project.registry
    file = project.relative(path)
    try:
        loaded, problems = _CACHE.get(path, lambda: _load(path, file))
    except OSError:
        return None, [
            Problem(file, 0, "does not exist. It is the list of all topics: the site needs it.")
        ]
    return loaded, list(problems)


def _load(path: Path, file: str) -> _Result:
    source, problems = read_yaml(path, file)
    if source is None:
        return None, problems
    registry, mistakes = validate(Registry, source)
    loaded = Loaded(registry, source) if registry is not None else None
    return loaded, sorted({*problems, *mistakes})
