from __future__ import annotations

import json
from dataclasses import replace
from importlib import metadata
from platform import python_version

import pytest

from macros.proofs import ledger
from macros.proofs.ledger import Entry
from tests.proofs.tearoom import Tearoom


@pytest.fixture
def proven(tearoom: Tearoom) -> Entry:
    tearoom.add("green-tea")
    tearoom.add("black-tea")
    fingerprint = ledger.fingerprint(tearoom.project, "green-tea")
    entry = ledger.entry(fingerprint, ["pytest"], {"test_it": "passed"})
    ledger.merge(tearoom.project, {"green-tea": entry})
    return entry


def test_a_stamp_tells_on_what_and_when(tearoom: Tearoom, proven: Entry) -> None:
    stamp = ledger.stamp(tearoom.project, "green-tea")
    assert stamp is not None
    assert stamp.versions == {"pytest": metadata.version("pytest")}
    assert (stamp.python, stamp.date) == (python_version(), proven.date)
    assert stamp.tests == {"test_it": "passed"}
    assert ledger.stamp(tearoom.project, "black-tea") is None


def test_a_merge_keeps_the_rest(tearoom: Tearoom, proven: Entry) -> None:
    other = replace(proven, fingerprint=ledger.fingerprint(tearoom.project, "black-tea"))
    ledger.merge(tearoom.project, {"black-tea": other})
    data = json.loads(tearoom.project.proofs.read_text(encoding="utf-8"))
    assert list(data["bundles"]) == ["black-tea", "green-tea"]
    assert ledger.stamp(tearoom.project, "green-tea") is not None


def test_bundles_that_are_gone_are_forgotten(tearoom: Tearoom, proven: Entry) -> None:
    ledger.merge(tearoom.project, {"lost-tea": proven})
    ledger.merge(tearoom.project, {"black-tea": proven})
    data = json.loads(tearoom.project.proofs.read_text(encoding="utf-8"))
    assert "lost-tea" not in data["bundles"]


def test_a_stamp_disappears_with_any_change(tearoom: Tearoom, proven: Entry) -> None:
    leaf = tearoom.write("green-tea", "leaf.py", "LEAF = 'sencha'  # longer\n")
    assert ledger.stamp(tearoom.project, "green-tea") is None
    leaf.write_text('LEAF = "green-tea"\n', encoding="utf-8")
    assert ledger.stamp(tearoom.project, "green-tea") is not None
    tearoom.project.lock.parent.mkdir()
    tearoom.project.lock.write_text("pytest==1\n", encoding="utf-8")
    assert ledger.stamp(tearoom.project, "green-tea") is None


@pytest.mark.parametrize("tests", [{"test_it": "failed"}, {"test_it": "skipped"}, {}])
def test_without_a_pass_or_with_a_failure_there_is_no_stamp(
    tearoom: Tearoom, proven: Entry, tests: dict[str, str]
) -> None:
    ledger.merge(tearoom.project, {"green-tea": replace(proven, tests=tests)})
    assert ledger.stamp(tearoom.project, "green-tea") is None


@pytest.mark.parametrize("text", ["", "[]", '{"bundles": 3}', '{"bundles": {"green-tea": {}}}'])
def test_a_broken_file_is_no_proof(tearoom: Tearoom, proven: Entry, text: str) -> None:
    tearoom.project.proofs.write_text(text, encoding="utf-8")
    assert ledger.stamp(tearoom.project, "green-tea") is None
    ledger.merge(tearoom.project, {"green-tea": proven})
    assert ledger.stamp(tearoom.project, "green-tea") is not None
    assert [path.name for path in tearoom.project.root.glob(".proofs*")] == []
