"""What a page shows as really returned was really returned, by the files as they are now."""

from __future__ import annotations

from collections.abc import Iterator

from macros import answers_file
from macros.bundle import Bundle
from macros.bundle_model import REQUESTS
from macros.problems import Problem
from macros.proofs import http_dialect
from macros.rules.content import Content, Rule
from macros.rules.gotcha_rules import gotcha_ids
from macros.rules.parts import at, bundle_calls, known_or_guess


def outputs_are_recorded(content: Content) -> Iterator[Problem]:
    """An output on a page was recorded by a test."""
    for bundle, page, call in bundle_calls(content, "output"):
        name = call.text(0, "name")
        if name is not None and name not in bundle.outputs:
            if bundle.names_in_tests(name):
                message = f"outputs/{name}.txt is missing. {_fix(bundle)}"
            else:
                guess = known_or_guess(name, bundle.outputs)
                message = (
                    f"no test records '{name}'. Call shown(\"{name}\", …) in a test and "
                    f"run `make fix id={bundle.topic_id}`.{guess if bundle.outputs else ''}"
                )
            yield at(page, call.line, message)


def outputs_come_from_a_test(content: Content) -> Iterator[Problem]:
    """An output that no test records any more would never change again."""
    for bundle in content.bundles.values():
        for name in bundle.outputs:
            if not bundle.names_in_tests(name):
                yield Problem(
                    bundle.path(f"outputs/{name}.txt"),
                    0,
                    f'no test records it. Call shown("{name}", …) in a test, or delete the file.',
                )


def requests_are_in_the_dialect(content: Content) -> Iterator[Problem]:
    """requests.http holds only what can be sent again and shown as a command."""
    for bundle in content.bundles.values():
        if bundle.requests_text is not None:
            yield from http_dialect.parse(bundle.requests_text, bundle.path(REQUESTS))[1]


def answers_exist(content: Content) -> Iterator[Problem]:
    """answers("name") names a request that was sent."""
    for bundle, page, call in bundle_calls(content, "answers"):
        if bundle.requests_text is None:
            yield at(page, call.line, f"answers() needs {bundle.path(REQUESTS)}. Add the file.")
        elif names := request_names(bundle):
            for name in call.args:
                if isinstance(name, str) and name not in names:
                    yield at(
                        page,
                        call.line,
                        f"no request is named '{name}'.{known_or_guess(name, names)}",
                    )


def answers_are_fresh(content: Content) -> Iterator[Problem]:
    """The recorded answers come from the app and the requests as they are now."""
    for bundle in content.bundles.values():
        file = bundle.path(answers_file.FILE)
        recorded = any(entry.name == answers_file.FILE for entry in bundle.entries)
        if bundle.requests_text is None:
            if recorded:
                yield Problem(file, 0, f"there is no {REQUESTS} any more. Delete this file.")
        elif not recorded:
            yield Problem(bundle.path(REQUESTS), 0, f"has no answers yet. {_fix(bundle)}")
        elif bundle.answers is not None:
            current = answers_file.inputs_hash(content.project, bundle.folder)
            if bundle.answers.inputs != current:
                yield Problem(file, 0, f"out of date. {_fix(bundle)}")


def volatile_answers_exist(content: Content) -> Iterator[Problem]:
    """`volatile` names requests."""
    for bundle in content.bundles.values():
        names = request_names(bundle)
        if names is None or bundle.settings_source is None:
            continue
        for name in bundle.settings.volatile:
            if name not in names:
                yield bundle.settings_source.problem(
                    f"volatile: no request is named '{name}'.{known_or_guess(name, names)}",
                    "volatile",
                    name,
                )


def changes_are_proven(content: Content) -> Iterator[Problem]:
    """What changed() says is backed by a gotcha, a test or an output of the bundle."""
    for bundle, page, call in bundle_calls(content, "changed"):
        reference = call.text(1, "evidence")
        known = gotcha_ids(bundle) | set(bundle.tests) | set(bundle.outputs)
        if reference and reference not in known and bundle.test(reference) is None:
            yield at(
                page,
                call.line,
                f"'{reference}' is neither a gotcha nor a test nor an output of this topic."
                f"{known_or_guess(reference, known)}",
            )


def request_names(bundle: Bundle) -> tuple[str, ...] | None:
    """Return the names of a bundle's requests; None where they cannot be read."""
    if bundle.requests_text is None:
        return ()
    requests, problems = http_dialect.parse(bundle.requests_text, bundle.path(REQUESTS))
    return None if problems else tuple(request.name for request in requests)


def _fix(bundle: Bundle) -> str:
    return f"Run `make fix id={bundle.topic_id}`."


RULES: tuple[Rule, ...] = (
    outputs_are_recorded,
    outputs_come_from_a_test,
    requests_are_in_the_dialect,
    answers_exist,
    answers_are_fresh,
    volatile_answers_exist,
    changes_are_proven,
)
