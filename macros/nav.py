"""Generates nav.yml, the navigation that mkdocs.yml inherits, from the registry."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import yaml

from macros.model import Registry
from macros.project import Project

_HEAD = "# Generated from docs/topics.yml by `make fix`. Do not edit.\n"


def generate(project: Project, registry: Registry) -> str:
    """Return the text of nav.yml; pages that do not exist are left out."""
    sections: list[dict[str, Any]] = [
        {"Home": "index.md"},
        {"All topics": "topics.md"},
        *_levels(project, registry),
        {"Concept map": "map.md"},
        {"Paths": [{path.title: f"paths/{path.id}.md"} for path in registry.paths]},
        {
            "Interview": [
                "interview/index.md",
                {"By topic": "interview/by-topic.md"},
                {"By seniority": "interview/by-seniority.md"},
            ]
        },
        {"What changed": "changes.md"},
        {"Downloads": "downloads.md"},
        {"About": "about.md"},
    ]
    nav = [kept for section in sections if (kept := _existing(project, section)) is not None]
    return _HEAD + yaml.safe_dump({"nav": nav}, sort_keys=False, allow_unicode=True, width=100)


def write(project: Project, registry: Registry) -> list[Path]:
    """Write nav.yml if its bytes would change; return what was written."""
    if is_fresh(project, registry):
        return []
    project.nav.write_text(generate(project, registry), encoding="utf-8", newline="\n")
    return [project.nav]


def is_fresh(project: Project, registry: Registry) -> bool:
    """Whether nav.yml says what the registry says."""
    try:
        return project.nav.read_text(encoding="utf-8") == generate(project, registry)
    except OSError:
        return False


def _levels(project: Project, registry: Registry) -> list[dict[str, Any]]:
    """Return a section a level: its page, then its written topics with their subpages."""
    sections: list[dict[str, Any]] = []
    for level in registry.levels:
        pages: list[Any] = [f"levels/{level.id}.md"]
        for topic in registry.topics:
            if topic.level == level.id and not topic.planned:
                pages.append({topic.title: f"topics/{topic.id}/index.md"})
                pages += [{name: page} for name, page in _subpages(project, topic.id)]
        sections.append({level.title: pages})
    return sections


def _subpages(project: Project, topic_id: str) -> list[tuple[str, str]]:
    folder = project.bundle(topic_id)
    found = sorted(path for path in folder.rglob("*.md") if path != folder / "index.md")
    return [(_title(path), path.relative_to(project.docs).as_posix()) for path in found]


def _title(page: Path) -> str:
    for line in page.read_text(encoding="utf-8", errors="replace").splitlines():
        if line.startswith("# "):
            return line[2:].split("{")[0].strip()
    return page.stem


def _existing(project: Project, entry: Any) -> Any:
    """Return the entry without pages that do not exist; None if nothing is left."""
    if isinstance(entry, str):
        return entry if (project.docs / entry).is_file() else None
    [(title, inside)] = entry.items()
    if isinstance(inside, list):
        kept = [each for part in inside if (each := _existing(project, part)) is not None]
        return {title: kept} if kept else None
    return {title: inside} if _existing(project, inside) else None
