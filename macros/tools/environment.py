"""Make the project's own Python environment, `.venv`, from a lock file.

Run as a plain file by the Makefile, before anything is installed: standard library only.
"""

from __future__ import annotations

import hashlib
import os
import subprocess
import sys
import time
import venv
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
VENV = ROOT / ".venv"
GROUPS = ("site", "proofs", "export", "dev")  # each contains the one before it
OLDEST = (3, 11, 5)


def main(group: str) -> int:
    """Bring `.venv` up to the group's lock file; return 0, or 1 after saying what is wrong."""
    if sys.version_info < OLDEST:
        oldest = ".".join(map(str, OLDEST))
        found = ".".join(map(str, sys.version_info[:3]))
        print(f"Python {oldest} or newer is needed, this is {found}.")
        print("Name another one: make PYTHON=python3.12 …")
        return 1
    if group not in GROUPS:
        print(f"no group {group!r}: use one of {', '.join(GROUPS)}")
        return 1
    if any(_is_installed(candidate) for candidate in GROUPS[GROUPS.index(group) :]):
        return 0
    return _install(group)


def _is_installed(group: str) -> bool:
    marker = _marker(group)
    return marker.is_file() and marker.read_text(encoding="utf-8") == _digest(group)


def _install(group: str) -> int:
    began = time.monotonic()
    print(f"Setting up .venv for {group} (once, from requirements/{group}.txt) …", flush=True)
    python = VENV / "bin" / "python"
    if not python.exists():
        venv.create(VENV, with_pip=True, clear=True)
    for marker in VENV.glob(".ready-*"):
        marker.unlink()
    lock = ROOT / "requirements" / f"{group}.txt"
    pip = [str(python), "-m", "pip", "install", "--quiet", "--disable-pip-version-check"]
    # An editable install: the pytest plugin has an entry point, and Zensical imports `macros`.
    steps = (
        [*pip, "--require-hashes", "--requirement", str(lock)],
        [*pip, "--no-deps", "--no-build-isolation", "--editable", str(ROOT)],
    )
    for step in steps:
        done = subprocess.run(step, cwd=ROOT, capture_output=True, text=True, check=False)
        if done.returncode:
            print(done.stdout + done.stderr)
            print(f"The packages of requirements/{group}.txt could not be installed (see above).")
            return 1
    _marker(group).write_text(_digest(group), encoding="utf-8")
    print(f"  ready in {time.monotonic() - began:.0f} s", flush=True)
    return 0


def _marker(group: str) -> Path:
    return VENV / f".ready-{group}"


def _digest(group: str) -> str:
    parts = [ROOT / "requirements" / f"{group}.txt", ROOT / "pyproject.toml"]
    content = b"".join(part.read_bytes() for part in parts) + os.fsencode(ROOT)
    return hashlib.sha256(content + sys.version.encode()).hexdigest()


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1] if len(sys.argv) > 1 else "site"))
