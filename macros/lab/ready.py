"""Makes the lab ready for a build of the site: its parts, and what it knows of each topic."""

from __future__ import annotations

from collections.abc import Callable

from macros.lab import payload
from macros.lab.build import build
from macros.lab.wheels import LabError
from macros.problems import Problem
from macros.project import Project
from macros.registry import load
from macros.tools.node import NodeError


def make_ready(project: Project, say: Callable[[str], object]) -> list[Problem]:
    """Build what is not built yet; return what went wrong. A subject without a lab needs none."""
    loaded, problems = load(project)
    if loaded is None or not loaded.registry.subject.lab:
        return problems
    try:
        build(project, say)
    except (LabError, NodeError) as error:
        return [Problem("requirements/proofs.txt", 0, f"the lab could not be built: {error}")]
    payload.write(project)
    return []
