"""What goes into the browser besides packages: the driver, the runner of proofs, its settings."""

from __future__ import annotations

import json
import tomllib
from collections.abc import Iterator, Sequence
from importlib.metadata import packages_distributions
from pathlib import Path
from typing import Final

from packaging.utils import canonicalize_name

from macros.lab import contents, wheels
from macros.project import Project

DRIVER: Final = Path(__file__).parent / "driver"
# What runs apps and proofs on a server runs them here.
SHARED: Final = tuple(
    f"macros/proofs/{name}.py"
    for name in (
        *("asgi", "bundle_run", "fixtures", "isolation", "outcomes", "plugin", "postgres"),
        *("progress", "server", "shown", "valkey", "warm_process"),
    )
)


def files(project: Project, found: Sequence[Path]) -> Iterator[tuple[str, bytes]]:
    """Yield the files by their paths below the packages' folder."""
    for path in sorted(DRIVER.glob("*.py")):
        yield f"lab/{path.name}", path.read_bytes()
    for path in sorted((DRIVER / "stand_ins").glob("*.py")):
        yield path.name, path.read_bytes()
    for name in SHARED:
        yield name, (project.root / name).read_bytes()
    here = {
        name.split("/")[0].removesuffix(".py")
        for wheel in found
        for name, _ in contents.of_wheel(wheel)
    }
    lacking = {k: v for k, v in absent(project).items() if k not in here}
    yield "lab/absent.json", json.dumps(lacking).encode()


def absent(project: Project) -> dict[str, str]:
    """Return the modules that proofs may import here but not in the browser, with their package."""
    locked = wheels.names(project.lock)
    return {
        module: owners[0]
        for module, owners in sorted(packages_distributions().items())
        if owners and canonicalize_name(owners[0]) in locked
    }


def pytest_settings(project: Project) -> bytes:
    """Return the settings of the proofs, as a file of their own: the browser has no project.

    Those of faulthandler stay out, which needs threads.
    """
    settings = tomllib.loads((project.root / "pyproject.toml").read_text(encoding="utf-8"))
    lines = [
        f"{key} = {json.dumps(value)}"
        for key, value in settings["tool"]["pytest"].items()
        if not key.startswith("faulthandler_")
    ]
    return ("[pytest]\n" + "\n".join(lines) + "\n").encode()
