"""One start of the lab for all topics, and what each topic is."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from macros.lab.paths import manifest
from macros.model import Registry
from macros.project import Project
from macros.registry import load
from tests.lab.node_lab import NodeLab

ROOT = Path(__file__).resolve().parents[2]
PROJECT = Project(ROOT)


def registry() -> Registry:
    """The project's own topics."""
    loaded, problems = load(PROJECT)
    assert loaded is not None, problems
    return loaded.registry


@pytest.fixture(scope="session")
def lab() -> Iterator[NodeLab]:
    assert manifest(PROJECT).is_file(), "Run `make lab` first."
    one = NodeLab(PROJECT)
    yield one
    one.close()
