"""Which edition of the site an exported file is: one stamp, the same in all of them."""

from __future__ import annotations

import hashlib
import tomllib
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime
from pathlib import Path

from mkdocs.config import load_config

from macros.model import Registry
from macros.project import Project
from macros.proofs import ledger

SOURCES = ("docs", "macros", "overrides")
GENERATED = ("overrides/assets/lab/",)


@dataclass(frozen=True)
class Edition:
    """The stamp: reproducible, for its date is that of the newest proof and not today's.

    `name` is the project's name, good as a file name; `title`, `description` and `notice` are those
    of the site; `digest` stands for the sources that the pages were made of (first 8 hexadecimal
    digits of SHA-256); `proven` are the distributions and versions that the newest proof ran on,
    Python last.
    """

    name: str
    title: str
    description: str
    notice: str
    version: str
    date: date
    digest: str
    proven: tuple[tuple[str, str], ...]

    @property
    def stamp(self) -> str:
        """The edition in one line."""
        return f"{self.version}, {self.date.isoformat()} ({self.digest})"

    @property
    def time(self) -> datetime:
        """The moment that files with a time of creation carry."""
        return datetime(self.date.year, self.date.month, self.date.day, tzinfo=UTC)


def edition_of(project: Project, registry: Registry) -> Edition:
    """Return the edition that the built site is."""
    about = tomllib.loads((project.root / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    site = load_config(str(project.root / "mkdocs.yml"))
    stamps = [
        found
        for topic in registry.topics
        if not topic.planned and (found := ledger.stamp(project, topic.id)) is not None
    ]
    newest = max(stamps, key=lambda stamp: stamp.date, default=None)
    return Edition(
        name=about["name"],
        title=site.site_name,
        description=site.site_description or "",
        notice=site.copyright or "",
        version=about["version"],
        date=date.fromisoformat(newest.date) if newest else date(1980, 1, 1),
        digest=_digest(project.root),
        proven=(*newest.versions.items(), ("Python", newest.python)) if newest else (),
    )


def _digest(root: Path) -> str:
    total = hashlib.sha256()
    for file in sorted(_sources(root)):
        total.update(file.relative_to(root).as_posix().encode() + b"\0")
        total.update(hashlib.sha256(file.read_bytes()).digest())
    return total.hexdigest()[:8]


def _sources(root: Path) -> Iterator[Path]:
    for folder in SOURCES:
        for file in (root / folder).rglob("*"):
            name = file.relative_to(root).as_posix()
            if file.is_file() and file.suffix != ".pyc" and not name.startswith(GENERATED):
                yield file
    yield root / "mkdocs.yml"
