"""Which gotchas have no passing proof: what the production build refuses to publish."""

from __future__ import annotations

from macros.bundle import read_bundle
from macros.problems import Problem
from macros.project import Project
from macros.proofs import ledger
from macros.registry import load


def unproven(project: Project) -> list[Problem]:
    """Return a problem for each bundle without a valid run and each gotcha without a pass."""
    loaded, problems = load(project)
    if loaded is None:
        return problems
    for topic in loaded.registry.topics:
        if topic.planned:
            continue
        bundle = read_bundle(project, topic.id)
        if bundle.page is None:
            continue
        page = project.relative(bundle.folder / "index.md")
        stamp = ledger.stamp(project, topic.id)
        if stamp is None:
            how = f"Run `make prove id={topic.id}`."
            problems.append(Problem(page, 0, f"not proven since it last changed. {how}"))
            continue
        for gotcha in bundle.page.gotchas:
            name = "test_" + (gotcha.id or "").replace("-", "_")
            outcome = stamp.tests.get(name, "not run")
            if outcome != "passed":
                message = f"gotcha '{gotcha.id}' has no passing proof ({name}: {outcome})."
                problems.append(Problem(page, gotcha.line, message))
    return problems
