"""What the lock files pin: versions, and how a reader installs what an app imports."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterable, Mapping
from functools import lru_cache
from importlib.metadata import packages_distributions
from pathlib import Path

from macros.project import Project

_PIN = re.compile(r"^(?P<name>[A-Za-z0-9][\w.-]*)==(?P<version>[\w.+!-]+)", re.MULTILINE)
_EXTRAS = re.compile(r"^\s*(?P<name>[A-Za-z0-9][\w.-]*)\s*(?P<extras>\[[^\]]+\])")
_DEVELOPMENT = "dev.txt"


def versions(project: Project) -> Mapping[str, str]:
    """Return the pinned version of every distribution that the proofs or their tools need."""
    found: dict[str, str] = {}
    for lock in (project.lock.with_name(_DEVELOPMENT), project.lock):
        if lock.is_file():
            found |= _pins(lock, lock.stat().st_mtime_ns)
    return found


def version(project: Project, distribution: str) -> str:
    """Return the pinned version of one distribution; empty if no lock names it."""
    return versions(project).get(_normal(distribution), "")


def requirements(project: Project, modules: Iterable[str], needs: Iterable[str]) -> list[str]:
    """Return pinned requirements for these modules and distributions, sorted.

    What the lock does not pin is left out, for it is no part of an installation.
    """
    pinned = versions(project)
    found = (name for module in modules for name in _distributions(module, pinned))
    names = {*found, *(_normal(name) for name in needs)}
    extras = _extras(project)
    return [
        f"{name}{extras.get(name, '')}=={pinned[name]}"
        for name in sorted(name for name in names if name in pinned)
    ]


def _distributions(module: str, pinned: Mapping[str, str]) -> list[str]:
    """Return the pinned distributions that a module comes from; the environment may lack them.

    There are several where each of them has a part of the module: all are needed, for the name does
    not tell which part is meant.
    """
    installed = {_normal(name) for name in _installed().get(module, ())}
    if found := sorted(installed & pinned.keys()):
        return found
    usual = _normal(module)
    return [name for name in (usual, f"py{usual}", f"python-{usual}") if name in pinned][:1]


def _extras(project: Project) -> dict[str, str]:
    """Return the extras that the project asks for, which a lock no longer shows."""
    file = project.root / "pyproject.toml"
    if not file.is_file():
        return {}
    groups = tomllib.loads(file.read_text(encoding="utf-8")).get("dependency-groups", {})
    found: dict[str, str] = {}
    for entry in (entry for group in groups.values() for entry in group):
        if isinstance(entry, str) and (match := _EXTRAS.match(entry)):
            found[_normal(match["name"])] = match["extras"]
    return found


def _normal(name: str) -> str:
    return re.sub(r"[-_.]+", "-", name).lower()


@lru_cache(maxsize=8)
def _pins(lock: Path, _modified: int) -> dict[str, str]:
    text = lock.read_text(encoding="utf-8")
    return {_normal(found["name"]): found["version"] for found in _PIN.finditer(text)}


@lru_cache(maxsize=1)
def _installed() -> Mapping[str, list[str]]:
    return packages_distributions()
