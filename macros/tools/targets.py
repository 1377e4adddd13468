"""Print the Makefile's targets with their descriptions; standard library only."""

from __future__ import annotations

import re
import sys
from pathlib import Path

TARGET = re.compile(r"^(?P<name>[a-z]+):[^#\n]*##\s*(?P<what>.+)$", re.MULTILINE)


def targets(makefile: str) -> list[tuple[str, str]]:
    """Return name and description of every documented target, in the file's order."""
    return [(match["name"], match["what"]) for match in TARGET.finditer(makefile)]


if __name__ == "__main__":
    for name, what in targets(Path(sys.argv[1]).read_text(encoding="utf-8")):
        print(f"  make {name:<8}{what}")
