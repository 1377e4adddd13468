from __future__ import annotations

import pytest

from macros.proofs import answers, ledger
from macros.proofs.runner import prove
from tests.proofs.tearoom import Tearoom

PASSING = 'async def test_it(client):\n    assert (await client.get("/")).status_code == 201\n'
ALONE = """\
import sys

def test_nobody_else_is_here():
    assert not [name for name in sys.modules if "green-tea" in name]
"""
PAGE = "# Black tea\n\n## Gotchas {#gotchas}\n\n### Bitter {#too-hot-is-bitter}\n"


def run(tearoom: Tearoom, *ids: str, fix: bool = False) -> tuple[list[str], list[str]]:
    said: list[str] = []
    problems = prove(tearoom.project, ids, fix=fix, say=lambda text: said.append(str(text)))
    return [str(problem) for problem in problems], said


def test_proofs_are_run_told_and_remembered(
    tearoom: Tearoom, capfd: pytest.CaptureFixture[str]
) -> None:
    tearoom.add("green-tea", test_main_py=PASSING)
    tearoom.add("black-tea", test_main_py=ALONE, bundle_yml="own_process: true\n")
    before = tearoom.files()
    problems, said = run(tearoom)
    assert problems == []
    assert said == ["2 passed, 0 failed"]
    lines = [line.split() for line in capfd.readouterr().out.splitlines() if line]
    assert [line[:3] for line in lines] == [
        ["green-tea", "1", "passed"],
        ["black-tea", "1", "passed"],
    ]
    for topic in ("green-tea", "black-tea"):
        assert ledger.stamp(tearoom.project, topic) is not None
    assert tearoom.files() == before


def test_a_failing_gotcha_is_a_problem_with_its_line(
    tearoom: Tearoom, capfd: pytest.CaptureFixture[str]
) -> None:
    tearoom.add("green-tea", test_main_py=PASSING)
    tearoom.add(
        "black-tea",
        index_md=PAGE,
        test_main_py="def probe():\n    assert 1 == 2\n\n\n"
        "def test_too_hot_is_bitter():\n    probe()\n\n\ndef test_sweet():\n    pass\n",
    )
    problems, said = run(tearoom)
    assert problems == [
        "docs/topics/black-tea/test_main.py:2: gotcha 'too-hot-is-bitter' is not proven: "
        "test_too_hot_is_bitter: assert 1 == 2"
    ]
    assert said == ["2 passed, 1 failed"]
    printed = capfd.readouterr().out
    assert "black-tea" in printed
    assert "1 passed, 1 failed" in printed
    assert ledger.stamp(tearoom.project, "black-tea") is None
    assert ledger.stamp(tearoom.project, "green-tea") is not None


def test_tests_that_cannot_start_are_a_problem(tearoom: Tearoom) -> None:
    tearoom.add("green-tea", test_main_py="import nothing_such\n")
    tearoom.add("black-tea", test_main_py=PASSING)
    problems, said = run(tearoom)
    assert problems == [
        "docs/topics/green-tea/test_main.py:1: the tests cannot start: "
        "ModuleNotFoundError: No module named 'nothing_such'"
    ]
    assert said == ["1 passed, 1 failed"]
    assert ledger.stamp(tearoom.project, "green-tea") is None
    assert ledger.stamp(tearoom.project, "black-tea") is not None


def test_one_topic_is_run_and_the_rest_kept(tearoom: Tearoom) -> None:
    tearoom.add("green-tea", test_main_py=PASSING)
    tearoom.add("black-tea", test_main_py=PASSING)
    run(tearoom)
    assert run(tearoom, "black-tea") == ([], ["1 passed, 0 failed"])
    assert ledger.stamp(tearoom.project, "green-tea") is not None
    problems, _ = run(tearoom, "blck-tea")
    assert problems == ["docs/topics: no tests in 'blck-tea'. Did you mean 'black-tea'?"]


def test_a_fix_writes_outputs_and_the_stamp_is_of_what_it_wrote(tearoom: Tearoom) -> None:
    folder = tearoom.add("green-tea", test_main_py='def test_it(shown): shown("cup", "hot")\n')
    problems, _ = run(tearoom)
    assert problems == [
        "docs/topics/green-tea/test_main.py:1: test_it: outputs/cup.txt is not recorded yet. "
        "If that is right, run `make fix id=green-tea`."
    ]
    assert run(tearoom, fix=True)[0] == []
    assert (folder / "outputs" / "cup.txt").read_text(encoding="utf-8") == "hot\n"
    assert ledger.stamp(tearoom.project, "green-tea") is not None
    assert run(tearoom)[0] == []


def test_a_stale_output_is_a_problem(tearoom: Tearoom) -> None:
    tearoom.add("green-tea", test_main_py=PASSING)
    tearoom.write("green-tea", "outputs/cup.txt", "hot\n")
    assert run(tearoom)[0] == [
        "docs/topics/green-tea/outputs/cup.txt: no test records it any more. "
        "Delete it, or run `make fix`."
    ]
    assert ledger.stamp(tearoom.project, "green-tea") is None


def test_a_run_that_ends_too_early_is_a_problem(tearoom: Tearoom) -> None:
    tearoom.add("green-tea", test_main_py="import os\ndef test_it(): os._exit(3)\n")
    assert run(tearoom)[0] == ["docs/topics/green-tea: no test ran, or pytest was ended too early."]


def test_changed_answers_are_problems_too(tearoom: Tearoom) -> None:
    tearoom.add("green-tea", test_main_py=PASSING, requests_http="### Brew\nGET /\n")
    assert run(tearoom)[0] == [
        "docs/topics/green-tea/responses.json: the answer to 'brew' is not recorded yet. "
        "Run `make fix id=green-tea`."
    ]


def test_nothing_is_written_in_ci(tearoom: Tearoom, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CI", "true")
    assert run(tearoom, fix=True)[0] == [f"outputs: {answers.CI_REFUSES}"]
