"""Reads YAML that people write: data and the line of every value, mistakes as problems.

What is accepted is the plain part of YAML 1.2 that editors also check: mappings with text keys,
lists, text, `true` and `false`, decimal numbers, `null`. So `no`, `on` and `2026-11-22` are text,
and there are no tags, anchors, aliases or merge keys to surprise anyone.
"""

from __future__ import annotations

import json
import math
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, NoReturn, TypeVar

import pydantic
import yaml
from yaml import events

from macros import model_errors, yaml_errors
from macros.problems import Problem

M = TypeVar("M", bound=pydantic.BaseModel)
Where = tuple[str | int, ...]

_EventReader: Any = getattr(yaml, "CBaseLoader", yaml.BaseLoader)
_DEEPEST = 50
_QUOTE_OR_WRITE_OUT = "Put the text in quotes; if you meant YAML's feature, write the value out."
_NULLS = frozenset({"", "~", "null", "Null", "NULL"})
_TRUE = frozenset({"true", "True", "TRUE"})
_FALSE = frozenset({"false", "False", "FALSE"})
_INTEGER = re.compile(r"[-+]?[0-9]{1,300}\Z")
_FLOAT = re.compile(r"[-+]?[0-9]+(\.[0-9]*)?([eE][-+]?[0-9]+)?\Z|[-+]?\.[0-9]+([eE][-+]?[0-9]+)?\Z")


@dataclass(frozen=True)
class Source:
    """A file's data, with the line of every key and list item by its path."""

    file: str
    data: Any
    lines: Mapping[Where, int]
    written: Mapping[Where, str] = field(default_factory=dict)  # numbers and such, as typed

    def line(self, *path: str | int) -> int:
        """Return the line of this path, or of its nearest known ancestor; 0 if there is none."""
        for end in range(len(path), -1, -1):
            found = self.lines.get(path[:end])
            if found is not None:
                return found
        return 0

    def problem(self, message: str, *path: str | int) -> Problem:
        """Return a problem at the line of this path."""
        return Problem(self.file, self.line(*path), message)


def read_yaml(path: Path, file: str) -> tuple[Source | None, list[Problem]]:
    """Read a YAML file; messages call it by the name given. Never raises."""
    text, problems = read_text(path, file)
    return (None, problems) if text is None else load_yaml(text, file)


def read_text(path: Path, file: str) -> tuple[str | None, list[Problem]]:
    """Return the text of a file that must exist and be UTF-8, or the problem. Never raises."""
    try:
        raw = path.read_bytes()
    except FileNotFoundError:
        return None, [Problem(file, 0, "does not exist. Add the file.")]
    except OSError as error:
        return None, [Problem(file, 0, f"cannot be read: {error.strerror}.")]
    try:
        return raw.decode("utf-8"), []
    except UnicodeDecodeError as error:
        line = raw.count(b"\n", 0, error.start) + 1
        return None, [Problem(file, line, "not UTF-8 text. Save the file with encoding UTF-8.")]


def load_yaml(text: str, file: str) -> tuple[Source | None, list[Problem]]:
    """Return what the text says and what is wrong with it; no source if it is unusable.

    Never raises. A duplicate key leaves the source usable (the first value counts), so that the
    other problems of the file can be told at the same time.
    """
    builder = _Builder(file)
    try:
        builder.read(text.removeprefix("\ufeff"))
    except _UnusableError as stop:
        return None, sorted({*builder.problems, stop.problem})
    except (yaml.YAMLError, UnicodeEncodeError) as error:
        line, message = yaml_errors.explain(error, text)
        return None, sorted({*builder.problems, Problem(file, line, message)})
    problems = sorted(set(builder.problems))
    if not builder.usable:
        return None, problems
    return Source(file, builder.data, builder.lines, builder.written), problems


def validate(model: type[M], source: Source) -> tuple[M | None, list[Problem]]:
    """Return the data as this model, or every way in which it does not fit. Never raises."""
    try:
        # Through JSON: lists may fill tuples there while every other type is taken strictly.
        return model.model_validate_json(json.dumps(source.data), strict=True), []
    except pydantic.ValidationError as error:
        told = model_errors.explain(error, model, source.data, source.written)
        return None, sorted({source.problem(message, *path) for path, message in told})


class _UnusableError(Exception):
    def __init__(self, problem: Problem) -> None:
        super().__init__(problem.message)
        self.problem = problem


