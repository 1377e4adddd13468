"""Puts what most runs do not need into archives of their own, loaded when it is imported."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from packaging.utils import canonicalize_name

from macros.lab import contents, wheels

PROOFS: Final = frozenset({"iniconfig", "packaging", "pluggy", "pytest"})
# Not imported by name: what asks for it.
ASKED_BY: Final = {"tzdata": "zoneinfo"}
LARGE: Final = 1_000_000  # bytes unpacked: less is not worth a download of its own


@dataclass
class Extra:
    """An archive: its files, and the modules whose import asks for it."""

    files: dict[str, bytes] = field(default_factory=dict)
    modules: set[str] = field(default_factory=set)


def split(
    files: Mapping[str, bytes], found: Sequence[Path], core: Sequence[str]
) -> tuple[dict[str, bytes], dict[str, Extra]]:
    """Return the files of every run, and the archives for those that need more."""
    owner = {
        f"{contents.SITE}/{name}": wheels.named(wheel)
        for wheel in found
        for name, _ in contents.of_wheel(wheel)
    }
    sizes: dict[str, int] = {}
    for name, data in files.items():
        of = owner.get(_source(name), "")
        sizes[of] = sizes.get(of, 0) + len(data)
    always = closure(found, [*core, "httpx2"])
    archives: dict[str, Extra] = {}
    rest = {}
    for name, data in files.items():
        of = owner.get(_source(name), "")
        if of in PROOFS and of not in always:
            into = "proofs"
        elif of in ASKED_BY or (of and of not in always and sizes[of] > LARGE):
            into = of
        else:
            rest[name] = data
            continue
        extra = archives.setdefault(into, Extra())
        extra.files[name] = data
        module = name.removeprefix(f"{contents.SITE}/").split("/")[0].removesuffix(".pyc")
        if not module.endswith(".dist-info"):
            extra.modules.add(ASKED_BY.get(of, module))
    return rest, archives


def _source(name: str) -> str:
    return name.removesuffix("c") if name.endswith(".pyc") else name


def closure(found: Sequence[Path], names: Sequence[str]) -> set[str]:
    """Return these distributions and all that they need."""
    needs = {wheels.named(wheel): wheels.needs(wheel) for wheel in found}
    reached: set[str] = set()
    waiting: list[str] = [canonicalize_name(name) for name in names]
    while waiting:
        name = waiting.pop()
        if name not in reached:
            reached.add(name)
            waiting += needs.get(name, ())
    return reached
