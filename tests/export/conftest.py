"""What `make export` made, opened for the tests; `make test` makes it just before."""

from __future__ import annotations

from pathlib import Path

import pytest

from macros.export.job import Job
from macros.project import Project
from macros.registry import load

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture(scope="session")
def job() -> Job:
    """The run of which the files are: the same site, the same edition."""
    project = Project(ROOT)
    loaded, problems = load(project)
    assert loaded is not None, problems
    job = Job(project, loaded)
    assert (job.downloads / f"{job.edition.name}.pdf").is_file(), "Run `make export` first."
    return job
