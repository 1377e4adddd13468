"""Where the built lab lies: among the theme's files, so that every builder and server copies it."""

from __future__ import annotations

from pathlib import Path

from macros.project import Project


def built_lab(project: Project) -> Path:
    """Return the folder of the built lab; all of it is generated."""
    return project.root / "overrides" / "assets" / "lab"


def manifest(project: Project) -> Path:
    """Return the file that says what the built lab consists of."""
    return built_lab(project) / "manifest.json"
