"""What the exports take: wall and processor seconds a step, memory, sizes, against one build."""

from __future__ import annotations

import resource
import tempfile
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path

import pikepdf

from macros.export import run
from macros.export.job import Job
from macros.export.steps import Steps
from macros.project import Project
from macros.registry import load
from macros.tools.build import build_pages

GIGA = 1e6  # ru_maxrss counts kilobytes


def measure(project: Project) -> list[list[object]]:
    """Return a row a step, in seconds and as a ratio to building the pages, then the files."""
    loaded, problems = load(project)
    if loaded is None:
        raise SystemExit("\n".join(map(str, problems)))
    with tempfile.TemporaryDirectory() as temporary:
        base, base_cpu = _timed(partial(build_pages, project, Path(temporary) / "site"))
    rows: list[list[object]] = [
        ["export", "seconds", "processor s", "ratio"],
        ["(the pages, built once)", f"{base:.1f}", f"{base_cpu:.1f}", "1.0"],
    ]
    job = Job(project, loaded)
    run.prepare(job)
    with Steps() as steps:
        for name, write in run.STEPS:
            with steps.step(name) as step:
                wall, processor = _timed(partial(write, job, step))
            rows.append([name, f"{wall:.1f}", f"{processor:.1f}", f"{wall / base:.1f}"])
    return [*rows, *_sizes(job)]


def _timed(work: Callable[[], object]) -> tuple[float, float]:
    began, before = time.perf_counter(), _processor()
    work()
    return time.perf_counter() - began, _processor() - before


def _processor() -> float:
    return sum(
        used.ru_utime + used.ru_stime
        for used in map(resource.getrusage, (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN))
    )


def _sizes(job: Job) -> list[list[object]]:
    own, children = (
        resource.getrusage(who).ru_maxrss / GIGA
        for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)
    )
    rows: list[list[object]] = [
        ["most memory, own and children's, GB", f"{own:.1f}", f"{children:.1f}", ""]
    ]
    for file in sorted(job.downloads.glob(f"{job.edition.name}*")):
        rows.append([file.name, f"{file.stat().st_size / 1e6:.1f} MB", "", ""])
    with pikepdf.open(job.downloads / f"{job.edition.name}.pdf") as book:
        rows.append(["pages of the book", len(book.pages), "", ""])
    return rows
