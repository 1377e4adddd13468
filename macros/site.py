"""Connects the renderers to the site builder: the only module that knows MkDocs and Zensical.

A mistake in the content never ends the build: it is logged as a warning, which a strict build
counts, and shown in a box where the macro stands, which a serving builder shows at once.
"""

from __future__ import annotations

import inspect
import logging
import os
import sys
from collections.abc import Callable
from pathlib import Path
from types import FrameType
from typing import Any

from macros.graph import Graph
from macros.links import Links, PublishedLinks, SourceLinks
from macros.problems import Problem
from macros.project import Project
from macros.registry import Loaded, load
from macros.render.catalog import INLINE, MACROS, ROWS, Renderer, describe
from macros.render.markup import escape
from macros.render.view import ContentError, View

_LOG = logging.getLogger("mkdocs.macros.knowledge_map")
_graph: tuple[Loaded, Graph] | None = None


def define(env: Any) -> None:
    """Register every macro with the builder's environment."""
    site = _Site(env)
    for name, renderer in MACROS.items():
        env.macro(site.macro(name, renderer), name)


class _UnreadableRegistryError(Exception):
    """The registry cannot be read, which was told already; says it once more on the page."""


class _Site:
    """One build, or with Zensical one page of it."""

    def __init__(self, env: Any) -> None:
        self._env = env
        self._project = Project(Path(env.project_dir))
        self._said: set[Problem] = set()

    def macro(self, name: str, renderer: Renderer) -> Callable[..., str]:
        """Return the renderer as a macro that never raises."""

        def macro(*args: Any, **kwargs: Any) -> str:
            try:
                return self._render(name, renderer, args, kwargs)
            except _UnreadableRegistryError as error:
                return _box(name, str(error))
            except ContentError as error:
                return self._failure(name, str(error))
            except Exception as error:  # a mistake of ours must not end a build either
                _LOG.debug("%s failed", name, exc_info=True)
                return self._failure(name, f"{type(error).__name__}: {error} ({_origin(error)})")

        macro.__name__ = name
        macro.__doc__ = renderer.__doc__
        return macro

    def _render(
        self, name: str, renderer: Renderer, args: tuple[Any, ...], kwargs: dict[str, Any]
    ) -> str:
        view = self._view()
        try:
            inspect.signature(renderer).bind(view, *args, **kwargs)
        except TypeError as error:
            raise ContentError(f"{error}. Correct the call.") from None
        rendered = renderer(view, *args, **kwargs)
        description = describe(view, name, *args)
        if description:
            # Escaped, for the themes' templates print it as it is.
            self._env.page.meta.setdefault("description", escape(description))
        # Markdown ends a block only at a blank line, which authors need not remember.
        return rendered if name in INLINE | ROWS else f"\n{rendered}\n"

    def _view(self) -> View:
        loaded, problems = load(self._project)
        for problem in problems:
            self._say(problem)
        if loaded is None:
            more = f" And {len(problems) - 1} more." if len(problems) > 1 else ""
            raise _UnreadableRegistryError(f"the registry cannot be read. {problems[0]}{more}")
        return View(
            project=self._project,
            registry=loaded.registry,
            graph=_graph_of(loaded),
            links=self._links(),
            environment=os.environ,
        )

    def _links(self) -> Links:
        page = self._env.page
        if hasattr(page, "file"):
            return PublishedLinks(page.file.src_uri, bool(self._env.conf["use_directory_urls"]))
        return SourceLinks(page.path)

    def _failure(self, name: str, message: str) -> str:
        """Tell of a mistake, and return the box that shows it."""
        page = self._project.docs / self._links().page
        line = _template_line(sys._getframe())
        problem = Problem(
            self._project.relative(page),
            line + _front_matter_lines(page) if line else 0,
            f"{name}: {message}",
        )
        self._say(problem)
        return _box(name, str(problem))

    def _say(self, problem: Problem) -> None:
        if problem not in self._said:
            self._said.add(problem)
            _LOG.warning("%s", problem)


def _box(name: str, message: str) -> str:
    """Return the box that shows a mistake where the macro stands."""
    if name in INLINE:
        return f'<span class="km-failure" role="alert">{escape(message)}</span>'
    return (
        f'\n<div class="km-failure" role="alert"><p><strong>{name}</strong></p>'
        f"<p>{escape(message)}</p></div>\n"
    )


def _graph_of(loaded: Loaded) -> Graph:
    """Return the graph of a registry, made once as long as the file stays the same."""
    global _graph
    if _graph is None or _graph[0] is not loaded:
        _graph = (loaded, Graph(loaded.registry))
    return _graph[1]


def _template_line(frame: FrameType | None) -> int:
    """Return the line of the page that the macro was called from; 0 if it cannot be told."""
    while frame is not None:
        template = frame.f_globals.get("__jinja_template__")
        if template is not None:
            return int(template.get_corresponding_lineno(frame.f_lineno))
        frame = frame.f_back
    return 0


def _front_matter_lines(page: Path) -> int:
    """Return how many lines of the file stand before the text that the builder renders."""
    lines = page.read_text(encoding="utf-8").splitlines() if page.is_file() else []
    if not lines or lines[0].rstrip() != "---":
        return 0
    end = next((number for number, line in enumerate(lines[1:], 2) if line.rstrip() == "---"), 0)
    while end and end < len(lines) and not lines[end].strip():
        end += 1
    return end


def _origin(error: BaseException) -> str:
    """Return where in the machine an unexpected error arose."""
    step = error.__traceback__
    while step is not None and step.tb_next is not None:
        step = step.tb_next
    if step is None:
        return "unknown origin"
    return f"{Path(step.tb_frame.f_code.co_filename).name}:{step.tb_lineno}"
