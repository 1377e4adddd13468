"""Keeps what was made of a file until the file changes."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Generic, TypeVar

T = TypeVar("T")


class FileCache(Generic[T]):
    """What was last read of each file, valid while its time and size stay the same."""

    def __init__(self) -> None:
        self._known: dict[Path, tuple[tuple[int, int], T]] = {}

    def get(self, path: Path, read: Callable[[], T]) -> T:
        """Return what was kept of this file, or read it now; OSError if it is not there."""
        status = path.stat()
        stamp = (status.st_mtime_ns, status.st_size)
        known = self._known.get(path)
        if known is None or known[0] != stamp:
            known = self._known[path] = (stamp, read())
        return known[1]


def text_of(path: Path) -> str:
    """Return a file's text; bytes that are no UTF-8 become replacement characters."""
    return path.read_text(encoding="utf-8", errors="replace")
