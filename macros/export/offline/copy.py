"""Makes the offline copy: a second build, its pages changed for files, and the zip of it."""

from __future__ import annotations

import shutil
from collections.abc import Iterable
from pathlib import Path
from typing import Final

from macros.export.edition import Edition
from macros.export.job import DOWNLOADS, ExportError, Job
from macros.export.offline import links, pack, pages, readme, script
from macros.export.published import site_address
from macros.export.steps import Step, Steps
from macros.problems import Problem
from macros.project import Project
from macros.registry import load
from macros.tools.build import build_pages, finish
from macros.tools.node import NodeError

SERVER: Final = Path(__file__).parent / "serve.py"
# For hosts, for search engines, for the languages of other sites, for those who debug the theme.
NOT_NEEDED: Final = ("_headers", "sitemap.xml*", "assets/javascripts/lunr", "assets/**/*.map")


def write(job: Job, step: Step) -> None:
    """Write `downloads/<name>-offline.zip`; ExportError if that cannot be done."""
    step.of(5)
    copy = job.work / "offline" / job.edition.name
    _stop_on(build_pages(job.project, copy, strict=False, for_files=True))
    step.advance()
    _stop_on(finish(job.project, copy))
    step.advance()
    try:
        complete(job.project, copy, job.edition)
    except NodeError as error:
        raise ExportError(f"the script of the offline copy was not bundled: {error}") from None
    step.advance()
    if broken := links.broken(copy):
        raise ExportError("links of the offline copy lead nowhere:\n" + "\n".join(broken))
    step.advance()
    job.downloads.mkdir(parents=True, exist_ok=True)
    pack.write(zip_of(job.project, job.edition), copy, job.edition.time)
    step.advance()


def make(project: Project) -> Path:
    """Return the zip of the built site, made now if it is not there; ExportError as above."""
    loaded, problems = load(project)
    if loaded is None:
        raise ExportError("\n".join(map(str, problems)))
    job = Job(project, loaded)
    target = zip_of(project, job.edition)
    if not target.is_file():
        with Steps() as steps, steps.step("offline copy") as step:
            write(job, step)
    return target


def zip_of(project: Project, edition: Edition) -> Path:
    """Return where the zip of this edition stands."""
    return project.site / DOWNLOADS / f"{edition.name}-offline.zip"


def complete(project: Project, copy: Path, edition: Edition) -> None:
    """Turn a finished build into the copy: what it needs without a host, and nothing else."""
    _remove(copy, NOT_NEEDED)
    script.write(project, copy)
    _write_index(copy)
    hosted = site_address()
    pages.rewrite(copy, downloads=f"{hosted}{DOWNLOADS}/" if hosted else None)
    shutil.copyfile(SERVER, copy / SERVER.name)
    text = readme.text(edition, SERVER.name)
    # Windows' own editor of old knows no other line ends.
    (copy / "README.txt").write_text(text, encoding="utf-8", newline="\r\n")


def _write_index(copy: Path) -> None:
    """Write the search index also as a script: a page from a file may fetch nothing."""
    index = copy / "search" / "search_index.json"
    text = index.read_text(encoding="utf-8")
    index.with_suffix(".js").write_text(f"var __index = {text}", encoding="utf-8")


def _remove(copy: Path, patterns: Iterable[str]) -> None:
    for pattern in patterns:
        for path in sorted(copy.glob(pattern)):
            shutil.rmtree(path) if path.is_dir() else path.unlink()


def _stop_on(problems: list[Problem]) -> None:
    if problems:
        raise ExportError("\n".join(map(str, problems)))
