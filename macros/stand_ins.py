"""Makes broken data readable enough to look for further mistakes in the rest of it."""

from __future__ import annotations

import copy
import json
from collections import Counter
from collections.abc import Iterator
from typing import Any, TypeVar

import pydantic

TEXT = "stand-in"
Where = tuple[str | int, ...]
M = TypeVar("M", bound=pydantic.BaseModel)


def mended(model: type[M], data: Any) -> tuple[M, frozenset[Where]] | None:
    """Return the data as this model with stand-ins for what does not fit, and their paths.

    Each value that does not fit is left out, or replaced where it is required; a part that
    nothing mends is left out whole. None where even that does not make a model.
    """
    data = copy.deepcopy(data)
    tried: Counter[Where] = Counter()
    for _ in range(40):
        try:
            return model.model_validate_json(json.dumps(data), strict=True), frozenset(tried)
        except pydantic.ValidationError as error:
            paths = {_existing(data, one["loc"]) for one in error.errors(include_context=False)}
        for path in sorted(paths, key=str, reverse=True):
            if not path:
                return None
            _mend(data, path, tried[path])
            tried[path] += 1
    return None


def _existing(data: Any, location: Where) -> Where:
    """Return the part of a location that leads to a value, or to a missing key of one."""
    path: Where = ()
    for step in location:
        inside = dict(enumerate(data)) if isinstance(data, list) else data
        if isinstance(inside, dict) and step in inside:
            data = inside[step]
        elif isinstance(data, dict) and step != "[key]" and step == location[-1]:
            return (*path, step)
        else:
            return path
        path = (*path, step)
    return path


def _mend(data: Any, path: Where, times: int) -> None:
    """Try the next stand-in at this place; after the last one, leave out the part around it."""
    *around, last = path
    parent = data
    for step in around:
        parent = parent[step]
    candidates = list(_candidates(data, times, path))
    if isinstance(parent, dict) and times == 0 and last in parent:
        del parent[last]
    elif times < len(candidates):
        parent[last] = candidates[times]
    elif around:
        grand = data
        for step in around[:-1]:
            grand = grand[step]
        del grand[around[-1]]


def _candidates(data: Any, times: int, path: Where) -> Iterator[object]:
    """Yield what to put there at the first try, the second, and so on."""
    text = "-".join([TEXT, *(str(step) for step in path if isinstance(step, int))])
    # Twice: the first try is spent on leaving the value out, where there is one.
    yield from (text, text, _highest(data) + 1 + times, [TEXT])


def _highest(data: Any) -> int:
    """Return the highest whole number anywhere in the data, so that a stand-in is no other's."""
    if isinstance(data, bool):
        return 0
    if isinstance(data, int):
        return data
    parts = data.values() if isinstance(data, dict) else data if isinstance(data, list) else ()
    return max((_highest(part) for part in parts), default=0)
