"""What a page shows of its files exists, and what is marked in a file is shown."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

from macros.bundle import Bundle, is_test_file
from macros.page import Call
from macros.problems import Problem
from macros.rules.content import Content, Rule
from macros.rules.parts import known_or_guess

SHOWING: Final = ("difference", "example", "show")


@dataclass(frozen=True)
class Shown:
    """One place that shows a file of the bundle, or a region of it."""

    where: str
    line: int
    file: str
    region: str | None


def shown_on_pages(bundle: Bundle) -> Iterator[Shown]:
    """Yield what example(), show() and difference() show on the pages of a bundle."""
    for page in bundle.pages:
        for call in page.named(*SHOWING):
            target = _target(bundle, call)
            if target is not None:
                yield Shown(page.file, call.line, *target)


def shown_in_quiz(bundle: Bundle) -> Iterator[Shown]:
    """Yield what the quiz questions of a bundle show."""
    questions = bundle.question_file
    if questions is None:
        return
    for index, question in enumerate(questions.questions.quiz):
        if question.snippet is not None:
            file, region = snippet_target(bundle, question.snippet)
            yield Shown(questions.file, questions.line("quiz", index, "snippet"), file, region)


def snippet_target(bundle: Bundle, snippet: str) -> tuple[str, str]:
    """Return file and region that a quiz question names, as region or file:region."""
    file, colon, region = snippet.rpartition(":")
    return (file, region) if colon else (bundle.main, region)


def shown_regions_exist(content: Content) -> Iterator[Problem]:
    """Every file and region that is shown is in the bundle."""
    for bundle in content.bundles.values():
        for shown in (*shown_on_pages(bundle), *shown_in_quiz(bundle)):
            if shown.file not in bundle.files:
                guess = known_or_guess(shown.file, bundle.files)
                message = f"no file '{shown.file}' in {bundle.where}.{guess}"
            elif shown.region is not None and (shown.file, shown.region) not in bundle.regions:
                known = [region for file, region in bundle.regions if file == shown.file]
                message = (
                    f"no region '{shown.region}' in {bundle.path(shown.file)}."
                    f"{known_or_guess(shown.region, known)}"
                )
            else:
                continue
            yield Problem(shown.where, shown.line, message)


def marked_regions_are_shown(content: Content) -> Iterator[Problem]:
    """A region that nothing shows is a leftover."""
    for bundle in content.bundles.values():
        if not _complete(bundle):
            continue
        shown = {
            (found.file, found.region)
            for found in (*shown_on_pages(bundle), *shown_in_quiz(bundle))
        }
        for (file, region), line in bundle.region_lines.items():
            if (file, region) not in shown:
                yield Problem(
                    bundle.path(file),
                    line,
                    f"region '{region}' is shown nowhere. "
                    "Show it on the page or in a quiz question, or remove its markers.",
                )


def apps_are_shown(content: Content) -> Iterator[Problem]:
    """main and real are there for the page; a page that leaves one out shows something else."""
    for bundle in content.bundles.values():
        if not _complete(bundle):
            continue
        shown = {found.file for found in (*shown_on_pages(bundle), *shown_in_quiz(bundle))}
        for file in (bundle.main, "real.py"):
            if file in bundle.files and file not in shown:
                yield Problem(
                    bundle.path(file), 0, "no page shows this file. Show it, or delete it."
                )


def shown_python_is_tested(content: Content) -> Iterator[Problem]:
    """A Python file on a page is one that a test runs, or it says why not."""
    for bundle in content.bundles.values():
        if not _complete(bundle) or not bundle.tests:
            continue
        for shown in shown_on_pages(bundle):
            name = shown.file
            if not name.endswith(".py") or name not in bundle.modules or is_test_file(name):
                continue
            if not bundle.used_by_tests(name) and name not in bundle.settings.artifacts:
                yield Problem(
                    shown.where,
                    shown.line,
                    f"no test imports or names {bundle.path(name)}. Use it in a test, or say in "
                    f"bundle.yml under `artifacts` how it was checked.",
                )


def _target(bundle: Bundle, call: Call) -> tuple[str, str | None] | None:
    if not call.literal:
        return None
    if call.name == "example":
        return call.text(1, "file") or bundle.main, call.text(0, "region")
    file = call.text(0, "file")
    region = call.text(1, "region") if call.name == "show" else None
    return (file, region) if file else None


def _complete(bundle: Bundle) -> bool:
    """Whether all that could show a file is known; else the real mistake is told already."""
    return (
        bundle.page is not None
        and all(page.readable and all(call.literal for call in page.calls) for page in bundle.pages)
        and (bundle.question_file is None or bundle.question_file.readable)
    )


RULES: tuple[Rule, ...] = (
    shown_regions_exist,
    marked_regions_are_shown,
    apps_are_shown,
    shown_python_is_tested,
)
