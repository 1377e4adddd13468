"""Runs the proofs of bundles and remembers what they proved."""

from __future__ import annotations

import contextlib
import os
import subprocess
import sys
import tempfile
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Final

from macros.bundle import proof_name, read_bundle
from macros.problems import Problem
from macros.project import Project
from macros.proofs import answers, ledger, outcomes
from macros.proofs.groups import groups, with_proofs
from macros.proofs.outcomes import Failure, Outcome
from macros.registry import load
from macros.suggest import did_you_mean

# -qq: pytest shows failures; the lines of progress are ours.
_PYTEST: Final = (
    *(sys.executable, "-m", "pytest", "-qq", "--no-header"),
    *("--import-mode=importlib", "-p", "no:cacheprovider", "--continue-on-collection-errors"),
)
_PATIENCE = 20  # seconds that an interrupted run has to end its servers


def prove(
    project: Project,
    ids: Sequence[str] = (),
    *,
    fix: bool = False,
    say: Callable[[str], object] = print,
) -> list[Problem]:
    """Run the proofs of these bundles, by default of all, and note the outcomes in proofs.json.

    Prints a line a bundle, the failures in full, and the counts. Recorded answers are compared
    too; with `fix`, outputs are written instead of compared. Returns a problem for every failure.
    """
    if fix and os.environ.get("CI"):
        return [Problem("outputs", 0, answers.CI_REFUSES)]
    known = with_proofs(project)
    chosen = [each for each in ids if each in known] if ids else known
    problems = [
        Problem(
            project.relative(project.topics), 0, f"no tests in '{each}'.{did_you_mean(each, known)}"
        )
        for each in dict.fromkeys(ids)
        if each not in known
    ]
    found: dict[str, Outcome] = {}
    for group in groups(project, chosen):
        before = {each: ledger.fingerprint(project, each) for each in group}
        ended = _run_pytest(project, group, fix)
        found |= ended
        for topic_id in group:
            outcome = ended.get(topic_id, Outcome())
            problems += [_problem(project, topic_id, failure) for failure in outcome.failures]
            if not outcome.tests and not outcome.failures:
                where = project.relative(project.bundle(topic_id))
                problems.append(Problem(where, 0, "no test ran, or pytest was ended too early."))
        problems += _remember(project, ended, before, fix)
    if not fix:
        problems += answers.capture(project, chosen, say=say)
    say(outcomes.total(found.values()))
    return problems


def _run_pytest(project: Project, ids: Sequence[str], fix: bool) -> dict[str, Outcome]:
    """Return how the tests of these bundles ended, in one process of their own."""
    with tempfile.TemporaryDirectory(prefix="proofs-") as folder:
        report = Path(folder) / "report.json"
        options = [f"--rootdir={project.root}", f"--proof-report={report}"]
        options += ["--fix-outputs"] if fix else []
        folders = [str(project.bundle(each)) for each in ids]
        process = subprocess.Popen([*_PYTEST, *options, *folders], cwd=project.root)
        try:
            process.wait()
        except BaseException:
            # The run got the interrupt as well; killed, it would leave its servers behind.
            process.terminate()
            with contextlib.suppress(subprocess.TimeoutExpired):
                process.wait(_PATIENCE)
            process.kill()
            raise
        return outcomes.read(report)


def _remember(
    project: Project, ended: Mapping[str, Outcome], before: Mapping[str, str], fix: bool
) -> list[Problem]:
    loaded, problems = load(project)
    if loaded is None:
        return problems
    entries = {}
    for topic_id, outcome in ended.items():
        # What a fix wrote belongs to what was proven; what a person changed meanwhile does not.
        proven = ledger.fingerprint(project, topic_id) if fix else before[topic_id]
        tests = dict(outcome.tests)
        if len(outcome.failures) > outcome.count("failed"):
            tests["(bundle)"] = "failed"
        entries[topic_id] = ledger.entry(proven, loaded.registry.subject.stamp, tests)
    ledger.merge(project, entries)
    return []


def _problem(project: Project, topic_id: str, failure: Failure) -> Problem:
    file = f"{project.relative(project.bundle(topic_id))}/{failure.file}"
    page = read_bundle(project, topic_id).page
    gotchas = [gotcha.id for gotcha in page.gotchas if gotcha.id] if page else []
    proven = next((each for each in gotchas if proof_name(each) == failure.test), None)
    message = f"{failure.test}: {failure.message}" if failure.test else failure.message
    if proven:
        message = f"gotcha '{proven}' is not proven: {message}"
    return Problem(file, failure.line, message)
