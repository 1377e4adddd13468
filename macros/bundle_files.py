"""Which files a bundle consists of, and cheap ways to see that one changed."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

# Folders and files that tools leave behind; nobody wrote them, so they are not the bundle.
_LEFT_BEHIND = frozenset({"__pycache__", "node_modules", ".venv", ".DS_Store", ".git", ".cache"})
_LEFT_BEHIND_ENDINGS = ("_cache", ".pyc", ".egg-info", ".sqlite3-journal", ".db-journal", "~")
_LARGEST_SHOWN = 512 * 1024


@dataclass(frozen=True)
class Entry:
    """One file of a bundle; `name` is its path from the bundle, with forward slashes."""

    name: str
    path: Path
    modified: int
    size: int

    @property
    def stamp(self) -> tuple[str, int, int]:
        """What tells this state of the file from another, without reading it."""
        return self.name, self.modified, self.size


def scan(folder: Path) -> tuple[Entry, ...]:
    """Return the files of a bundle, sorted by name; none for a folder that does not exist."""
    return tuple(sorted(_walk(str(folder), ""), key=lambda entry: entry.name))


def fingerprint(entries: tuple[Entry, ...]) -> str:
    """Return a hash of the names and bytes of these files."""
    digest = hashlib.sha256()
    for entry in entries:
        digest.update(entry.name.encode() + b"\0" + entry.path.read_bytes() + b"\0")
    return digest.hexdigest()


def read_text(entry: Entry) -> str | None:
    """Return the text of a file, None where it is no text or too large to show."""
    if entry.size > _LARGEST_SHOWN:
        return None
    data = entry.path.read_bytes()
    if b"\0" in data:
        return None
    try:
        return data.decode("utf-8-sig").replace("\r\n", "\n")
    except UnicodeDecodeError:
        return None


def _walk(folder: str, prefix: str) -> Iterator[Entry]:
    try:
        found = list(os.scandir(folder))
    except (FileNotFoundError, NotADirectoryError):
        return
    for item in found:
        if item.name in _LEFT_BEHIND or item.name.endswith(_LEFT_BEHIND_ENDINGS):
            continue
        name = prefix + item.name
        if item.is_dir():
            yield from _walk(item.path, name + "/")
        elif item.is_file():
            status = item.stat()
            yield Entry(name, Path(item.path), status.st_mtime_ns, status.st_size)
