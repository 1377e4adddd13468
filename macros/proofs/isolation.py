"""Give each bundle its own `main`: same-named modules of different bundles never meet."""

from __future__ import annotations

import importlib
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import ModuleType
from typing import Self


def bundle_of(path: Path) -> Path | None:
    """Return the bundle folder that a path lies in, by the layout `docs/topics/<id>/`."""
    return next((folder for folder in path.parents if is_bundle(folder)), None)


def is_bundle(folder: Path) -> bool:
    """Whether a folder lies where bundles do."""
    return folder.parent.name == "topics" and folder.parent.parent.name == "docs"


@contextmanager
def working_in(folder: Path) -> Iterator[None]:
    """Make a folder the current one for a while."""
    before = Path.cwd()
    os.chdir(folder)
    try:
        yield
    finally:
        os.chdir(before)


class Isolation:
    """A bundle's modules, importable only while entered; they are kept from entry to entry."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._own: dict[str, ModuleType] = {}
        self._displaced: dict[str, ModuleType] = {}
        self._path: list[str] = []
        self._bytecode: tuple[bool, str | None] = (False, None)

    def __enter__(self) -> Self:
        names = self._importable_names()
        self._displaced = {
            name: module
            for name, module in sys.modules.items()
            if name.partition(".")[0] in names and not self._owns(module)
        }
        for name in self._displaced:
            del sys.modules[name]
        sys.modules.update(self._own)
        self._path = sys.path.copy()
        sys.path.insert(0, str(self.folder))
        importlib.invalidate_caches()
        # The variable reaches the processes that a test starts.
        self._bytecode = (sys.dont_write_bytecode, os.environ.get("PYTHONDONTWRITEBYTECODE"))
        sys.dont_write_bytecode = True
        os.environ["PYTHONDONTWRITEBYTECODE"] = "1"
        return self

    def __exit__(self, *_: object) -> None:
        self._own = {name: module for name, module in sys.modules.items() if self._owns(module)}
        for name in self._own:
            del sys.modules[name]
        sys.modules.update(self._displaced)
        sys.path[:] = self._path
        sys.dont_write_bytecode, variable = self._bytecode
        if variable is None:
            os.environ.pop("PYTHONDONTWRITEBYTECODE", None)
        else:
            os.environ["PYTHONDONTWRITEBYTECODE"] = variable

    def _owns(self, module: ModuleType) -> bool:
        # Read from __dict__: lazy modules run code when asked for an attribute.
        attributes = getattr(module, "__dict__", None) or {}
        file = attributes.get("__file__")
        places = [file] if file else list(attributes.get("__path__") or ())
        inside = str(self.folder) + os.sep
        return any(isinstance(place, str) and place.startswith(inside) for place in places)

    def _importable_names(self) -> set[str]:
        names = {path.stem for path in self.folder.glob("*.py")}
        names |= {path.parent.name for path in self.folder.glob("*/*.py")}
        # Like any script next to a `logging.py`, a bundle cannot hide what Python runs on.
        return names - sys.stdlib_module_names
