from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import psutil  # type: ignore[import-untyped]
import pytest

from tests.proofs.tearoom import Tearoom

WAITING = """\
import asyncio
import os
from pathlib import Path

async def test_it(server, postgres):
    async with server() as url:
        Path(os.environ["PIDS"]).write_text(f"{url.process.pid}")
        await asyncio.sleep(60)
"""


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_a_run_that_is_told_to_end_ends_what_it_started(
    tearoom: Tearoom, tmp_path: Path, number: signal.Signals
) -> None:
    tearoom.add("green-tea", test_main_py=WAITING)
    pids = tmp_path / "pids"
    run = subprocess.Popen(
        [sys.executable, "-m", "pytest", "--import-mode=importlib", "docs/topics"],
        cwd=tearoom.project.root,
        env={**os.environ, "PIDS": str(pids)},
        stdout=subprocess.DEVNULL,
        # Under nohup the signal would be ignored, by inheritance.
        preexec_fn=lambda: signal.signal(number, signal.SIG_DFL),
    )
    give_up = time.monotonic() + 30
    while not (pids.is_file() and pids.read_text()) and time.monotonic() < give_up:
        time.sleep(0.05)
    started = psutil.Process(run.pid).children(recursive=True)
    assert {"postgres"} < {process.name() for process in started}
    run.send_signal(number)
    run.wait(30)
    assert psutil.wait_procs(started, timeout=5)[1] == []
