"""Reads requests.http: titled requests, one after the other, that may use earlier answers.

The dialect: `### Title`, optionally `# @name its-name`, the method and the URL, headers, a blank
line, a body; `{{name.response.body.key}}` and `{{name.response.headers.key}}`. Nothing else.
"""

from __future__ import annotations

import itertools
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cached_property
from typing import Final

from macros.problems import Problem
from macros.proofs import json_paths
from macros.suggest import did_you_mean

METHODS: Final = ("GET", "POST", "PUT", "PATCH", "DELETE", "HEAD", "OPTIONS")
_NAME = re.compile(r"[a-z0-9]+(?:-[a-z0-9]+)*")
_HEADER = re.compile(r"(?P<name>[!#$%&'*+.^_`|~0-9A-Za-z-]+):[ \t]*(?P<value>.*)")
_VARIABLE = re.compile(r"\{\{(.*?)\}\}")
_REFERENCE = re.compile(r"\s*(?P<request>[\w-]+)\.response\.(?P<path>(?:body|headers)[.\[].+?)\s*")


@dataclass(frozen=True)
class Reference:
    """A place in an earlier answer whose value a request sends."""

    request: str
    path: json_paths.Path


@dataclass(frozen=True)
class Request:
    """One request as it is written; its variables are not filled in."""

    name: str
    title: str
    line: int
    method: str
    url: str
    headers: tuple[tuple[str, str], ...]
    body: str | None

    @cached_property
    def references(self) -> tuple[Reference, ...]:
        """The values of earlier answers that the request needs, each once."""
        texts = [self.url, *(value for _, value in self.headers), self.body or ""]
        found = [reference(match[1]) for text in texts for match in _VARIABLE.finditer(text)]
        return tuple(dict.fromkeys(each for each in found if each is not None))

    def header(self, name: str) -> str | None:
        """Return the value of a header, None without it."""
        return next((value for key, value in self.headers if key.lower() == name.lower()), None)


def parse(text: str, file: str) -> tuple[tuple[Request, ...], list[Problem]]:
    """Return the requests of a file; whatever is outside the dialect is a problem with its line."""
    reader = _Reader(file)
    lines = text.replace("\r\n", "\n").split("\n")
    starts = [index for index, line in enumerate(lines) if line.startswith("###")]
    for index, line in enumerate(lines[: starts[0] if starts else len(lines)]):
        if line.strip():
            reader.problem(index + 1, "a request begins with '### Title'. Put a title above this.")
            break
    for start, end in itertools.pairwise([*starts, len(lines)]):
        reader.read(start + 1, lines[start:end])
    return tuple(reader.requests), reader.problems


def fill(text: str, value_of: Callable[[Reference], str]) -> str:
    """Return a text of a request with its variables filled in."""

    def value(match: re.Match[str]) -> str:
        found = reference(match[1])
        return value_of(found) if found else match[0]

    return _VARIABLE.sub(value, text)


def pieces(text: str) -> Iterator[str | Reference]:
    """Yield the parts of a text: literal ones and variables, in order."""
    end = 0
    for match in _VARIABLE.finditer(text):
        found = reference(match[1])
        if found is not None:
            if match.start() > end:
                yield text[end : match.start()]
            yield found
            end = match.end()
    if end < len(text):
        yield text[end:]


def reference(inside: str) -> Reference | None:
    """Return what the text between `{{` and `}}` refers to; None if it is no variable."""
    match = _REFERENCE.fullmatch(inside)
    if match is None:
        return None
    try:
        path = json_paths.parse(match["path"])
    except ValueError:
        return None
    return None if json_paths.EVERY in path else Reference(match["request"], path)


def slug(title: str) -> str:
    """Return the name that a request has from its title."""
    return "-".join(re.findall(r"[a-z0-9]+", title.lower()))


class _Reader:
    def __init__(self, file: str) -> None:
        self.file = file
        self.requests: list[Request] = []
        self.problems: list[Problem] = []

    def problem(self, line: int, message: str) -> None:
        self.problems.append(Problem(self.file, line, message))

    def read(self, line: int, block: list[str]) -> None:
        """Read one request: the line of its title in the file, and its lines."""
        before = len(self.problems)
        title = block[0].lstrip("#").strip()
        if not title:
            self.problem(line, "a request needs a title: '### What it does'.")
        name, position = self._name(line, block, slug(title))
        if position == len(block):
            self.problem(line, f"'{title}' has no request line. Add one such as 'GET /items'.")
            return
        method, url = self._request_line(line + position, block[position])
        headers, position = self._headers(line, block, position + 1)
        while position < len(block) and not block[position].strip():
            position += 1
        body = "\n".join(block[position:]).rstrip() or None
        if body is not None and re.match(r"<\s*\S+$", body):
            self.problem(line + position, "a body is typed here; it cannot come from a file.")
        self._variables(line, block)
        if len(self.problems) == before:
            self.requests.append(Request(name, title, line, method, url, tuple(headers), body))

    def _name(self, line: int, block: list[str], name: str) -> tuple[str, int]:
        named_at, position = line, 1
        while position < len(block) and (not block[position].strip() or block[position][0] == "#"):
            text = block[position].strip()
            match = re.fullmatch(r"#\s*@name\s+(\S+)", text)
            if match:
                name, named_at = match[1], line + position
                if not _NAME.fullmatch(name):
                    message = f"'{name}' is no name: lower-case words joined by hyphens."
                    self.problem(named_at, message)
            elif text:
                self.problem(line + position, "only '# @name its-name' may follow a '#' here.")
            position += 1
        other = next((each for each in self.requests if each.name == name), None)
        if other is not None:
            self.problem(
                named_at,
                f"the request in line {other.line} is named '{name}' too. "
                "Give this one another title or a '# @name'.",
            )
        return name, position

    def _request_line(self, line: int, text: str) -> tuple[str, str]:
        method, _, url = text.strip().partition(" ")
        url = url.strip()
        if method not in METHODS:
            guess = did_you_mean(method, METHODS)
            self.problem(line, f"'{method}' is no method. Write one such as 'GET /items'.{guess}")
        elif re.search(r"\s(?![^{]*\}\})", url):
            self.problem(line, "a request line is a method and a URL. Write %20 for a space.")
        elif not url.startswith(("/", "{{")):
            self.problem(line, f"the URL '{url}' must start with '/': it is sent to this app.")
        return method, url

    def _headers(
        self, line: int, block: list[str], position: int
    ) -> tuple[list[tuple[str, str]], int]:
        headers = []
        while position < len(block) and block[position].strip():
            match = _HEADER.fullmatch(block[position].rstrip())
            if match is None:
                message = "not a header such as 'Accept: text/html'. Put a blank line above a body."
                self.problem(line + position, message)
            else:
                headers.append((match["name"], match["value"]))
            position += 1
        return headers, position

    def _variables(self, line: int, block: list[str]) -> None:
        earlier = [request.name for request in self.requests]
        for index, text in enumerate(block):
            for match in re.finditer(r"\{\{(?P<inside>.*?)(?:\}\}|$)", text):
                found = reference(match["inside"]) if match[0].endswith("}}") else None
                if found is None:
                    message = (
                        f"'{match[0]}' is not understood. Write {{{{name.response.body.key}}}} "
                        "or {{name.response.headers.key}}."
                    )
                    self.problem(line + index, message)
                elif found.request not in earlier:
                    guess = did_you_mean(found.request, earlier)
                    message = f"no request above this one is named '{found.request}'.{guess}"
                    self.problem(line + index, message)
