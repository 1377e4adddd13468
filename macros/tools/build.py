"""The production build: nothing is published that is not checked and proven."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

from macros import redirects
from macros.lab.ready import make_ready
from macros.problems import Problem
from macros.project import Project
from macros.proofs.runner import prove
from macros.registry import load
from macros.rules import check
from macros.tools import policy
from macros.tools.licenses import write_page
from macros.tools.polish import polish
from macros.tools.proven import unproven


def build(
    project: Project, say: Callable[[str], object], *, prove_again: bool = True
) -> list[Problem]:
    """Check, prove and build into `site/`; return every problem, none if the site is there.

    Without `prove_again` the proofs run only if a topic has none that still holds.
    """
    step = _Steps(say)
    if problems := list(check(project)):
        return problems
    step("checked")
    if (prove_again or unproven(project)) and (problems := prove(project, ()) or unproven(project)):
        return problems
    step("proven")
    if problems := make_ready(project, say):
        return problems
    step("lab made")
    if problems := build_pages(project, project.site):
        return problems
    step("built")
    problems = finish(project, project.site)
    step("finished")
    return problems


def build_pages(
    project: Project, into: Path, *, strict: bool = True, for_files: bool = False
) -> list[Problem]:
    """Run MkDocs; return its warnings as problems if strict, else only what stopped it.

    Pages for files link to files, not to folders, and know no address of a site.
    """
    strictly = "--strict" if strict else "--no-strict"
    command = [sys.executable, "-m", "mkdocs", "build", strictly, "--site-dir", str(into)]
    environment = {**os.environ, "NO_MKDOCS_2_WARNING": "1"}
    if for_files:
        command.append("--no-directory-urls")
        environment.pop("SITE_URL", None)
    done = subprocess.run(
        command, cwd=project.root, env=environment, capture_output=True, text=True, check=False
    )
    if done.returncode == 0:
        return []
    said = [line for line in done.stderr.splitlines() if line.startswith(("WARNING", "ERROR"))]
    return [Problem("mkdocs.yml", 0, line) for line in said or done.stderr.splitlines()[-5:]]


def finish(project: Project, site: Path) -> list[Problem]:
    """Add what MkDocs does not make: licenses, redirects of moved topics, the policy."""
    loaded, problems = load(project)
    if loaded is None:
        return problems
    redirects.write(loaded.registry, site)
    problems += write_page(project, site)
    polish(site)
    policy.write(site)
    return problems


class _Steps:
    """Says each step with the seconds it took."""

    def __init__(self, say: Callable[[str], object]) -> None:
        self._say = say
        self._began = time.monotonic()

    def __call__(self, step: str) -> None:
        now = time.monotonic()
        self._say(f"  {step:<24}{now - self._began:6.1f} s")
        self._began = now
