"""A run of the exporters over the small project about bread, on a site that holds the minimum."""

from __future__ import annotations

from rich.console import Console
from rich.progress import Progress

from macros.export.job import Job
from macros.export.steps import Step
from macros.registry import load
from tests.unit.bakery import Bakery

TOPIC = """\
<html><head>
<title>Kneading</title>
</head><body><ul class="km-source">
<li class="km-docs">Official</li>
</ul></body></html>
"""


def job_of(bakery: Bakery) -> Job:
    """Return the run; the site holds the page of the one written topic."""
    (bakery.root / "pyproject.toml").write_text(
        '[project]\nname = "bread-map"\nversion = "2.0.0"\n', encoding="utf-8"
    )
    (bakery.root / "mkdocs.yml").write_text(
        "site_name: Bread Map\nsite_description: All about bread.\n", encoding="utf-8"
    )
    page = bakery.project.site / "topics" / "kneading" / "index.html"
    page.parent.mkdir(parents=True, exist_ok=True)
    page.write_text(TOPIC, encoding="utf-8")
    loaded, problems = load(bakery.project)
    assert loaded is not None, problems
    return Job(bakery.project, loaded)


def quiet_step() -> Step:
    """Return a step that shows nothing."""
    progress = Progress(console=Console(quiet=True), disable=True)
    return Step(progress, progress.add_task("quiet"))
