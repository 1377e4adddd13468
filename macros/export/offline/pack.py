"""Packs a folder into a zip whose bytes depend on nothing but what is in the folder."""

from __future__ import annotations

import zipfile
from datetime import datetime
from pathlib import Path
from typing import Final

_FILE: Final = 0o100644 << 16
_UNIX: Final = 3


def write(target: Path, folder: Path, time: datetime) -> None:
    """Write the zip: the folder itself on top, all files in order, each with this time."""
    found = (path for path in folder.rglob("*") if path.is_file())
    files = {path.relative_to(folder.parent).as_posix(): path for path in found}
    with zipfile.ZipFile(target, "w", zipfile.ZIP_DEFLATED, compresslevel=9) as archive:
        for name, path in sorted(files.items()):
            entry = zipfile.ZipInfo(name, time.timetuple()[:6])
            entry.compress_type = zipfile.ZIP_DEFLATED
            entry.create_system = _UNIX
            entry.external_attr = _FILE
            archive.writestr(entry, path.read_bytes())
