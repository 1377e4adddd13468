"""Paths into an answer, such as `body.items[*].id`: parse, look up, mask."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any, Final

Step = str | int | None
Path = tuple[Step, ...]

EVERY: Final = None  # the step `[*]`
ROOTS: Final = ("body", "headers", "text")
MASKED: Final = "(varies)"
_STEP = re.compile(r"\.(?P<key>[^.\[\]]+)|\[(?P<index>\d+|\*)\]")


def parse(text: str) -> Path:
    """Return the steps of a path; ValueError with what is wrong with it."""
    root = next((root for root in ROOTS if re.match(rf"{root}(?![^.\[])", text)), None)
    if root is None:
        raise ValueError(f"'{text}' must start with {', '.join(ROOTS[:-1])} or {ROOTS[-1]}.")
    steps: list[Step] = [root]
    position = len(root)
    while position < len(text):
        match = _STEP.match(text, position)
        if match is None:
            raise ValueError(f"'{text}' is no path. Write it like body.items[0].id.")
        key, index = match["key"], match["index"]
        if key is not None:
            # Header names have no case; recorded answers hold them in lower case.
            steps.append(key.lower() if steps == ["headers"] else key)
        else:
            steps.append(EVERY if index == "*" else int(index))
        position = match.end()
    return tuple(steps)


def look_up(value: Any, path: Sequence[Step]) -> Any:
    """Return what a path leads to; LookupError if it leads nowhere."""
    for step in path:
        known = range(len(value)) if isinstance(value, list) else value
        if not isinstance(known, range | Mapping) or step not in known:
            raise LookupError(step)
        value = value[step]
    return value


def mask(value: Any, path: Sequence[Step]) -> tuple[Any, int]:
    """Return the value with everything on this path masked, and how many places that were."""
    if not path:
        return MASKED, 1
    step, rest = path[0], path[1:]
    if isinstance(value, Mapping) and isinstance(step, str) and step in value:
        inner, count = mask(value[step], rest)
        return {**value, step: inner}, count
    if isinstance(value, list) and not isinstance(step, str):
        chosen = [index for index in range(len(value)) if step in (EVERY, index)]
        copy, total = list(value), 0
        for index in chosen:
            copy[index], count = mask(value[index], rest)
            total += count
        return copy, total
    return value, 0
