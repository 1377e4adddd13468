"""Everything CI runs, part by part, and the table of what each part took."""

from __future__ import annotations

import os
import re
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from macros.export.job import ExportError
from macros.export.offline.copy import make as make_copy
from macros.export.run import export
from macros.lab.ready import make_ready
from macros.problems import report
from macros.project import Project
from macros.tools import browser, node
from macros.tools.build import build_pages, finish

PYTEST = (sys.executable, "-m", "pytest", "-q", "--no-header")
PARALLEL = ("-n", "2")
UNIT = ("tests/unit", "tests/proofs", "tests/sites", "tests/content", "tests/offline")


@dataclass(frozen=True)
class Part:
    """One part: its name, and what returns 0 when all is well with the text it printed.

    A part that is no default runs only when it is named.
    """

    name: str
    run: Callable[[Project], tuple[int, str]]
    default: bool = True


@dataclass(frozen=True)
class Outcome:
    """What one part came to; counts are of tests, where the part has any."""

    name: str
    code: int
    seconds: float
    passed: int
    failed: int


def run(project: Project, only: Sequence[str]) -> int:
    """Run the parts, all or those named; print the table; return 0 if all passed."""
    unknown = set(only) - {part.name for part in PARTS}
    if unknown:
        print(f"no part {', '.join(sorted(unknown))}; there are: {', '.join(names())}")
        return 1
    began = time.monotonic()
    if set_up(project):
        return 1
    outcomes = [Outcome("setup", 0, time.monotonic() - began, 0, 0)]
    for part in chosen(only):
        print(f"\n== {part.name}", flush=True)
        began = time.monotonic()
        code, text = part.run(project)
        passed, failed = count(text)
        outcomes.append(Outcome(part.name, code, time.monotonic() - began, passed, failed))
    print("\n" + table(outcomes))
    return 0 if all(outcome.code == 0 for outcome in outcomes) else 1


def chosen(only: Sequence[str]) -> list[Part]:
    """Return the parts that run, in order: those named, or without names those by default."""
    return [part for part in PARTS if (part.name in only if only else part.default)]


def names() -> list[str]:
    """Return the names of the parts, in order."""
    return [part.name for part in PARTS]


def set_up(project: Project) -> int:
    """Get browser parts and a browser; return 0, or 1 after saying what to do."""
    print("== setup", flush=True)
    try:
        node.install(project)
        print(f"  browser: {browser.ensure()}", flush=True)
    except (browser.NoBrowserError, node.NodeError) as error:
        print(error)
        return 1
    return 0


def count(text: str) -> tuple[int, int]:
    """Return how many tests passed and failed, by the closing lines of the runners."""
    passed = sum(int(n) for n in re.findall(r"(?:^|\s)(\d+) passed\b", text))
    failed = sum(int(n) for n in re.findall(r"(?:^|\s)(\d+) (?:failed|errors?)\b", text))
    node_passed = sum(int(n) for n in re.findall(r"^# pass (\d+)", text, re.MULTILINE))
    node_failed = sum(int(n) for n in re.findall(r"^# fail (\d+)", text, re.MULTILINE))
    return passed + node_passed, failed + node_failed


def table(outcomes: Sequence[Outcome]) -> str:
    """Return the parts with their seconds and counts, and the closing line of totals."""
    rows = [f"{'part':<10}{'result':>8}{'seconds':>9}{'passed':>8}{'failed':>8}"]
    for outcome in outcomes:
        result = "ok" if outcome.code == 0 else "FAILED"
        counts = f"{outcome.passed or '':>8}{outcome.failed or '':>8}"
        rows.append(f"{outcome.name:<10}{result:>8}{outcome.seconds:>9.1f}{counts}")
    rows.append(f"{'all':<10}{'':>8}{sum(outcome.seconds for outcome in outcomes):>9.1f}")
    passed = sum(outcome.passed for outcome in outcomes)
    # A part can break without a failed test (a type error, say): it counts as one failure.
    failed = sum(outcome.failed or bool(outcome.code) for outcome in outcomes)
    return "\n".join([*rows, "", f"{passed} passed, {failed} failed"])


def _echo(project: Project, *commands: Sequence[str]) -> tuple[int, str]:
    """Run the commands one after another, showing and keeping what they print."""
    code, kept = 0, []
    environment = {**os.environ, "NO_MKDOCS_2_WARNING": "1", "PYTHONDONTWRITEBYTECODE": "1"}
    for command in commands:
        process = subprocess.Popen(
            list(command),
            cwd=project.root,
            env=environment,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
        assert process.stdout is not None
        for line in process.stdout:
            print(line, end="", flush=True)
            kept.append(line)
        code = process.wait() or code
    return code, "".join(kept)


def _lint(project: Project) -> tuple[int, str]:
    python = sys.executable
    return _echo(
        project,
        (python, "-m", "ruff", "check", "."),
        (python, "-m", "ruff", "format", "--check", "."),
        (python, "-m", "mypy"),
    )


def _check(project: Project) -> tuple[int, str]:
    return _echo(project, (sys.executable, "-m", "macros", "check"))


def _prove(project: Project) -> tuple[int, str]:
    code, text = _echo(project, (sys.executable, "-m", "macros", "prove"))
    # A line a bundle, and one for all at the end: only that one is counted.
    closing = re.findall(r"^\d+ passed, \d+ failed$", text, re.MULTILINE)
    return code, closing[-1] if closing else ""


def _site(project: Project) -> tuple[int, str]:
    problems = (
        make_ready(project, print)
        or build_pages(project, project.site)
        or finish(project, project.site)
    )
    text = report(problems) or f"  built {sum(1 for _ in project.site.rglob('*.html'))} pages"
    print(text, flush=True)
    return (1 if problems else 0), ""


def _tests(*folders: str, parallel: bool = False) -> Callable[[Project], tuple[int, str]]:
    extra = PARALLEL if parallel else ()
    return lambda project: _echo(project, (*PYTEST, *extra, *folders))


def _copied(*arguments: str) -> Callable[[Project], tuple[int, str]]:
    """Return the run of browser tests on the offline copy, which is made if it is not there."""

    def run(project: Project) -> tuple[int, str]:
        try:
            print(f"  offline copy: {make_copy(project).name}", flush=True)
        except ExportError as error:
            print(error)
            return 1, ""
        return _echo(project, (*PYTEST, *PARALLEL, *arguments))

    return run


def _export(project: Project) -> tuple[int, str]:
    problems = export(project)
    if problems:
        print(report(problems), flush=True)
        return 1, ""
    # By file: what one file of tests shares is dear.
    return _echo(project, (*PYTEST, *PARALLEL, "--dist=loadfile", "tests/export"))


def _javascript(project: Project) -> tuple[int, str]:
    return _echo(project, (node.node(), "--test", "--test-reporter=tap", "tests/js/**/*.test.js"))


PARTS = (
    Part("lint", _lint),
    Part("check", _check),
    Part("unit", _tests(*UNIT, parallel=True)),
    Part("proofs", _prove),
    Part("site", _site),
    Part("built", _tests("tests/built")),
    Part("export", _export),
    Part("js", _javascript),
    Part("lab", _tests("tests/lab", parallel=True)),
    Part("browser", _tests("tests/browser", parallel=True)),
    Part("offline", _copied("tests/browser", "--site-from=files")),
    Part("served", _copied("tests/browser", "--site-from=served"), default=False),
    Part("zensical", _tests("tests/zensical")),
)
