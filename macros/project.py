"""Where the parts of a project lie, from its root; the only module that knows the layout."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class Project:
    """A project folder: the real site, or a mini site of the tests."""

    root: Path

    @property
    def docs(self) -> Path:
        """The folder of everything a reader reads."""
        return self.root / "docs"

    @property
    def registry(self) -> Path:
        """The topic registry."""
        return self.docs / "topics.yml"

    @property
    def topics(self) -> Path:
        """The folder that holds one bundle a topic."""
        return self.docs / "topics"

    @property
    def interview(self) -> Path:
        """The folder of interview pages and of questions that span topics."""
        return self.docs / "interview"

    @property
    def nav(self) -> Path:
        """The generated navigation that mkdocs.yml inherits from."""
        return self.root / "nav.yml"

    @property
    def schemas(self) -> Path:
        """The folder of the generated JSON Schemas for editors."""
        return self.root / "macros" / "schemas"

    @property
    def lock(self) -> Path:
        """The lock file of the packages that the proofs run on."""
        return self.root / "requirements" / "proofs.txt"

    @property
    def proofs(self) -> Path:
        """What the last proof runs found; not committed."""
        return self.root / "proofs.json"

    @property
    def site(self) -> Path:
        """The production build."""
        return self.root / "site"

    def bundle(self, topic_id: str) -> Path:
        """Return the folder of a topic's bundle."""
        return self.topics / topic_id

    def relative(self, path: Path) -> str:
        """Return the path as messages name it: from the root, with forward slashes."""
        try:
            return path.relative_to(self.root).as_posix()
        except ValueError:
            return path.as_posix()
