"""Reads Markdown line by line: fences, indented code, headings and links, with their lines."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

_FENCE = re.compile(r"^(?P<indent>[ \t]*)(?P<mark>`{3,}|~{3,})(?P<info>.*)$")
_HEADING = re.compile(r"^(?P<marks>#{1,6})[ \t]+(?P<title>.*?)[ \t]*$")
_ATTRIBUTES = re.compile(r"[ \t]*\{:?[ \t]*(?P<inside>[^{}]*?)[ \t]*\}[ \t]*$")
_HEADING_ID = re.compile(r"(?:^|\s)#(?P<id>[\w:.-]+)")
_CLOSING_MARKS = re.compile(r"[ \t]*#+$")
_LANGUAGE = re.compile(r"^\{?[ \t]*\.?(?P<language>[\w+#.-]+)?")
_CODE_SPAN = re.compile(r"(?<!`)(`+)(?!`)(.+?)(?<!`)\1(?!`)")
_INLINE_LINK = re.compile(r"\]\(\s*<?(?P<target>[^\s)>]+)")
_REFERENCE = re.compile(r"^ {0,3}\[[^\]^]+\]:\s*<?(?P<target>[^\s>]+)")
_HREF = re.compile(r"""\bhref\s*=\s*["'](?P<target>[^"']+)["']""", re.IGNORECASE)
# What a four-space indent below it belongs to, instead of being code.
_CONTAINER = re.compile(r"^\s{0,3}(?:[-*+]\s|\d+[.)]\s|:\s|\[\^|!!!|\?\?\?|===|/{3,}|<)")


@dataclass(frozen=True)
class Fence:
    """A block of code typed into Markdown; an indented one has no language."""

    language: str
    line: int
    lines: tuple[str, ...]
    closed: bool = True
    indented: bool = False


@dataclass(frozen=True)
class Heading:
    """A heading; `id` only where it is written out."""

    level: int
    title: str
    id: str | None
    line: int


@dataclass(frozen=True)
class Link:
    """Where a link points, as written."""

    target: str
    line: int


@dataclass(frozen=True)
class Prose:
    """Markdown taken apart: its code, and the numbered lines around the code."""

    fences: tuple[Fence, ...]
    lines: tuple[tuple[int, str], ...]

    def headings(self) -> Iterator[Heading]:
        """Yield the headings in order."""
        for number, line in self.lines:
            found = _HEADING.match(line)
            if found:
                title, heading_id = _split_attributes(_CLOSING_MARKS.sub("", found["title"]))
                yield Heading(len(found["marks"]), title, heading_id, number)

    def links(self) -> Iterator[Link]:
        """Yield every link that is typed, in Markdown or in HTML."""
        for number, line in self.lines:
            text = without_code_spans(line)
            for pattern in (_INLINE_LINK, _REFERENCE, _HREF):
                for found in pattern.finditer(text):
                    yield Link(found["target"], number)


def scan(text: str, first_line: int = 1) -> Prose:
    """Take Markdown apart; an unclosed fence runs to the end and says so."""
    fences: list[Fence] = []
    prose: list[tuple[int, str]] = []
    rows = list(enumerate(text.split("\n"), start=first_line))
    index = 0
    container = False
    while index < len(rows):
        number, line = rows[index]
        opening = _FENCE.match(line)
        if opening and not (opening["mark"][0] == "`" and "`" in opening["info"]):
            fence, index = _fence(rows, index, opening)
            fences.append(fence)
            continue
        if _is_code(line) and not container and _blank_before(prose):
            fence, index = _indented(rows, index)
            fences.append(fence)
            continue
        if line.strip() and not line.startswith((" ", "\t")):
            container = bool(_CONTAINER.match(line))
        prose.append((number, line))
        index += 1
    return Prose(tuple(fences), tuple(prose))


def without_code_spans(line: str) -> str:
    """Return the line with `inline code` blanked out, every other column where it was."""
    return _CODE_SPAN.sub(lambda found: " " * len(found[0]), line)


def _fence(rows: list[tuple[int, str]], index: int, opening: re.Match[str]) -> tuple[Fence, int]:
    mark = opening["mark"]
    closing = re.compile(rf"^[ \t]*{re.escape(mark[0])}{{{len(mark)},}}[ \t]*$")
    language = _LANGUAGE.match(opening["info"].strip())
    name = (language["language"] or "") if language else ""
    body: list[str] = []
    for position in range(index + 1, len(rows)):
        if closing.match(rows[position][1]):
            return Fence(name, rows[index][0], tuple(body)), position + 1
        body.append(rows[position][1])
    return Fence(name, rows[index][0], tuple(body), closed=False), len(rows)


def _indented(rows: list[tuple[int, str]], index: int) -> tuple[Fence, int]:
    start = rows[index][0]
    body: list[str] = []
    while index < len(rows) and (_is_code(rows[index][1]) or not rows[index][1].strip()):
        body.append(rows[index][1].expandtabs(4)[4:])
        index += 1
    while body and not body[-1].strip():
        body.pop()
        index -= 1
    return Fence("", start, tuple(body), indented=True), index


def _is_code(line: str) -> bool:
    return line.startswith(("    ", "\t")) and bool(line.strip())


def _blank_before(prose: list[tuple[int, str]]) -> bool:
    return not prose or not prose[-1][1].strip()


def _split_attributes(title: str) -> tuple[str, str | None]:
    found = _ATTRIBUTES.search(title)
    if not found or found["inside"][:1] not in ("#", "."):
        return title, None
    heading_id = _HEADING_ID.search(found["inside"])
    return title[: found.start()], heading_id["id"] if heading_id else None
