"""Remembers in proofs.json what the last run proved of each bundle, and on which versions."""

from __future__ import annotations

import hashlib
import json
import os
import tempfile
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from importlib import metadata
from pathlib import Path
from platform import python_version
from typing import Any

from macros.bundle import read_bundle
from macros.project import Project

PASSED = "passed"


@dataclass(frozen=True)
class Stamp:
    """When and on what a bundle was proven; `tests` are outcomes by the test function's name."""

    date: str
    python: str
    versions: Mapping[str, str]
    tests: Mapping[str, str]


@dataclass(frozen=True)
class Entry:
    """What is kept of one bundle's last run."""

    fingerprint: str
    date: str
    python: str
    versions: Mapping[str, str]
    tests: Mapping[str, str]

    @property
    def holds(self) -> bool:
        """Whether something passed and nothing failed."""
        outcomes = set(self.tests.values())
        return PASSED in outcomes and outcomes <= {PASSED, "skipped"}


def fingerprint(project: Project, topic_id: str) -> str:
    """Return the hash of all that a proof depends on: the bundle's files and the lock."""
    lock = project.lock.read_bytes() if project.lock.is_file() else b""
    bundle = read_bundle(project, topic_id).fingerprint()
    return hashlib.sha256(bundle.encode() + b"\0" + lock).hexdigest()


def entry(fingerprint: str, distributions: Iterable[str], tests: Mapping[str, str]) -> Entry:
    """Return the entry of a run that ended just now, on the installed versions."""
    return Entry(
        fingerprint=fingerprint,
        date=datetime.now(UTC).date().isoformat(),
        python=python_version(),
        versions={name: metadata.version(name) for name in distributions},
        tests=dict(sorted(tests.items())),
    )


def merge(project: Project, entries: Mapping[str, Entry]) -> None:
    """Put these entries into proofs.json; those of other bundles stay while there is a bundle."""
    bundles = {
        topic_id: known
        for topic_id, known in _read(project.proofs).items()
        if project.bundle(topic_id).is_dir()
    }
    bundles |= {topic_id: asdict(new) for topic_id, new in entries.items()}
    text = json.dumps({"bundles": dict(sorted(bundles.items()))}, indent=2) + "\n"
    _write(project.proofs, text)


def stamp(project: Project, topic_id: str) -> Stamp | None:
    """Return what a bundle was proven on; None unless all passed and nothing changed since."""
    known = _entry_of(_read(project.proofs).get(topic_id))
    if known is None or not known.holds or known.fingerprint != fingerprint(project, topic_id):
        return None
    return Stamp(known.date, known.python, known.versions, known.tests)


def _read(path: Path) -> dict[str, Any]:
    try:
        bundles = json.loads(path.read_text(encoding="utf-8"))["bundles"]
    except (OSError, ValueError, KeyError, TypeError):
        return {}
    return bundles if isinstance(bundles, dict) else {}


def _entry_of(data: Any) -> Entry | None:
    try:
        return Entry(**data)
    except TypeError:
        return None


def _write(path: Path, text: str) -> None:
    # First beside it, then in one step: a reader never sees half a file.
    handle, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}-")
    try:
        with os.fdopen(handle, "w", encoding="utf-8", newline="\n") as out:
            out.write(text)
        Path(name).chmod(0o644)
        Path(name).replace(path)
    except BaseException:
        Path(name).unlink(missing_ok=True)
        raise
