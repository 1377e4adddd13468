"""Write all that is generated and committed, in one go."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from macros import nav, schema_files
from macros.problems import Problem
from macros.project import Project
from macros.proofs import answers, runner
from macros.registry import load


def fix(project: Project, topics: Sequence[str], say: Callable[[str], object]) -> list[Problem]:
    """Write navigation, schemas, recorded answers and outputs; return what could not be mended.

    With topics, answers and outputs of those alone. Files whose bytes stay the same are left
    alone. Refuses, as a problem, where CI runs: there nothing is to be mended silently.
    """
    loaded, problems = load(project)
    if loaded is None:
        return problems
    for path in (*schema_files.write(project), *nav.write(project, loaded.registry)):
        say(f"wrote {project.relative(path)}")
    known = [topic.id for topic in loaded.registry.topics if not topic.planned]
    for unknown in sorted(set(topics) - set(known)):
        problems.append(Problem("docs/topics.yml", 0, f"'{unknown}' is no topic, or is planned."))
    if problems:
        return problems
    wanted = [topic for topic in known if not topics or topic in topics]
    problems += answers.capture(project, wanted, fix=True, say=say)
    problems += runner.prove(project, wanted, fix=True)
    return problems
