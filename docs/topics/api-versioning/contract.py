"""Compares two OpenAPI documents; says what breaks clients of the old one."""

from collections.abc import Iterator
from typing import Any

Schema = dict[str, Any]
METHODS = ("get", "put", "post", "delete", "patch")


# --8<-- [start:breaking]
def breaking(old: Schema, new: Schema) -> list[str]:
    return sorted(set(_breaking(old, new)))


def _breaking(old: Schema, new: Schema) -> Iterator[str]:
    for path, operations in old["paths"].items():
        for method in METHODS:
            if method not in operations:
                continue
            name = f"{method.upper()} {path}"
            after = new["paths"].get(path, {}).get(method)
            if after is None:
                yield f"{name}: gone"
                continue
            yield from _parameters(name, operations[method], after)
            for status, response in operations[method]["responses"].items():
                was = _body(old, response)
                now = _body(new, after["responses"].get(status, {}))
                yield from _answer(f"{name} {status}", old, new, was, now)
            was = _body(old, operations[method].get("requestBody", {}))
            now = _body(new, after.get("requestBody", {}))
            yield from _request(name, old, new, was, now)


def _parameters(name: str, was: Schema, now: Schema) -> Iterator[str]:
    known = {(p["in"], p["name"]): p for p in was.get("parameters", [])}
    for parameter in now.get("parameters", []):
        before = known.get((parameter["in"], parameter["name"]))
        if parameter.get("required") and not (before and before.get("required")):
            yield f"{name}: {parameter['in']} {parameter['name']} is now required"


def _answer(
    name: str, old: Schema, new: Schema, was: Schema, now: Schema
) -> Iterator[str]:
    was, now = _resolved(old, was), _resolved(new, now)
    if was.get("type") != now.get("type"):
        yield f"{name}: {was.get('type')} became {now.get('type')}"
    for field, kind in was.get("properties", {}).items():
        if field not in now.get("properties", {}):
            yield f"{name}: {field} is gone"
        else:
            after = now["properties"][field]
            yield from _answer(f"{name}: {field}", old, new, kind, after)


def _request(
    name: str, old: Schema, new: Schema, was: Schema, now: Schema
) -> Iterator[str]:
    was, now = _resolved(old, was), _resolved(new, now)
    for field in set(now.get("required", [])) - set(was.get("required", [])):
        yield f"{name}: field {field} is now required"


# --8<-- [end:breaking]


def _body(document: Schema, holder: Schema) -> Schema:
    content = holder.get("content", {})
    return content.get("application/json", {}).get("schema", {})


def _resolved(document: Schema, schema: Schema) -> Schema:
    if "$ref" not in schema:
        return schema
    name = schema["$ref"].rsplit("/", 1)[-1]
    found: Schema = document["components"]["schemas"][name]
    return found
