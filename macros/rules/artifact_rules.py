"""Real files that are shown say how they were checked."""

from __future__ import annotations

from collections.abc import Iterator

from macros import locked
from macros.bundle import Bundle
from macros.bundle_model import REQUESTS
from macros.model import Artifact
from macros.problems import Problem
from macros.rules.content import Content, Rule
from macros.rules.parts import known_or_guess
from macros.rules.region_rules import shown_on_pages
from macros.yaml_source import Source


def artifacts_exist(content: Content) -> Iterator[Problem]:
    """`artifacts` names files of the bundle."""
    for bundle, source, name, _ in _artifacts(content):
        if name not in bundle.files:
            yield source.problem(
                f"artifacts: no file '{name}' in {bundle.where}."
                f"{known_or_guess(name, bundle.files)}",
                "artifacts",
                name,
            )


def artifacts_say_one_thing(content: Content) -> Iterator[Problem]:
    """A file was run by a test, or validated by a tool in a test, or is only explained."""
    for _, source, name, artifact in _artifacts(content):
        if artifact.reason is not None and (artifact.test or artifact.tool):
            message = "is explained and tested at once. Keep `test`, or `reason` alone."
        elif artifact.reason is None and artifact.test is None:
            message = "says nothing. Add the `test` that uses it, or the `reason` why none can."
        else:
            continue
        yield source.problem(f"artifacts: '{name}' {message}", "artifacts", name)


def artifact_tests_exist(content: Content) -> Iterator[Problem]:
    """The test that an artifact names is in the bundle."""
    for bundle, source, name, artifact in _artifacts(content):
        if artifact.test is not None and artifact.test not in bundle.tests:
            yield source.problem(
                f"artifacts: '{name}' names test '{artifact.test}', which does not exist."
                f"{known_or_guess(artifact.test, bundle.tests)}",
                "artifacts",
                name,
                "test",
            )


def artifact_tools_are_locked(content: Content) -> Iterator[Problem]:
    """The tool that validated a file is a locked distribution: its version is printed."""
    for _, source, name, artifact in _artifacts(content):
        if artifact.tool and not locked.version(content.project, artifact.tool):
            yield source.problem(
                f"artifacts: '{name}' names tool '{artifact.tool}', which is in no lock file. "
                "Name a distribution from requirements/.",
                "artifacts",
                name,
                "tool",
            )


def needs_are_locked(content: Content) -> Iterator[Problem]:
    """What an app needs besides its imports is a locked distribution."""
    for bundle in content.bundles.values():
        if bundle.settings_source is None:
            continue
        for place, name in enumerate(bundle.settings.needs):
            if not locked.version(content.project, name):
                yield bundle.settings_source.problem(
                    f"needs: '{name}' is in no lock file. Name a distribution from requirements/.",
                    "needs",
                    place,
                )


def shown_files_have_a_label(content: Content) -> Iterator[Problem]:
    """A file that is no Python says on the page whether it ran, was validated or is explained."""
    for bundle in content.bundles.values():
        for shown in shown_on_pages(bundle):
            name = shown.file
            if name.endswith(".py") or name == REQUESTS or name not in bundle.files:
                continue
            if name not in bundle.settings.artifacts:
                yield Problem(
                    shown.where,
                    shown.line,
                    f"'{name}' does not say how it was checked. "
                    f"Add it under `artifacts` in {bundle.path('bundle.yml')}.",
                )


def _artifacts(content: Content) -> Iterator[tuple[Bundle, Source, str, Artifact]]:
    for bundle in content.bundles.values():
        if bundle.settings_source is not None:
            for name, artifact in bundle.settings.artifacts.items():
                yield bundle, bundle.settings_source, name, artifact


RULES: tuple[Rule, ...] = (
    artifacts_exist,
    artifacts_say_one_thing,
    artifact_tests_exist,
    artifact_tools_are_locked,
    needs_are_locked,
    shown_files_have_a_label,
)
