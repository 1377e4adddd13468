"""Lets a builder that goes on running use today's code: forgets the machine's changed modules."""

from __future__ import annotations

import sys
import time
from pathlib import Path
from types import ModuleType

_PACKAGE = "macros"
_KEPT = {_PACKAGE, __name__}
_checked = time.time_ns()


def drop_changed() -> bool:
    """Forget all modules of the machine if one changed since the last call; return whether."""
    global _checked
    since, _checked = _checked, time.time_ns()
    loaded = {
        name: module
        for name, module in sys.modules.items()
        if name.startswith(f"{_PACKAGE}.") and name not in _KEPT
    }
    # All, not only the changed ones: the others hold on to what they imported from them.
    changed = any(_modified(module) > since for module in loaded.values())
    if changed:
        for name in loaded:
            del sys.modules[name]
    return changed


def _modified(module: ModuleType) -> int:
    try:
        return Path(getattr(module, "__file__", None) or "").stat().st_mtime_ns
    except OSError:
        return 0
