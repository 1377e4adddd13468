"""Builds the docs of another subject with this project's own settings, theme and macros."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from lxml import html

from macros import nav
from macros.project import Project
from macros.registry import load

ROOT = Path(__file__).resolve().parents[2]
BREAD = Path(__file__).parent / "bread"


@dataclass(frozen=True)
class MiniSite:
    """A project in a folder of its own: all of it is ours, only docs/ is not."""

    root: Path

    @property
    def project(self) -> Project:
        return Project(self.root)

    def change(self, name: str, old: str, new: str) -> None:
        """Put a mistake into a file, or take it out."""
        path = self.root / "docs" / name
        text = path.read_text(encoding="utf-8")
        assert text.count(old) == 1, f"{old!r} stands {text.count(old)} times in {name}"
        path.write_text(text.replace(old, new), encoding="utf-8")

    def build(self, *, strict: bool = True, into: str = "site", **variables: str) -> Built:
        """Build the site as `make site` and `make serve` do, with these variables set."""
        site = self.root / into
        command = [sys.executable, "-m", "mkdocs", "build", "--site-dir", str(site)]
        command += ["--strict" if strict else "--no-strict"]
        environment = {
            **os.environ,
            "NO_MKDOCS_2_WARNING": "1",
            "PYTHONPATH": str(ROOT),
        } | variables
        done = subprocess.run(
            command,
            cwd=self.root,
            env=environment | variables,
            capture_output=True,
            text=True,
            timeout=300,
            check=False,
        )
        return Built(site, done.returncode, done.stdout + done.stderr)


@dataclass(frozen=True)
class Built:
    """What a build left: its pages, its exit code, what it said."""

    folder: Path
    code: int
    said: str

    @property
    def warnings(self) -> list[str]:
        """What it warned of, in order."""
        return re.findall(r"^WARNING -  (.*)$", self.said, re.MULTILINE)

    @cached_property
    def pages(self) -> dict[str, html.HtmlElement]:
        """Every page by its path."""
        return {
            path.relative_to(self.folder).as_posix(): html.fromstring(path.read_bytes())
            for path in sorted(self.folder.rglob("*.html"))
        }

    def article(self, page: str) -> html.HtmlElement:
        """Return what a page says, without the frame around it."""
        found = self.pages[page].find(".//article")
        assert found is not None, f"{page} has no article"
        return found


def set_up(root: Path, docs: Path = BREAD) -> MiniSite:
    """Make a project of these docs in a folder, and generate its navigation."""
    shutil.copytree(docs, root, dirs_exist_ok=True)
    settings = (ROOT / "mkdocs.yml").read_text(encoding="utf-8")
    (root / "mkdocs.yml").write_text(settings.replace("FastAPI", "Bread"), encoding="utf-8")
    for part in ("macros", "overrides"):
        (root / part).symlink_to(ROOT / part, target_is_directory=True)
    mini = MiniSite(root)
    loaded, problems = load(mini.project)
    assert loaded is not None, problems
    nav.write(mini.project, loaded.registry)
    return mini
