"""Which bundles can share a process."""

from __future__ import annotations

from collections.abc import Sequence

from macros.bundle import read_bundle
from macros.project import Project


def groups(project: Project, ids: Sequence[str]) -> list[list[str]]:
    """Return the bundles that run together, in their order, then each that runs alone."""
    alone = [each for each in ids if read_bundle(project, each).settings.own_process]
    together = [each for each in ids if each not in alone]
    return ([together] if together else []) + [[each] for each in alone]


def with_proofs(project: Project) -> list[str]:
    """Return the ids of all bundles that hold tests, sorted."""
    return sorted({path.parent.name for path in project.topics.glob("*/test_*.py")})
