"""Collects every rule about the content, and all problems that they find."""

from __future__ import annotations

import pkgutil
from collections.abc import Mapping
from importlib import import_module
from pathlib import Path

from macros.bundle import Bundle, read_bundle
from macros.page import Page, read_page
from macros.problems import Problem
from macros.project import Project
from macros.questions import interview_files
from macros.registry import load
from macros.rules import despite
from macros.rules.content import Content, Rule

__all__ = ["RULES", "Content", "Rule", "check"]


def _collect() -> tuple[Rule, ...]:
    """Return the rules of every module here whose name ends in _rules."""
    names = sorted(module.name for module in pkgutil.iter_modules(__path__))
    modules = [import_module(f"{__name__}.{name}") for name in names if name.endswith("_rules")]
    return tuple(dict.fromkeys(rule for module in modules for rule in module.RULES))


RULES: tuple[Rule, ...] = _collect()


def check(project: Project) -> list[Problem]:
    """Return every problem of the content, sorted.

    A file that cannot be read hides only what depends on it: without a registry, the mistakes
    inside bundles and pages are still told, and so are its own wrong references.
    """
    loaded, problems = load(project)
    bundles = _bundles(project)
    pages = _pages(project)
    spanning = interview_files(project)
    for found in (
        *(bundle.problems for bundle in bundles.values()),
        *(page.problems for page in pages.values()),
        *(questions.problems for questions in spanning),
    ):
        problems += found
    if loaded is not None:
        content = Content(project, loaded, bundles, pages, spanning)
        for rule in RULES:
            problems += rule(content)
    elif project.registry.is_file():
        problems += despite.references(project)
    return sorted(set(problems))


def _bundles(project: Project) -> Mapping[str, Bundle]:
    if not project.topics.is_dir():
        return {}
    names = sorted(
        path.name
        for path in project.topics.iterdir()
        if path.is_dir() and not path.name.startswith((".", "_"))
    )
    return {name: read_bundle(project, name) for name in names}


def _pages(project: Project) -> Mapping[str, Page]:
    paths = {path.relative_to(project.docs).as_posix(): path for path in _outside_bundles(project)}
    return {name: read_page(project, paths[name]) for name in sorted(paths)}


def _outside_bundles(project: Project) -> list[Path]:
    return [
        path
        for path in project.docs.rglob("*.md")
        if project.topics not in path.parents
        and not any(part.startswith(".") for part in path.relative_to(project.docs).parts)
    ]
