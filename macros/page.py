"""A Markdown page as the machine needs it: headings, words, typed code, macro calls."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any, Final

from macros.file_cache import FileCache, text_of
from macros.macro_calls import COMPUTED, Call, Computed, find_calls
from macros.markdown_scan import Fence, Heading, Link, Prose, scan
from macros.problems import Problem
from macros.project import Project
from macros.yaml_source import load_yaml

__all__ = ["COMPUTED", "Call", "Computed", "Fence", "Gotcha", "Heading", "Link", "Page"]

GOTCHAS: Final = "gotchas"
_FRONT_MATTER = re.compile(r"\A---[ \t]*\n(?P<yaml>.*?)^---[ \t]*\n", re.DOTALL | re.MULTILINE)
_NOT_PROSE = re.compile(
    r"\{\{.*?\}\}|\{%.*?%\}|\{##.*?##\}|<!--.*?-->|<[^<>\n]+>|\]\([^)\n]*\)|\{:?\s*[#.][^{}\n]*\}",
    re.DOTALL,
)
_MACRO = re.compile(r"\{\{.*?\}\}|\{%.*?%\}|\{##.*?##\}", re.DOTALL)
_WORD = re.compile(r"\w[\w'\u2019.-]*")


@dataclass(frozen=True)
class Gotcha:
    """A heading under the gotchas, with the lines and macro calls that belong to it."""

    id: str | None
    title: str
    line: int
    last_line: int
    calls: tuple[Call, ...]

    def named(self, name: str) -> tuple[Call, ...]:
        """Return the calls of this macro within the gotcha."""
        return tuple(call for call in self.calls if call.name == name)


@dataclass(frozen=True)
class Page:
    """One page; `file` is relative to the project, lines count in the file on disk."""

    file: str
    text: str
    front_matter: Mapping[str, Any]
    prose: Prose
    headings: tuple[Heading, ...]
    calls: tuple[Call, ...]
    problems: tuple[Problem, ...]
    readable: bool
    """False where the template does not parse, so that its calls are unknown."""

    @property
    def fences(self) -> tuple[Fence, ...]:
        """The code that is typed into the page."""
        return self.prose.fences

    @property
    def title(self) -> str | None:
        """The first heading of level one."""
        return next((heading.title for heading in self.headings if heading.level == 1), None)

    @property
    def last_line(self) -> int:
        """The number of the last line with text."""
        return len(self.text.rstrip().split("\n"))

    @cached_property
    def words(self) -> int:
        """How many words of prose a reader reads, without code and macros."""
        text = "\n".join(line for _, line in self.prose.lines)
        return len(_WORD.findall(_NOT_PROSE.sub(" ", text)))

    @cached_property
    def links(self) -> tuple[Link, ...]:
        """Every link typed into the page."""
        return tuple(self.prose.links())

    @cached_property
    def gotchas(self) -> tuple[Gotcha, ...]:
        """The gotchas in order."""
        return tuple(self._gotchas())

    def named(self, *names: str) -> tuple[Call, ...]:
        """Return the calls of these macros in order."""
        return tuple(call for call in self.calls if call.name in names)

    def heading(self, heading_id: str) -> Heading | None:
        """Return the heading with this explicit id."""
        return next((heading for heading in self.headings if heading.id == heading_id), None)

    def section(self, heading_id: str) -> tuple[int, int] | None:
        """Return the first and last line of the section with this id, its heading included."""
        heading = self.heading(heading_id)
        return (heading.line, self._end(heading)) if heading else None

    def calls_between(self, first: int, last: int) -> tuple[Call, ...]:
        """Return the calls that stand on these lines."""
        return tuple(call for call in self.calls if first <= call.line <= last)

    def _end(self, heading: Heading) -> int:
        for other in self.headings:
            if other.line > heading.line and other.level <= heading.level:
                return other.line - 1
        return self.last_line

    def _gotchas(self) -> Iterator[Gotcha]:
        section = self.section(GOTCHAS)
        if section is None:
            return
        for heading in self.headings:
            if heading.level == 3 and section[0] < heading.line <= section[1]:
                last = self._end(heading)
                calls = self.calls_between(heading.line, last)
                yield Gotcha(heading.id, heading.title, heading.line, last, calls)


def parse(text: str, file: str) -> Page:
    """Take a page apart; what is wrong with it is in its `problems`, never an exception."""
    front_matter, body, problems = _split(text, file)
    calls, found = find_calls(body, file)
    prose = scan(_blank(body, _MACRO))
    unclosed = [
        Problem(file, fence.line, "this fence is never closed. Close it with the same marks.")
        for fence in prose.fences
        if not fence.closed
    ]
    return Page(
        file=file,
        text=text,
        front_matter=front_matter,
        prose=prose,
        headings=tuple(prose.headings()),
        calls=calls,
        problems=(*problems, *found, *unclosed),
        readable=not found,
    )


_CACHE = FileCache[Page]()


def read_page(project: Project, path: Path) -> Page:
    """Return a page from disk; read again only when the file changed."""
    return _CACHE.get(path, lambda: parse(text_of(path), project.relative(path)))


def _split(text: str, file: str) -> tuple[Mapping[str, Any], str, list[Problem]]:
    """Return front matter and body; the body keeps its line numbers."""
    found = _FRONT_MATTER.match(text)
    if not found:
        return {}, text, []
    body = "\n" * found[0].count("\n") + text[found.end() :]
    if not found["yaml"].strip():
        return {}, body, []
    # One line of padding for the opening dashes, so that lines count from the file's start.
    source, problems = load_yaml("\n" + found["yaml"], file)
    data = source.data if source and isinstance(source.data, dict) else {}
    return data, body, problems


def _blank(text: str, pattern: re.Pattern[str]) -> str:
    """Return the text with every match replaced by as many lines, kept in place.

    What is left of a macro's first line is a word, so that no heading, list or indent appears
    that a reader would not see.
    """
    return pattern.sub(lambda found: "\ufffc" + "\n\ufffc" * found[0].count("\n"), text)
