"""Goes through the parts of the content that several rules look at."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from macros.bundle import Bundle
from macros.page import Call, Page
from macros.problems import Problem
from macros.questions import Field, QuestionFile
from macros.rules.content import Content
from macros.suggest import did_you_mean

FEW = 12  # more names than that do not help


def topic_pages(content: Content) -> Iterator[tuple[Bundle, Page]]:
    """Yield every bundle that has a page, with it."""
    for bundle in content.bundles.values():
        if bundle.page is not None:
            yield bundle, bundle.page


def all_pages(content: Content) -> Iterator[tuple[Bundle | None, Page]]:
    """Yield every page of the site, with the bundle that it belongs to."""
    for bundle in content.bundles.values():
        for page in bundle.pages:
            yield bundle, page
    for page in content.pages.values():
        yield None, page


def bundle_calls(content: Content, *names: str) -> Iterator[tuple[Bundle, Page, Call]]:
    """Yield every call of these macros on a page of a bundle."""
    for bundle in content.bundles.values():
        for page in bundle.pages:
            for call in page.named(*names):
                yield bundle, page, call


def question_files(content: Content) -> Iterator[tuple[Bundle | None, QuestionFile]]:
    """Yield every file of questions, with the bundle that it belongs to."""
    for bundle in content.bundles.values():
        if bundle.question_file is not None:
            yield bundle, bundle.question_file
    for spanning in content.spanning:
        yield None, spanning


def question_fields(content: Content) -> Iterator[tuple[QuestionFile, Field]]:
    """Yield every Markdown field of every question."""
    for _, file in question_files(content):
        for field in file.markdown:
            yield file, field


def at(page: Page, line: int, message: str) -> Problem:
    """Return a problem on a line of a page."""
    return Problem(page.file, line, message)


def known_or_guess(wrong: str, known: Iterable[str]) -> str:
    """Return a sentence that helps: the likely name, else all there are if they are few."""
    names = sorted(known)
    if not names:
        return " There are none."
    listed = f" There are: {', '.join(names)}." if len(names) <= FEW else ""
    return did_you_mean(wrong, names) or listed
