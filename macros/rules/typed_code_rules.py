"""Code comes from files that run; only command lines are typed into text."""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterator
from typing import Final

from macros.markdown_scan import Fence
from macros.problems import Problem
from macros.rules.content import Content, Rule
from macros.rules.parts import all_pages, question_fields

TYPED: Final = "sh"
_SHELLS: Final = frozenset({"bash", "shell", "console", "zsh", "terminal", "shell-session"})
_PROMPT = re.compile(r"^\s*(?:\$|>|%|PS.*>)\s")
_SETS_VARIABLES = re.compile(r"^(?:[A-Za-z_]\w*=\S*\s*)+")
# A command is a lower-case word, a path or a variable, or a command macro; what programs print
# starts otherwise: INFO:, HTTP/1.1, {"a": 1}, 127.0.0.1, Traceback.
_COMMAND = re.compile(
    r"^(?:[a-z][\w.+-]*|(?:~|\.{1,2}|[a-z_.][\w.-]*)?/[\w./@+-]+|\.|\"?\$\w+\"?|\ufffc)(?=\s|$|;)"
)
_PRE = re.compile(r"<pre\b", re.IGNORECASE)


def only_commands_are_typed(content: Content) -> Iterator[Problem]:
    """A fence on a page or in an answer holds shell commands, nothing else."""
    for file, fence in _fences(content):
        where = fence.line
        if fence.indented:
            yield Problem(
                file,
                where,
                "four spaces turn this text into code. Remove the indent; code is shown from a "
                "file, by example() or show().",
            )
        elif fence.language in _SHELLS:
            yield Problem(
                file,
                where,
                f"a fence of '{fence.language}'. Name it '{TYPED}'; only commands go in.",
            )
        elif fence.language != TYPED:
            kind = f"'{fence.language}'" if fence.language else "no language"
            yield Problem(
                file,
                where,
                f"a typed fence of {kind}. Put the code into a file of the bundle and show it by "
                "example(), show() or output(), in a question by `snippet`.",
            )


def commands_come_without_output(content: Content) -> Iterator[Problem]:
    """A fence of commands can be pasted: no prompt, no output."""
    for file, fence in _fences(content):
        if fence.language == TYPED and not fence.indented:
            yield from _not_commands(file, fence)


def no_code_in_html(content: Content) -> Iterator[Problem]:
    """Typed HTML is no way around."""
    for _, page in all_pages(content):
        for number, line in page.prose.lines:
            if _PRE.search(line):
                yield Problem(
                    page.file, number, "<pre> types code into the page. Show it from a file."
                )


def _fences(content: Content) -> Iterator[tuple[str, Fence]]:
    for _, page in all_pages(content):
        for fence in page.fences:
            yield page.file, fence
    for file, field in question_fields(content):
        for fence in field.prose.fences:
            yield file.file, fence


def _not_commands(file: str, fence: Fence) -> Iterator[Problem]:
    """Yield the lines that start no command, with quotes, continuations, heredocs followed."""
    pending = ""
    heredoc: str | None = None
    for number, line in enumerate(fence.lines, start=fence.line + 1):
        if heredoc is not None:
            heredoc = None if line.strip() == heredoc else heredoc
            continue
        if not pending:
            text = line.strip()
            if not text or text.startswith("#"):
                continue
            if _PROMPT.match(line):
                yield Problem(file, number, "a prompt cannot be pasted. Remove it, and any output.")
                continue
            if not _starts_command(text):
                yield Problem(
                    file,
                    number,
                    f"'{text}' is no command. Show what a command prints by output().",
                )
                continue
        pending += line + "\n"
        if not _goes_on(pending):
            found = re.search(r"<<-?\s*['\"]?(\w+)", pending)
            heredoc = found[1] if found else None
            pending = ""
    if pending:
        yield Problem(file, fence.line, "the last command is not finished. Close its quotes.")


def _starts_command(text: str) -> bool:
    rest = _SETS_VARIABLES.sub("", text)
    return not rest or _COMMAND.match(rest) is not None


def _goes_on(text: str) -> bool:
    if text.rstrip("\n").endswith(("\\", "|", "&&", "`")):
        return True
    try:
        shlex.split(text, comments=True)
    except ValueError:
        return True
    return False


RULES: tuple[Rule, ...] = (only_commands_are_typed, commands_come_without_output, no_code_in_html)
