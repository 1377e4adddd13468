from __future__ import annotations

from pathlib import Path

import pytest

from tests.proofs.tearoom import Tearoom

SHOWING = 'def test_it(shown): shown("cup", "hot\\r\\ntea\\n\\n")\n'


@pytest.fixture
def recorded(tearoom: Tearoom) -> Path:
    tearoom.add("green-tea", test_main_py=SHOWING)
    return tearoom.write("green-tea", "outputs/cup.txt", "hot\ntea\n")


def test_an_output_that_is_as_recorded_passes(tearoom: Tearoom, recorded: Path) -> None:
    before = recorded.stat().st_mtime_ns
    assert tearoom.pytest("docs/topics").code == 0
    assert tearoom.pytest("docs/topics", "--fix-outputs").code == 0
    assert recorded.stat().st_mtime_ns == before


def test_a_changed_output_fails_with_a_diff_and_a_fix_writes_it(
    tearoom: Tearoom, recorded: Path
) -> None:
    recorded.write_text("cold\ntea\n", encoding="utf-8")
    run = tearoom.pytest("docs/topics")
    assert run.code == 1
    assert "outputs/cup.txt differs from what the test saw." in run.text
    assert "run `make fix id=green-tea`" in run.text
    assert "-cold\n+hot\n" in run.text
    fixed = tearoom.pytest("docs/topics", "--fix-outputs")
    assert fixed.code == 0, fixed.text
    assert "-cold\n+hot\n" in fixed.text
    assert recorded.read_bytes() == b"hot\ntea\n"


def test_an_output_that_is_not_recorded_yet_fails(tearoom: Tearoom, recorded: Path) -> None:
    recorded.unlink()
    run = tearoom.pytest("docs/topics")
    assert run.code == 1
    assert "outputs/cup.txt is not recorded yet." in run.text


def test_an_output_that_no_test_records_fails_a_whole_run(tearoom: Tearoom, recorded: Path) -> None:
    stale = tearoom.write("green-tea", "outputs/saucer.txt", "flat\n")
    tearoom.write("green-tea", "test_main.py", SHOWING + "def test_more(): pass\n")
    assert tearoom.pytest("docs/topics/green-tea/test_main.py::test_it").code == 0
    run = tearoom.pytest("docs/topics")
    assert run.code == 1
    assert "no test records it any more. Delete it, or run `make fix`." in run.text
    assert tearoom.pytest("docs/topics", "--fix-outputs").code == 0
    assert not stale.exists()
    assert recorded.exists()


def test_nothing_is_written_in_ci(tearoom: Tearoom, recorded: Path) -> None:
    recorded.unlink()
    run = tearoom.pytest("docs/topics", "--fix-outputs", CI="true")
    assert run.code == 4
    assert "nothing is written where CI is set" in run.text
    assert not recorded.exists()


@pytest.mark.parametrize(
    ("calls", "message"),
    [
        ('shown("Cup 1", "")', "a name is lower-case words joined by hyphens"),
        ('shown("cup", "hot\\ntea")', "is already recorded by"),
    ],
)
def test_a_name_is_plain_and_belongs_to_one_test(
    tearoom: Tearoom, recorded: Path, calls: str, message: str
) -> None:
    tearoom.write("green-tea", "test_main.py", SHOWING + f"def test_two(shown): {calls}\n")
    assert message in tearoom.pytest("docs/topics").text
