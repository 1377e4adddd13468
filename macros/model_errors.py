"""Says in plain words how data does not fit a model."""

from __future__ import annotations

import types
from collections.abc import Iterator, Mapping
from typing import Annotated, Any, Union, get_args, get_origin

import pydantic
from pydantic_core import ErrorDetails

from macros.model import DOTTED_NAME, ID
from macros.suggest import closest, did_you_mean

Where = tuple[str | int, ...]

_PATTERNS = {
    ID: "must be lower-case words and digits joined by single hyphens",
    DOTTED_NAME: "must be a dotted name such as 'package.module.name'",
}


def explain(
    error: pydantic.ValidationError,
    model: type[pydantic.BaseModel],
    data: Any,
    written: Mapping[Where, str],
) -> Iterator[tuple[Where, str]]:
    """Yield the path and the message of every mistake; `written` has numbers as typed."""
    details = error.errors(include_url=False, include_context=True)
    fields = {
        _path(detail): list(_fields(model, _path(detail)[:-1]))
        for detail in details
        if detail["type"] == "extra_forbidden"
    }
    misspelt = {
        (*path[:-1], guess)
        for path, known in fields.items()
        if (guess := closest(str(path[-1]), known))
    }
    for detail in details:
        path = _path(detail)
        if detail["type"] == "missing" and path in misspelt:
            continue
        owner, name = _owner(path, data)
        if path in fields:
            known = fields[path]
            unknown = f"unknown field '{path[-1]}'."
            guess = did_you_mean(str(path[-1]), known)
            text = f"{unknown}{guess or ' Known fields: ' + ', '.join(known) + '.'}"
        elif _is_about_a_key(detail):
            text = f"the name '{path[-1]}' {_rule(detail, path, written)}"
        elif name:
            text = f"'{name}' {_rule(detail, path, written)}"
        else:
            text = _rule(detail, path, written)
        yield path, f"{owner}: {text}" if owner else text


def _path(detail: ErrorDetails) -> Where:
    return detail["loc"][:-1] if _is_about_a_key(detail) else detail["loc"]


def _is_about_a_key(detail: ErrorDetails) -> bool:
    # The validator marks it by one more step; somebody's field may be called so, too.
    return detail["loc"][-1:] == ("[key]",) and detail["loc"][-2:-1] == (detail["input"],)


def _owner(path: Where, data: Any) -> tuple[str, str]:
    """Return the id of the innermost thing with an id around the path, and the path inside it."""
    owner, inside = "", path
    for depth, part in enumerate(path[:-1], start=1):
        try:
            data = data[part]
        except (KeyError, IndexError, TypeError):
            break
        if isinstance(data, dict) and isinstance(data.get("id"), str) and data["id"]:
            owner, inside = data["id"], path[depth:]
    name = "".join(f"[{part + 1}]" if isinstance(part, int) else f".{part}" for part in inside)
    return owner, name.removeprefix(".")


def _rule(detail: ErrorDetails, path: Where, written: Mapping[Where, str]) -> str:
    given = detail.get("input")
    context = detail.get("ctx", {})
    typed = written.get(path, str(given))
    match detail["type"]:
        case "missing":
            return "is missing. Add it."
        case "string_type" if given is None:
            return "is empty. Write its text after the colon, or delete the line."
        case "string_type" if isinstance(given, bool | int | float):
            return f'must be text, but {typed} is {_kind(given)}. Write it in quotes: "{typed}"'
        case "string_type":
            return (
                f"must be text, not {_kind(given)}. "
                "Text with ': ' in it, or starting with a bracket, needs quotes."
            )
        case "string_too_short":
            return "is empty. Write its text, or delete the line."
        case "string_too_long":
            return (
                f"has {len(str(given).strip())} characters, "
                f"at most {context['max_length']} fit. Shorten it."
            )
        case "string_pattern_mismatch":
            pattern = str(context["pattern"])
            return f"{_PATTERNS.get(pattern, f'must match {pattern}')}, not '{given}'."
        case "int_type" | "int_from_float" | "int_parsing":
            return f"must be a whole number{_but(given, typed)}."
        case "bool_type" | "bool_parsing":
            return f"must be true or false{_but(given, typed)}."
        case "literal_error":
            return f"must be {context['expected']}{_but(given, typed)}."
        case "greater_than_equal":
            return f"must be {context['ge']} or more, not {typed}."
        case "too_short":
            return f"has too few items: at least {context['min_length']} needed."
        case "too_long":
            return f"has too many items: at most {context['max_length']} fit."
        case "tuple_type" | "list_type":
            return f"must be a list (lines that start with '- '){_but(given, typed)}."
        case "model_type" | "dict_type" | "model_attributes_type":
            return f"must be a mapping (`name: value` lines){_but(given, typed)}."
        case "value_error" | "assertion_error":
            return f"{context['error']}"
        case kind if kind.startswith("url_"):
            return f"must be a web address such as https://example.org/page{_but(given, typed)}."
    return f"is not right: {detail['msg']}."


def _but(given: Any, typed: str) -> str:
    if isinstance(given, str):
        return f", not '{given}'" if len(given) <= 80 else ", not this text"
    if isinstance(given, bool | int | float):
        return f", not {typed}"
    return f", not {_kind(given)}"


def _kind(given: Any) -> str:
    if given is None:
        return "empty"
    names = {bool: "a boolean", int: "a number", float: "a number", str: "text", list: "a list"}
    return names.get(type(given), "a mapping")


def _fields(model: Any, path: Where) -> Iterator[str]:
    """Yield the field names of the model that stands at this path of another model."""
    for annotation in _annotations(model, path):
        yield from annotation.model_fields


def _annotations(annotation: Any, path: Where) -> Iterator[type[pydantic.BaseModel]]:
    origin = get_origin(annotation)
    if origin is Annotated:
        yield from _annotations(get_args(annotation)[0], path)
    elif origin in (Union, types.UnionType):
        for choice in get_args(annotation):
            yield from _annotations(choice, path)
    elif origin is not None and path:
        # tuple[X, ...] and list[X] hold X first, dict[K, V] holds V last
        arguments = get_args(annotation)
        yield from _annotations(arguments[-1 if origin is dict else 0], path[1:])
    elif isinstance(annotation, type) and issubclass(annotation, pydantic.BaseModel):
        field = annotation.model_fields.get(str(path[0])) if path else None
        if not path:
            yield annotation
        elif field is not None:
            yield from _annotations(field.annotation, path[1:])
