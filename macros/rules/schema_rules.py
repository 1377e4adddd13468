"""The rules by which editors and the machine agree about YAML files."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from macros import schema_files
from macros.problems import Problem
from macros.project import Project
from macros.rules.content import Content, Rule
from macros.yaml_source import read_text


def schemas_are_fresh(content: Content) -> Iterator[Problem]:
    """The generated JSON Schemas say what the models say."""
    if _has_machine(content.project):
        for path in schema_files.stale(content.project):
            yield Problem(content.project.relative(path), 0, "out of date. Run `make fix`.")


def yaml_files_name_their_schema(content: Content) -> Iterator[Problem]:
    """The first line of a YAML file lets editors complete and check it."""
    project = content.project
    if not _has_machine(project):
        return
    for path, schema in _yaml_files(content):
        expected = schema_files.first_line(project, path, schema)
        text, _ = read_text(path, project.relative(path))
        if text is not None and text.partition("\n")[0].rstrip() != expected:
            yield Problem(project.relative(path), 1, f"must begin with the line `{expected}`.")


def _has_machine(project: Project) -> bool:
    # A project whose machine is installed from elsewhere has no schemas of its own.
    return project.schemas.parent.is_dir()


def _yaml_files(content: Content) -> Iterator[tuple[Path, str]]:
    project = content.project
    yield project.registry, "topics"
    for bundle in content.bundles.values():
        for schema in ("questions", "bundle"):
            path = bundle.folder / f"{schema}.yml"
            if path.is_file():
                yield path, schema
    for path in sorted(project.interview.glob("*.yml")):
        yield path, "questions"


RULES: tuple[Rule, ...] = (schemas_are_fresh, yaml_files_name_their_schema)
