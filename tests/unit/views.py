"""Makes the view of one page of the small project about bread."""

from __future__ import annotations

from collections.abc import Mapping

from macros.graph import Graph
from macros.links import PublishedLinks
from macros.registry import load
from macros.render.view import View
from tests.unit.bakery import Bakery

KNEADING = "topics/kneading/index.md"


def view(
    bakery: Bakery, page: str = KNEADING, environment: Mapping[str, str] | None = None
) -> View:
    """Return what a renderer of this page sees."""
    loaded, problems = load(bakery.project)
    assert loaded is not None, problems
    return View(
        project=bakery.project,
        registry=loaded.registry,
        graph=Graph(loaded.registry),
        links=PublishedLinks(page),
        environment=environment or {},
    )
