"""Names that a reader could not import are told, with the reason; good ones are remembered."""

from __future__ import annotations

import subprocess
from typing import Any

import pytest

from macros.rules import import_rule as rules
from tests.unit.bakery import Bakery

REGISTRY = "docs/topics.yml"


@pytest.mark.parametrize(
    ("name", "reason"),
    [
        ("json.dumpz", "'json' has no 'dumpz'"),
        ("json.decoder.JSONDecoder.decoed", "'JSONDecoder' has no 'decoed'"),
        ("nosuchpackage.thing", "no module 'nosuchpackage'"),
    ],
)
def test_a_name_that_does_not_import(bakery: Bakery, name: str, reason: str) -> None:
    bakery.change(REGISTRY, "[json.dumps, collections.abc]", f"[json.dumps, {name}]")
    line = bakery.line(REGISTRY, "api:")
    assert bakery.problems(rules.api_names_import) == [
        f"docs/topics.yml:{line}: kneading: '{name}' cannot be imported: {reason}. "
        "Name what exists on the locked versions."
    ]


def test_a_second_check_starts_no_process(bakery: Bakery, monkeypatch: pytest.MonkeyPatch) -> None:
    assert bakery.problems(rules.api_names_import) == []

    def no_process(*_: Any, **__: Any) -> None:
        pytest.fail("a process was started")

    monkeypatch.setattr(subprocess, "run", no_process)
    assert bakery.problems(rules.api_names_import) == []


def test_another_lock_is_another_question(bakery: Bakery, monkeypatch: pytest.MonkeyPatch) -> None:
    assert bakery.problems(rules.api_names_import) == []
    bakery.write("requirements/proofs.txt", "pydantic==3.0\n")
    asked: list[list[str]] = []

    def note(names: list[str]) -> dict[str, str]:
        asked.append(names)
        return {}

    monkeypatch.setattr(rules, "_ask", note)
    assert bakery.problems(rules.api_names_import) == []
    assert asked == [["collections.abc", "json.dumps"]]


def test_a_broken_memory_is_forgotten(bakery: Bakery) -> None:
    cache = bakery.root / ".cache" / "api-names.json"
    cache.parent.mkdir()
    cache.write_text("{", encoding="utf-8")
    assert bakery.problems(rules.api_names_import) == []
