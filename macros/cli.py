"""The command line: each command is a thin call into the module that does the work."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

import click

from macros.problems import Problem, report
from macros.project import Project


@click.group()
@click.option(
    "--root",
    type=click.Path(exists=True, file_okay=False, path_type=Path),
    default=Path(),
    help="The project's folder.",
)
@click.pass_context
def main(context: click.Context, root: Path) -> None:
    """Check, prove, generate and build the map."""
    context.obj = Project(root.resolve())


def stop_on(problems: Iterable[Problem]) -> None:
    """Print the problems and exit with 1; return if there are none."""
    text = report(problems)
    if text:
        click.echo(text)
        raise SystemExit(1)


@main.command()
@click.option("--proven", is_flag=True, help="Also ask for a passing proof of every gotcha.")
@click.pass_obj
def check(project: Project, proven: bool) -> None:
    """Check the rules about registry, pages, questions and generated files."""
    from macros.rules import check as all_rules
    from macros.tools.proven import unproven

    problems = list(all_rules(project))
    if proven:
        problems += unproven(project)
    stop_on(problems)
    click.echo("no problems")


@main.command()
@click.argument("topics", nargs=-1)
@click.pass_obj
def prove(project: Project, topics: tuple[str, ...]) -> None:
    """Run the proofs of all topics, or of those named."""
    from macros.proofs.runner import prove as run

    stop_on(run(project, topics))


@main.command()
@click.argument("topics", nargs=-1)
@click.pass_obj
def fix(project: Project, topics: tuple[str, ...]) -> None:
    """Write what is generated: navigation, schemas, recorded answers and outputs."""
    from macros.tools.fix import fix as write_all

    stop_on(write_all(project, topics, click.echo))


@main.command()
@click.argument("topic")
@click.option("--level", help="For a topic that the registry lacks.")
@click.option("--title", help="For a topic that the registry lacks.")
@click.pass_obj
def new(project: Project, topic: str, level: str | None, title: str | None) -> None:
    """Start a topic: its registry block and its folder."""
    from macros.tools.scaffold import start

    stop_on(start(project, topic, level, title, click.echo))


@main.command()
@click.option("--port", default=8000, show_default=True)
@click.pass_obj
def serve(project: Project, port: int) -> None:
    """Serve the site on loopback and rebuild it on every change."""
    _run("macros.tools.serve", "serve", project, port)


@main.command()
@click.pass_obj
def site(project: Project) -> None:
    """Make the production build: checks, proofs, build."""
    from macros.tools.build import build

    stop_on(build(project, click.echo))


@main.command()
@click.pass_obj
def export(project: Project) -> None:
    """Build the site and make what readers take away: book, EPUB, offline copy, data."""
    from macros.export.run import export as make_all
    from macros.tools.build import build

    stop_on(build(project, click.echo, prove_again=False))
    stop_on(make_all(project))


@main.command()
@click.pass_obj
def lab(project: Project) -> None:
    """Build what runs the examples inside the pages."""
    from macros.lab.ready import make_ready

    stop_on(make_ready(project, click.echo))


@main.command()
@click.option("--only", default="", help="Parts to run, separated by commas.")
@click.pass_obj
def test(project: Project, only: str) -> None:
    """Run everything CI runs."""
    _run("macros.tools.parts", "run", project, [part for part in only.split(",") if part])


@main.command()
@click.argument("page")
@click.pass_obj
def look(project: Project, page: str) -> None:
    """Make a contact sheet of one page."""
    _run("macros.tools.look", "look", project, page)


@main.command()
@click.option("--only", default="", help="Benchmarks to run, separated by commas.")
@click.pass_obj
def bench(project: Project, only: str) -> None:
    """Measure the build, the pages and what Lighthouse says of them."""
    _run("macros.tools.bench", "run", project, [part for part in only.split(",") if part])


@main.command()
@click.pass_obj
def lock(project: Project) -> None:
    """Write the lock files anew from pyproject.toml."""
    _run("macros.tools.lock", "lock", project)


@main.command()
@click.pass_obj
def setup(project: Project) -> None:
    """Get what the tests need beyond Python packages: browser parts and a browser."""
    _run("macros.tools.parts", "set_up", project)


def _run(module: str, function: str, *arguments: Any) -> None:
    # Imported on use: `check` should not wait for a browser driver.
    import importlib

    call: Callable[..., int | None] = getattr(importlib.import_module(module), function)
    raise SystemExit(call(*arguments) or 0)
