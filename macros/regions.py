"""Named regions of a file, and the file as readers see it: without the markers."""

from __future__ import annotations

import io
import re
import textwrap
from dataclasses import dataclass
from pathlib import Path

from macros.problems import Problem

_MARKER = re.compile(
    r"^\s*(?:#|//|--|;|%|/\*|<!--)\s*--8<--\s*\[(?P<kind>start|end):(?P<name>[^\]]*)\]"
    r"\s*(?:\*/|-->)?\s*$"
)
_NAME = re.compile(r"[a-z0-9]+(?:[-_][a-z0-9]+)*")
_CUT = "--8<--"


@dataclass(frozen=True)
class Snippet:
    """A piece of a file, dedented; `first_line` counts in the file without its markers."""

    file: str
    name: str | None
    text: str
    first_line: int


@dataclass(frozen=True)
class Marked:
    """A file taken apart: its text without markers, its regions, what is wrong with them."""

    text: str
    regions: dict[str, Snippet]
    marker_lines: dict[str, int]
    kept: tuple[int, ...]
    problems: list[Problem]

    def original_line(self, line: int) -> int:
        """Return the line in the file on disk of a line in the text without markers."""
        return self.kept[line - 1] if 0 < line <= len(self.kept) else line


def read_file(path: Path) -> str:
    """Return what a reader sees, downloads and runs: the file without its region markers."""
    return strip(path.read_text(encoding="utf-8"))


def strip(text: str) -> str:
    """Return the text without the lines that are region markers."""
    if _CUT not in text:
        return text
    return "".join(line for line in io.StringIO(text) if not _MARKER.match(line))


def regions(text: str, file: str) -> tuple[dict[str, Snippet], list[Problem]]:
    """Return the regions of a file's text by name, and the markers that do not pair up."""
    marked = take_apart(text, file)
    return marked.regions, marked.problems


def take_apart(text: str, file: str, shown_as: str | None = None) -> Marked:
    """Return the regions and what surrounds them; snippets name the file `shown_as`."""
    reader = _Reader(file=file, shown_as=shown_as or file)
    for number, line in enumerate(io.StringIO(text), start=1):
        reader.read(number, line)
    reader.finish()
    return Marked(
        text="".join(reader.lines),
        regions=reader.regions,
        marker_lines=reader.starts,
        kept=tuple(reader.kept),
        problems=reader.problems,
    )


class _Reader:
    """Collects regions line by line; one region may be open at a time."""

    def __init__(self, file: str, shown_as: str) -> None:
        self.file = file
        self.shown_as = shown_as
        self.lines: list[str] = []
        self.kept: list[int] = []
        self.regions: dict[str, Snippet] = {}
        self.starts: dict[str, int] = {}
        self.problems: list[Problem] = []
        self.open: tuple[str, int, int] | None = None

    def read(self, number: int, line: str) -> None:
        marker = _MARKER.match(line) if _CUT in line else None
        if marker is None:
            if _CUT in line:
                self._wrong(
                    number,
                    "this is not a region marker. "
                    f"Write '# {_CUT} [start:name]' or '# {_CUT} [end:name]' on a line of its own.",
                )
            self.lines.append(line)
            self.kept.append(number)
            return
        name = marker["name"].strip()
        if not _NAME.fullmatch(name):
            self._wrong(
                number,
                f"region name '{name}' is not made of a-z, 0-9, '-' and '_' only. Rename it.",
            )
        elif marker["kind"] == "start":
            self._start(number, name)
        else:
            self._end(number, name)

    def finish(self) -> None:
        if self.open is not None:
            name, number, _ = self.open
            self._wrong(number, f"region '{name}' is never closed. Add '{_CUT} [end:{name}]'.")

    def _start(self, number: int, name: str) -> None:
        if self.open is not None:
            other, line, _ = self.open
            self._wrong(
                number,
                f"region '{name}' starts inside region '{other}' (line {line}). "
                f"Close '{other}' first; regions do not nest.",
            )
        elif name in self.starts:
            self._wrong(
                number,
                f"region '{name}' was already started on line {self.starts[name]}. "
                "Give each region its own name.",
            )
        else:
            self.starts[name] = number
            self.open = (name, number, len(self.lines))

    def _end(self, number: int, name: str) -> None:
        if self.open is None or self.open[0] != name:
            if name not in self.starts:
                self._wrong(
                    number, f"region '{name}' ends without a start. Add '{_CUT} [start:{name}]'."
                )
            elif self.open is None:
                self._wrong(number, f"region '{name}' ends twice. Remove this marker.")
            else:
                self._wrong(
                    number,
                    f"region '{name}' ends inside region '{self.open[0]}'. Regions do not nest.",
                )
            return
        first = self.open[2]
        self.open = None
        body = self.lines[first:]
        while body and not body[0].strip():
            body = body[1:]
            first += 1
        text = textwrap.dedent("".join(body)).rstrip()
        if not text:
            self._wrong(number, f"region '{name}' is empty. Put code between its markers.")
            return
        self.regions[name] = Snippet(self.shown_as, name, text + "\n", first + 1)

    def _wrong(self, number: int, message: str) -> None:
        self.problems.append(Problem(self.file, number, message))