class _Builder:
    """Turns parser events into data and lines, without trusting the text's depth or tags."""

    def __init__(self, file: str) -> None:
        self.file = file
        self.data: Any = None
        self.lines: dict[Where, int] = {}
        self.written: dict[Where, str] = {}
        self.problems: list[Problem] = []
        self.usable = True

    def read(self, text: str) -> None:
        self.parser = _EventReader(text)
        self._next()  # the stream starts
        if type(self._next()) is events.StreamEndEvent:
            self._stop(0, "is empty. Write its first `name: value` line.")
        root = self._next()
        if type(root) is not events.MappingStartEvent:
            if type(root) is events.ScalarEvent and not root.value:
                self._stop(0, "is empty. Write its first `name: value` line.")
            while type(self._next()) is not events.StreamEndEvent:
                pass  # a mistake in the syntax further down says more than what follows
            self._stop(_line(root), "must consist of `name: value` lines at its top level.")
        self.data = self._node(root, ())
        self._next()  # the document ends
        extra = self._next()
        if type(extra) is not events.StreamEndEvent:
            self._stop(_line(extra), "a second YAML document starts here. Delete the `---` line.")

    def _next(self) -> Any:
        return self.parser.get_event()

    def _stop(self, line: int, message: str) -> NoReturn:
        raise _UnusableError(Problem(self.file, line, message))

    def _refuse(self, event: Any, message: str) -> None:
        self.usable = False
        self.problems.append(Problem(self.file, _line(event), message))

    def _node(self, event: Any, path: Where) -> Any:
        kind = type(event)
        self.lines.setdefault(path, _line(event))
        if kind is events.AliasEvent:
            self._refuse(event, f"'*{event.anchor}' is an alias to YAML. {_QUOTE_OR_WRITE_OUT}")
            return None
        if event.anchor is not None:
            self._refuse(event, f"'&{event.anchor}' is an anchor to YAML. {_QUOTE_OR_WRITE_OUT}")
        if event.tag is not None:
            tag = event.tag.replace("tag:yaml.org,2002:", "!!")
            self._refuse(event, f"'{tag}' is a tag to YAML. {_QUOTE_OR_WRITE_OUT}")
        if kind is events.ScalarEvent:
            return self._scalar(event, path)
        if len(path) >= _DEEPEST:
            self._stop(_line(event), f"nested more than {_DEEPEST} levels deep.")
        return self._mapping(path) if kind is events.MappingStartEvent else self._list(path)

    def _scalar(self, event: Any, path: Where) -> Any:
        text: str = event.value
        value = _plain(text) if event.implicit[0] else text
        if not isinstance(value, str):
            self.written[path] = text
        return value

    def _list(self, path: Where) -> list[Any]:
        items: list[Any] = []
        while type(event := self._next()) is not events.SequenceEndEvent:
            items.append(self._node(event, (*path, len(items))))
        return items

    def _mapping(self, path: Where) -> dict[str, Any]:
        values: dict[str, Any] = {}
        while type(event := self._next()) is not events.MappingEndEvent:
            key = self._key(event)
            value = self._next()
            if key is None:
                self._skip(value)
            elif key in values:
                first = self.lines[(*path, key)]
                message = f"'{key}' stands here a second time (first on line {first}). Delete one."
                self.problems.append(Problem(self.file, _line(event), message))
                self._skip(value)
            else:
                self.lines[(*path, key)] = _line(event)
                values[key] = self._node(value, (*path, key))
        return values

    def _key(self, event: Any) -> str | None:
        """Return the key as typed: `no`, `404` and `2026-11-22` are names like any other."""
        if type(event) is events.ScalarEvent and event.anchor is None and event.tag is None:
            key: str = event.value
            if key != "<<" or not event.implicit[0]:
                return key
            self._refuse(event, "'<<' merges mappings in YAML, not here. Write the fields out.")
            return None
        self._skip(event)
        self._refuse(event, "the name before the colon must be plain text. Put it in quotes.")
        return None

    def _skip(self, event: Any) -> None:
        depth = 0
        while True:
            if isinstance(event, events.CollectionStartEvent):
                depth += 1
            elif isinstance(event, events.CollectionEndEvent):
                depth -= 1
            if not depth:
                return
            event = self._next()


def _line(event: Any) -> int:
    line: int = event.start_mark.line
    return line + 1


def _plain(text: str) -> str | int | float | bool | None:
    if text in _NULLS:
        return None
    if text in _TRUE or text in _FALSE:
        return text in _TRUE
    if _INTEGER.match(text):
        return int(text)
    if _FLOAT.match(text) and math.isfinite(number := float(text)):
        return number
    return text
