"""Says in plain words why a text is not YAML, and on which line."""

from __future__ import annotations

import yaml

_TAB = "a tab in the indentation. YAML indents with spaces only: replace the tab."
_COLON = (
    "a colon where YAML expects none. If it belongs to the text, put the text in quotes; if not, "
    "check the indentation here and a line above, and the space after each colon."
)
_BLOCK = (
    "does not fit the block that starts on line {start}. Check the indentation; a value that "
    "begins with a quote or a bracket and goes on after it needs quotes around all of it."
)
_BACKSLASH = "a backslash inside double quotes. Write it twice, or use single quotes."
_BRACKETS = "brackets opened on line {start} are not closed, or a comma is missing between items."

# (part of the parser's own message, where to point, what to say); the C and the Python parser
# word some of them differently.
_ADVICE = (
    ("tab character", "problem", _TAB),
    ("mapping values are not allowed", "problem", _COLON),
    ("expected ',' or ']'", "problem", _BRACKETS),
    ("expected ',' or '}'", "problem", _BRACKETS),
    ("unexpected end of stream", "context", "a quote that is never closed. Add the closing quote."),
    ("escape", "problem", _BACKSLASH),
    ("expected '-' indicator", "problem", _BLOCK),
    ("expected key", "problem", _BLOCK),
    ("expected <block end>", "problem", _BLOCK),
    (
        "could not find expected ':'",
        "context",
        "no colon. Write `name: value`, or indent the line if it continues the text above.",
    ),
    (
        "<document start>",
        "problem",
        "does not fit the lines above. Start every top-level name in column 1.",
    ),
    (
        "sequence entries are not allowed",
        "problem",
        "'- ' in the middle of a line. Start the list on a line of its own, or quote the text.",
    ),
    ("node content", "problem", "a bracket or comma where a value should be. Check the brackets."),
    ("alphabetic or numeric", "problem", "a value that starts with * or &. Put it in quotes."),
)


def explain(error: Exception, text: str) -> tuple[int, str]:
    """Return the line and the message for an error that the YAML parser raised on this text."""
    if isinstance(error, yaml.MarkedYAMLError):
        line, message = _marked(error, text)
    else:
        line, message = _unreadable(error, text)
    last = max(text.rstrip().count("\n"), 0) + 1
    return min(max(line, 1), last), message


def _marked(error: yaml.MarkedYAMLError, text: str) -> tuple[int, str]:
    marks = {"problem": error.problem_mark, "context": error.context_mark}
    problem_line = _mark_line(marks["problem"] or marks["context"])
    start = _mark_line(marks["context"] or marks["problem"])
    said = error.problem or ""
    if "cannot start any token" in said:
        return problem_line, _bad_start(error, text)
    for part, where, advice in _ADVICE:
        if part in said:
            line = start if where == "context" else problem_line
            return line, advice.format(start=start)
    return problem_line, f"not YAML: {said}. Check the indentation and the quotes."


def _bad_start(error: yaml.MarkedYAMLError, text: str) -> str:
    mark = error.problem_mark
    lines = text.splitlines()
    character = ""
    if mark is not None and mark.line < len(lines):
        character = lines[mark.line][mark.column : mark.column + 1]
    if character == "\t":
        return _TAB
    return f"a value that starts with '{character}'. Put it in quotes."


def _unreadable(error: Exception, text: str) -> tuple[int, str]:
    reason = str(getattr(error, "reason", error))
    half = next((at for at, c in enumerate(text) if "\ud800" <= c <= "\udfff"), None)
    if half is not None:
        return _line_at(text, half), "half of a character. Retype the text."
    position = getattr(error, "position", 0)
    if "control character" in reason or "special characters" in reason:
        position = next((at for at, c in enumerate(text) if _is_control(c)), position)
        return _line_at(text, position), "an invisible control character. Retype the line."
    return _line_at(text, position), f"not YAML: {reason}."


def _is_control(character: str) -> bool:
    return not (character in "\t\n\r\x85" or " " <= character <= "~" or character >= "\xa0")


def _line_at(text: str, position: int) -> int:
    return text.count("\n", 0, position) + 1


def _mark_line(mark: yaml.error.Mark | None) -> int:
    return mark.line + 1 if mark is not None else 1
