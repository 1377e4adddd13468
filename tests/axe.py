"""The accessibility checker axe, as a script for a page."""

from __future__ import annotations

from macros.project import Project
from macros.tools import node


def source(project: Project) -> str:
    """Return the script; it is installed where it is not."""
    node.install(project)
    return (project.root / "node_modules" / "axe-core" / "axe.min.js").read_text(encoding="utf-8")
