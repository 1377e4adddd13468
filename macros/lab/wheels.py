"""The wheels that go into the browser: the proofs' own versions, for the browser's platform.

There is no lock file of its own: the versions and hashes are those of `requirements/proofs.txt`,
so the lab cannot run another version than the proofs did.
"""

from __future__ import annotations

import re
import subprocess
import sys
import zipfile
from collections.abc import Iterator, Mapping, Sequence
from email.message import Message
from email.parser import HeaderParser
from pathlib import Path
from typing import Final

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

PYTHON: Final = "3.14"
PLATFORM: Final = "pyemscripten_2026_0_wasm32"
ENVIRONMENT: Final = {
    "implementation_name": "cpython",
    "os_name": "posix",
    "platform_machine": "wasm32",
    "platform_python_implementation": "CPython",
    "platform_system": "Emscripten",
    "python_full_version": "3.14.2",
    "python_version": PYTHON,
    "sys_platform": "emscripten",
    "extra": "",
}
# What runs proofs and requests, whatever the subject is.
OWN: Final = ("anyio", "httpx2", "idna", "iniconfig", "packaging", "pluggy", "pytest", "tzdata")
STAND_INS: Final = {
    "cffi": "has no wheel for the browser; driver/stand_ins/_cffi_backend.py does its part",
    "greenlet": "only asynchronous database sessions need it, and their drivers need threads",
    "httpx2-jsfetch": "there is no network; driver/stand_ins/httpx2_jsfetch.py says so",
    "pycparser": "cffi reads C with it when it builds, never when it runs",
    "pygments": "nothing is coloured",
}
_LOCKED = re.compile(r"^(?P<name>[A-Za-z0-9._-]+)==(?P<version>[^\s;\\]+)(?P<rest>.*)$")


class LabError(Exception):
    """The lab could not be built; the message says what to do."""


def locked(lock: Path, names: Sequence[str]) -> dict[str, str]:
    """Return each distribution's block of the lock file, without its marker; LabError if none."""
    blocks = dict(_blocks(lock))
    wanted = dict.fromkeys(canonicalize_name(name) for name in [*names, *OWN])
    found = {name: blocks[name] for name in wanted if name in blocks}
    missing = [name for name in wanted if name not in blocks and name not in STAND_INS]
    if missing:
        raise LabError(f"{lock.name} has no {', '.join(missing)}. Correct subject.lab.")
    return {name: text for name, text in found.items() if name not in STAND_INS}


def names(lock: Path) -> set[str]:
    """Return the names of all distributions that are locked for some platform."""
    lines = lock.read_text(encoding="utf-8").splitlines()
    return {canonicalize_name(match["name"]) for line in lines if (match := _LOCKED.match(line))}


def versions(blocks: Mapping[str, str]) -> dict[str, str]:
    """Return the version of each distribution."""
    return {name: block.split("==", 1)[1].split()[0] for name, block in blocks.items()}


def download(blocks: Mapping[str, str], into: Path) -> list[Path]:
    """Get the wheels by their hashes; return their files. Those already there are kept."""
    into.mkdir(parents=True, exist_ok=True)
    requirements = into / "requirements.txt"
    requirements.write_text("\n".join(blocks.values()) + "\n", encoding="utf-8")
    command = [sys.executable, "-m", "pip", "download", "--quiet", "--disable-pip-version-check"]
    command += ["--no-deps", "--only-binary=:all:", "--require-hashes", "--dest", str(into)]
    command += ["--platform", PLATFORM, "--python-version", PYTHON, "--implementation", "cp"]
    command += ["--abi", "cp314", "--abi", "abi3", "--abi", "none", "-r", str(requirements)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        said = "\n".join(line for line in done.stderr.splitlines() if line.startswith("ERROR"))
        raise LabError(f"a wheel for the browser could not be had:\n{said or done.stderr}")
    wanted = {(name, version) for name, version in versions(blocks).items()}
    return sorted(wheel for wheel in into.glob("*.whl") if _named(wheel) in wanted)


def unmet(wheels: Sequence[Path]) -> Iterator[str]:
    """Yield what the wheels need and neither they nor the stand-ins provide."""
    there = {_named(wheel)[0] for wheel in wheels} | STAND_INS.keys()
    for wheel in wheels:
        for name in sorted(needs(wheel) - there):
            yield f"{named(wheel)} needs {name}: add it to subject.lab."


def named(wheel: Path) -> str:
    """Return the name of the distribution that a wheel holds."""
    return _named(wheel)[0]


def needs(wheel: Path) -> set[str]:
    """Return the names of the distributions that a wheel needs here."""
    wanted = map(Requirement, _metadata(wheel).get_all("Requires-Dist") or ())
    return {
        canonicalize_name(need.name)
        for need in wanted
        if need.marker is None or need.marker.evaluate(dict(ENVIRONMENT))
    }


def _blocks(lock: Path) -> Iterator[tuple[str, str]]:
    name, lines = "", list[str]()
    for line in [*lock.read_text(encoding="utf-8").splitlines(), "end==0"]:
        match = _LOCKED.match(line)
        if match is None:
            lines.append(line.strip())
            continue
        if name:
            yield name, " \\\n    ".join(text.removesuffix("\\").strip() for text in lines if text)
        name, lines = "", []
        marker = match["rest"].strip().removesuffix("\\").strip().removeprefix(";").strip()
        requirement = Requirement(f"{match['name']} ; {marker}" if marker else match["name"])
        here = requirement.marker is None or requirement.marker.evaluate(dict(ENVIRONMENT))
        # Locked for systems that have no time zones of their own; the browser is one more.
        if here or match["name"] == "tzdata":
            name = canonicalize_name(match["name"])
            lines = [f"{match['name']}=={match['version']}"]


def _named(wheel: Path) -> tuple[str, str]:
    name, version = wheel.name.split("-")[:2]
    return canonicalize_name(name), version


def _metadata(wheel: Path) -> Message:
    with zipfile.ZipFile(wheel) as opened:
        inside = next(name for name in opened.namelist() if name.endswith(".dist-info/METADATA"))
        return HeaderParser().parsestr(opened.read(inside).decode())
