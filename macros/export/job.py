"""What every exporter gets: the project, its finished site, its chapters and its edition."""

from __future__ import annotations

import functools
from dataclasses import dataclass
from pathlib import Path

from macros.export.chapters import Chapter, chapters
from macros.export.edition import Edition, edition_of
from macros.graph import Graph
from macros.project import Project
from macros.registry import Loaded

DOWNLOADS = "downloads"  # the folder of the site, and the page that lists what is in it


class ExportError(Exception):
    """A file could not be made; the message says why and what to do."""


@dataclass(frozen=True)
class Job:
    """One run of `make export`, on a site that is built and finished."""

    project: Project
    loaded: Loaded

    @functools.cached_property
    def graph(self) -> Graph:
        """The graph of the registry."""
        return Graph(self.loaded.registry)

    @functools.cached_property
    def edition(self) -> Edition:
        """The stamp of this run, taken before anything is added to the site."""
        return edition_of(self.project, self.loaded.registry)

    @functools.cached_property
    def chapters(self) -> tuple[Chapter, ...]:
        """The pages of the site as chapters, in reading order."""
        return chapters(self.project, self.loaded.registry, self.work / "drawings")

    @property
    def site(self) -> Path:
        """The finished site."""
        return self.project.site

    @property
    def downloads(self) -> Path:
        """The folder that takes the files."""
        return self.project.site / DOWNLOADS

    @property
    def work(self) -> Path:
        """A folder for what lies between the site and the files; kept for looking at."""
        return self.project.root / ".cache" / "export"

    __hash__ = object.__hash__
