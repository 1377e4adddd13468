"""Macros and folds are written so that both site builders understand them."""

from __future__ import annotations

import inspect
import re
from collections.abc import Iterator
from typing import Final

from macros.problems import Problem
from macros.render.catalog import INLINE, MACROS, ROWS
from macros.rules.content import Content, Rule
from macros.rules.parts import all_pages, at, known_or_guess, question_fields

BLOCKS: Final = tuple(name for name in MACROS if name not in INLINE | ROWS)
_FOLD = re.compile(r"^ {0,3}(?P<slashes>/{3,})[ \t]*(?P<name>[\w-]+)?")
_OLD_FOLD = re.compile(r"^\s*\?\?\?\+?\s")


def block_macros_stand_alone(content: Content) -> Iterator[Problem]:
    """A macro that becomes blocks starts in column 1, on lines of its own."""
    for _, page in all_pages(content):
        lines = page.text.split("\n")
        for call in page.named(*BLOCKS):
            line = lines[call.line - 1] if call.line <= len(lines) else ""
            if "{{" not in line:
                continue
            if not line.startswith("{{") or line.count("{{") > 1 or _follows(line):
                yield at(
                    page,
                    call.line,
                    f"{call.name}() must start in column 1 and stand alone on its line.",
                )


def macros_exist(content: Content) -> Iterator[Problem]:
    """A call names a macro; not every builder would tell."""
    for _, page in all_pages(content):
        for call in page.calls:
            if call.name not in MACROS:
                yield at(
                    page, call.line, f"no macro '{call.name}'.{known_or_guess(call.name, MACROS)}"
                )


def macros_get_what_they_take(content: Content) -> Iterator[Problem]:
    """A call has the arguments that its macro takes, written out so that they can be checked."""
    for _, page in all_pages(content):
        for call in page.calls:
            if call.name not in MACROS:
                continue
            if not call.literal:
                yield at(page, call.line, f"{call.name}(): write every argument out, in quotes.")
                continue
            try:
                inspect.signature(MACROS[call.name]).bind(None, *call.args, **call.kwargs)
            except TypeError as error:
                yield at(page, call.line, f"{call.name}(): {error}.")


def folds_are_closed(content: Content) -> Iterator[Problem]:
    """A fold ends with as many slashes as it starts with."""
    for page_file, lines in _texts(content):
        open_folds: list[tuple[str, int]] = []
        for number, line in lines:
            found = _FOLD.match(line)
            if not found:
                continue
            slashes = found["slashes"]
            if found["name"]:
                open_folds.append((slashes, number))
            elif open_folds and open_folds[-1][0] == slashes:
                open_folds.pop()
            else:
                opened = f"'{open_folds[-1][0]}'" if open_folds else "nothing"
                yield Problem(
                    page_file, number, f"'{slashes}' closes no block: {opened} is open here."
                )
        for slashes, number in open_folds:
            yield Problem(
                page_file, number, f"this block is never closed. Add a line '{slashes}' below it."
            )


def folds_can_be_linked(content: Content) -> Iterator[Problem]:
    """`???` makes folds without ids, which nothing can link to."""
    for page_file, lines in _texts(content):
        for number, line in lines:
            if _OLD_FOLD.match(line):
                yield Problem(
                    page_file, number, "'???' cannot have an id. Write '//// details | Title'."
                )


def _texts(content: Content) -> Iterator[tuple[str, tuple[tuple[int, str], ...]]]:
    for _, page in all_pages(content):
        yield page.file, page.prose.lines
    for file, field in question_fields(content):
        yield file.file, field.prose.lines


def _follows(line: str) -> bool:
    """Whether text comes after the macro's closing braces on the same line."""
    _, closing, rest = line.rpartition("}}")
    return bool(closing and rest.strip())


RULES: tuple[Rule, ...] = (
    block_macros_stand_alone,
    macros_exist,
    macros_get_what_they_take,
    folds_are_closed,
    folds_can_be_linked,
)
