"""Figures about the site: measured, never tested, and compared only within one run."""

from __future__ import annotations

import importlib
from collections.abc import Sequence

from macros.lab.ready import make_ready
from macros.problems import report
from macros.project import Project
from macros.tools.build import build_pages, finish

NEED_THE_SITE = {"weight", "interaction", "lighthouse", "lab", "export"}
BENCHES = ("measures", "build", "weight", "interaction", "lab", "lighthouse", "export")


def run(project: Project, only: Sequence[str]) -> int:
    """Run the benchmarks, all or those named, and print their tables; return 0 if all ran."""
    unknown = set(only) - set(BENCHES)
    if unknown:
        print(f"no benchmark {', '.join(sorted(unknown))}; there are: {', '.join(BENCHES)}")
        return 1
    wanted = [name for name in BENCHES if not only or name in only]
    if NEED_THE_SITE & set(wanted):
        print("== the production build", flush=True)
        problems = (
            make_ready(project, print)
            or build_pages(project, project.site)
            or finish(project, project.site)
        )
        if problems:
            print(report(problems))
            return 1
    for name in wanted:
        print(f"\n== {name}", flush=True)
        rows = importlib.import_module(f"macros.tools.bench.{name}").measure(project)
        print(table(rows), flush=True)
    return 0


def table(rows: Sequence[Sequence[object]]) -> str:
    """Return rows as text columns, the first left, the others right."""
    cells = [[str(cell) for cell in row] for row in rows]
    widths = [max(len(row[i]) for row in cells) for i in range(len(cells[0]))]
    return "\n".join(
        "  ".join(
            cell.ljust(width) if i == 0 else cell.rjust(width)
            for i, (cell, width) in enumerate(zip(row, widths, strict=True))
        )
        for row in cells
    )


def sample(project: Project) -> dict[str, str]:
    """Return one address of each kind of page that the built site has, by kind."""
    from macros.registry import load

    loaded, _ = load(project)
    written = [topic.id for topic in loaded.registry.topics if not topic.planned] if loaded else []
    wanted = {
        "home": "",
        "topic": f"topics/{written[0]}/" if written else "topics/",
        "listing": "topics/",
        "map": "map/",
        "interview": "interview/",
    }
    return {
        kind: path
        for kind, path in wanted.items()
        if (project.site / path / "index.html").is_file()
    }
