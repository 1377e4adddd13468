"""How long the build takes: with all macros, and the same pages with none, in one run."""

from __future__ import annotations

import re
import shutil
import tempfile
import time
from pathlib import Path

from macros.project import Project
from macros.tools.build import build_pages


def measure(project: Project) -> list[list[object]]:
    """Return the build's seconds, its share that the macros cost, and milliseconds a page."""
    with tempfile.TemporaryDirectory() as temporary:
        own = Path(temporary)
        ours = _timed(project, own / "site")
        pages = sum(1 for _ in (own / "site").rglob("*.html"))
        bare = _timed(_without_macros(project, own / "bare"), own / "bare-site")
    return [
        ["build", "seconds", "ms a page", "ratio"],
        ["with macros", f"{ours:.2f}", f"{1000 * ours / pages:.0f}", f"{ours / bare:.2f}"],
        ["same pages, no macros", f"{bare:.2f}", f"{1000 * bare / pages:.0f}", "1.00"],
    ]


def _timed(project: Project, into: Path) -> float:
    began = time.perf_counter()
    problems = build_pages(project, into, strict=False)
    if problems:
        raise SystemExit("\n".join(map(str, problems)))
    return time.perf_counter() - began


def _without_macros(project: Project, root: Path) -> Project:
    """Copy the project with every macro call taken out of its pages."""
    root.mkdir()
    for folder in ("docs", "overrides", "macros"):
        shutil.copytree(project.root / folder, root / folder)
    for file in ("mkdocs.yml", "nav.yml"):
        shutil.copy(project.root / file, root / file)
    for page in (root / "docs").rglob("*.md"):
        text = page.read_text(encoding="utf-8")
        page.write_text(re.sub(r"\{\{.*?\}\}", "", text, flags=re.DOTALL), encoding="utf-8")
    return Project(root)
