"""Generated files that no other rule watches say what the registry says."""

from __future__ import annotations

from collections.abc import Iterator

from macros import nav
from macros.problems import Problem
from macros.rules.content import Content, Rule


def navigation_is_fresh(content: Content) -> Iterator[Problem]:
    """The navigation has the pages and titles of the registry."""
    project = content.project
    if not (project.root / "mkdocs.yml").is_file():
        return  # nothing reads the navigation
    if not nav.is_fresh(project, content.registry):
        yield Problem(project.relative(project.nav), 0, "out of date. Run `make fix`.")


RULES: tuple[Rule, ...] = (navigation_is_fresh,)
