"""Makes everything that a reader can take away, step by step."""

from __future__ import annotations

import shutil
from collections.abc import Callable

from macros.export import data, markdown, offline, page, topic_zips
from macros.export.book import cheat_sheet, source
from macros.export.book import write as book
from macros.export.epub import write as epub
from macros.export.job import ExportError, Job
from macros.export.steps import Step, Steps
from macros.problems import Problem
from macros.project import Project
from macros.registry import load

STEPS: tuple[tuple[str, Callable[[Job, Step], None]], ...] = (
    ("chapters", lambda job, step: step.of(len(job.chapters))),
    ("cheat sheet", cheat_sheet.write),
    ("book", book.write),
    ("epub", epub.write),
    ("markdown", markdown.write),
    ("data", data.write),
    ("topic archives", topic_zips.write),
    ("offline copy", offline.write),
    ("links to the files", page.write),
)


def export(project: Project) -> list[Problem]:
    """Write all files into the finished site; return what stopped it, nothing if all is there."""
    loaded, problems = load(project)
    if loaded is None:
        return problems
    job = Job(project, loaded)
    prepare(job)
    with Steps() as steps:
        for name, write in STEPS:
            try:
                with steps.step(name) as step:
                    write(job, step)
            except ExportError as error:
                return [Problem("make export", 0, f"{name}: {error}")]
    return []


def prepare(job: Job) -> None:
    """Make the folders, and put there what the typesetter reads beside the text."""
    shutil.rmtree(job.work / "drawings", ignore_errors=True)
    job.work.mkdir(parents=True, exist_ok=True)
    job.downloads.mkdir(parents=True, exist_ok=True)
    for name in source.ASSETS:
        shutil.copy(source.HERE / name, job.work / name)
