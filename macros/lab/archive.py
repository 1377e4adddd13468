"""One file that holds many: a length, an index as JSON, and the bytes, compressed as a whole."""

from __future__ import annotations

import gzip
import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class Part:
    """A file that the page downloads: its name, and what it weighs before and after."""

    file: str
    bytes: int
    raw: int
    sha256: str


def pack(files: Mapping[str, bytes]) -> bytes:
    """Return the files as one block of bytes; the browser reads it without copying."""
    index, at = {}, 0
    for name, data in files.items():
        index[name] = (at, len(data))
        at += len(data)
    head = json.dumps(index, separators=(",", ":")).encode()
    return len(head).to_bytes(4, "little") + head + b"".join(files.values())


def write(into: Path, name: str, data: bytes) -> Part:
    """Compress the data into a file named by its hash; return what the manifest says of it.

    The name ends in `.bin`: a host that sees `.gz` or `.wasm` may compress or unpack on its own.
    """
    packed = gzip.compress(data, 9, mtime=0)
    digest = hashlib.sha256(packed).hexdigest()
    stem, _, _ = name.partition(".")
    file = f"{stem}.{digest[:12]}.bin"
    (into / file).write_bytes(packed)
    return Part(file, len(packed), len(data), digest)
