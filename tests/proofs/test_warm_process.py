"""A command of a warm process is a process of its own in every way a proof can see."""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from macros.proofs.warm_process import Command, WarmProcess

TOOL = """
import os, signal, sys
print("out", *sys.argv[1:], os.environ.get("FLOUR"), os.getcwd(), __name__)
print("err", file=sys.stderr)
if "fail" in sys.argv: sys.exit(3)
if "raise" in sys.argv: raise ValueError("no yeast")
if "wait" in sys.argv: open(sys.argv[2]).read()
if "deaf" in sys.argv: signal.signal(signal.SIGTERM, signal.SIG_IGN)
signal.signal(signal.SIGINT, signal.default_int_handler)
if "parent" in sys.argv: print(os.getppid(), flush=True)
if {"deaf", "parent"} & {*sys.argv}: print("resting", flush=True); signal.pause()
"""


@pytest.fixture
def kitchen(tmp_path: Path) -> Path:
    folder = tmp_path / "kitchen"
    folder.mkdir()
    (folder / "knead.py").write_text(TOOL, encoding="utf-8")
    return folder


@pytest.fixture
def warm(tmp_path: Path) -> Iterator[WarmProcess]:
    process = WarmProcess(["json"], tmp_path)
    yield process
    process.close()


def test_it_has_its_own_arguments_environment_and_folder(warm: WarmProcess, kitchen: Path) -> None:
    command = warm.start("knead", "slowly", cwd=kitchen, env={**os.environ, "FLOUR": "rye"})
    out, err = command.communicate()
    assert out == f"out slowly rye {kitchen} __main__\n"
    assert err == "err\n"
    assert command.returncode == 0


def test_it_leaves_nothing_behind_for_the_next_one(warm: WarmProcess, kitchen: Path) -> None:
    first = warm.start("knead", cwd=kitchen, env={**os.environ, "FLOUR": "rye"})
    second = warm.start("knead", cwd=kitchen)
    assert "rye" in first.communicate()[0]
    assert "None" in second.communicate()[0]
    assert first.pid != second.pid


def test_its_exit_code_and_its_traceback_are_those_of_python(
    warm: WarmProcess, kitchen: Path
) -> None:
    assert warm.start("knead", "fail", cwd=kitchen).wait() == 3
    raised = warm.start("knead", "raise", cwd=kitchen)
    assert raised.communicate()[1].endswith("ValueError: no yeast\n")
    assert raised.returncode == 1


def test_several_run_at_once_and_one_can_be_killed(warm: WarmProcess, kitchen: Path) -> None:
    gate = kitchen / "gate"
    os.mkfifo(gate)
    waiting = warm.start("knead", "wait", str(gate), cwd=kitchen)
    assert warm.start("knead", cwd=kitchen).wait() == 0
    assert waiting.poll() is None
    waiting.kill()
    assert waiting.wait() == -9


def test_one_that_does_not_end_is_killed_and_its_output_is_told(
    warm: WarmProcess, kitchen: Path
) -> None:
    command = warm.start("knead", "deaf", cwd=kitchen)
    until_resting(command)
    os.kill(command.pid, signal.SIGTERM)
    with pytest.raises(TimeoutError, match=r"knead did not end in 0.2 s .*\n(.*\n)*resting"):
        command.wait(0.2)
    assert command.wait() == -9


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_to_the_whole_group_keeps_nobody_waiting(
    tmp_path: Path, kitchen: Path, number: signal.Signals
) -> None:
    warm = WarmProcess(["json"], tmp_path)
    command = warm.start("knead", "parent", cwd=kitchen)
    minder = until_resting(command)
    for pid in (command.pid, minder, warm.pid):
        os.kill(pid, number)
    assert command.wait(10) == (1 if number == signal.SIGINT else -number)
    warm.close()


def test_the_end_of_the_minder_ends_the_command(warm: WarmProcess, kitchen: Path) -> None:
    command = warm.start("knead", "parent", cwd=kitchen)
    os.kill(until_resting(command), signal.SIGKILL)
    assert command.wait(10) == -9


def until_resting(command: Command) -> int:
    """Wait until the command rests; return the process id that it printed, or 0."""
    give_up = time.monotonic() + 30
    while "resting" not in (printed := command.printed()) and time.monotonic() < give_up:
        time.sleep(0.01)
    first = printed.splitlines()[1]
    return int(first) if first.isdigit() else 0


def test_a_module_that_cannot_be_imported_is_named(tmp_path: Path) -> None:
    with pytest.raises(RuntimeError, match="cannot import no_such_flour"):
        WarmProcess(["no_such_flour"], tmp_path)
