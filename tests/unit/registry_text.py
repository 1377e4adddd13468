"""A registry without mistakes, and what rules say about changes to it; no bundles are needed."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from macros.problems import Problem
from macros.project import Project
from macros.registry import Loaded, load
from macros.rules.content import Content, Rule

REGISTRY = """\
subject: {name: Baking, stamp: [flour]}
levels:
  - {id: kitchen, title: Kitchen, tagline: Start, summary: The first loaf.}
  - {id: bakery, title: Bakery, tagline: Go on, summary: Many loaves.}
topics:
  - id: dough
    number: 1
    title: Dough
    level: kitchen
    summary: Flour and water.
  - id: yeast
    number: 2
    title: Yeast
    level: kitchen
    summary: Why dough rises.
    requires:
      dough: yeast lives in it
  - id: oven
    number: 3
    title: Oven
    level: bakery
    summary: Heat.
    requires:
      yeast: you bake what has risen
    status: planned
  - id: crust
    number: 4
    title: Crust
    level: bakery
    summary: Brown and crisp.
    requires:
      oven: heat makes it
    must_know: Guests ask.
clusters:
  - id: basics
    title: Basics
    nodes:
      - {topics: [dough, yeast], label: Dough and yeast}
      - topics: [oven]
paths:
  - id: first-loaf
    title: First loaf
    goal: Bake a loaf.
    outcome: A loaf.
    assumes: A kitchen.
    topics:
      - dough
      - oven
      - crust
moved:
  leaven: yeast
"""


def changed(*replacements: tuple[str, str]) -> str:
    """Return the registry with each first occurrence replaced; all of them must occur."""
    text = REGISTRY
    for old, new in replacements:
        assert old in text, old
        text = text.replace(old, new, 1)
    return text


def project(root: Path, registry: str | bytes = REGISTRY) -> Project:
    """Return a project with this registry and nothing else."""
    made = Project(root)
    made.docs.mkdir(parents=True, exist_ok=True)
    made.registry.write_bytes(registry.encode() if isinstance(registry, str) else registry)
    return made


def loaded(root: Path, registry: str = REGISTRY) -> Loaded:
    """Return a registry that has no mistake the loader would see."""
    found, problems = load(project(root, registry))
    assert problems == []
    assert found is not None
    return found


def told_by(rules: Iterable[Rule], root: Path, registry: str = REGISTRY) -> list[str]:
    """Return what these rules say about a registry."""
    content = Content(Project(root), loaded(root, registry), {}, {}, ())
    problems: list[Problem] = []
    for rule in rules:
        problems += rule(content)
    return [str(problem) for problem in sorted(problems)]
