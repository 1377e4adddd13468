"""The JSON Schemas by which editors check YAML files while people write them.

They are made from the models, so that the two cannot drift apart.
"""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Final

import pydantic
from pydantic.json_schema import GenerateJsonSchema, JsonSchemaValue
from pydantic_core import core_schema

from macros.model import BundleSettings, Questions, Registry
from macros.project import Project

MODELS: Final[Mapping[str, type[pydantic.BaseModel]]] = {
    "topics": Registry,
    "questions": Questions,
    "bundle": BundleSettings,
}


def texts(project: Project) -> dict[Path, str]:
    """Return what the schema files must hold, by path."""
    return {project.schemas / f"{name}.json": _text(model) for name, model in MODELS.items()}


def stale(project: Project) -> list[Path]:
    """Return the schema files that are missing or say something else than the models."""
    return [path for path, text in texts(project).items() if _read(path) != text.encode()]


def write(project: Project) -> list[Path]:
    """Write the schema files whose bytes differ, and return their paths."""
    wanted = texts(project)
    changed = stale(project)
    for path in changed:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(wanted[path].encode())
    return changed


def first_line(project: Project, path: Path, schema: str) -> str:
    """Return the comment that tells an editor by which schema to check this file."""
    target = os.path.relpath(project.schemas / f"{schema}.json", path.parent)
    return f"# yaml-language-server: $schema={Path(target).as_posix()}"


class _StrictKeys(GenerateJsonSchema):
    """Also refuses the keys of a mapping that do not have the form they should."""

    def dict_schema(self, schema: core_schema.DictSchema) -> JsonSchemaValue:
        made = super().dict_schema(schema)
        return {**made, "additionalProperties": False} if "patternProperties" in made else made


def _text(model: type[pydantic.BaseModel]) -> str:
    schema = {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "$comment": "Generated from macros/model.py by `make fix`. Do not edit.",
        **model.model_json_schema(schema_generator=_StrictKeys),
    }
    return json.dumps(schema, indent=2, ensure_ascii=False) + "\n"


def _read(path: Path) -> bytes | None:
    try:
        return path.read_bytes()
    except OSError:
        return None
