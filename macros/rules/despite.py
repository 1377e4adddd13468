"""Checks what refers to what in a registry that has mistakes of another kind as well."""

from __future__ import annotations

from macros.model import Registry
from macros.problems import Problem
from macros.project import Project
from macros.registry import Loaded
from macros.rules import graph_rules, registry_rules
from macros.rules.content import Content, Rule
from macros.stand_ins import TEXT, mended
from macros.yaml_source import read_yaml

# Rules about order would complain of stand-ins; these look at each reference by itself.
REFERENCES: tuple[Rule, ...] = (
    registry_rules.ids_are_unique,
    registry_rules.numbers_are_unique,
    registry_rules.levels_exist,
    registry_rules.clusters_name_topics,
    registry_rules.paths_name_topics,
    registry_rules.moved_ids_lead_to_topics,
    graph_rules.requirements_exist,
    graph_rules.requirements_form_no_cycle,
)


def references(project: Project) -> list[Problem]:
    """Return the wrong references of a registry that does not load; none if it is unreadable."""
    source, _ = read_yaml(project.registry, project.relative(project.registry))
    if source is None:
        return []
    found = mended(Registry, source.data)
    if found is None:
        return []
    registry, places = found
    content = Content(project, Loaded(registry, source), {}, {}, ())
    lines = {source.line(*place) for place in places}
    return [
        problem
        for rule in REFERENCES
        for problem in rule(content)
        if TEXT not in problem.message and problem.line not in lines
    ]
