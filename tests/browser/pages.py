"""One page of each kind, for the tests that visit them all."""

from __future__ import annotations

from pathlib import Path

from macros.project import Project
from macros.registry import load
from tests.browser.conftest import MISSING

_loaded, _ = load(Project(Path(__file__).resolve().parents[2]))
assert _loaded is not None, "The registry does not load; see `make check`."
_registry = _loaded.registry
WRITTEN = [topic.id for topic in _registry.topics if not topic.planned]


def _ends_of_levels() -> list[str]:
    """Return the first and the last written topic of each level: a sample that stays small."""
    ends: list[str] = []
    for level in _registry.levels:
        ids = [t.id for t in _registry.topics if t.level == level.id and not t.planned]
        ends += dict.fromkeys([ids[0], ids[-1]]) if ids else ()
    return ends


SAMPLE = _ends_of_levels()
LEVEL = _registry.levels[0].id
PATH = _registry.paths[0].id

KINDS = {
    "home": "",
    "topics": "topics/",
    "level": f"levels/{LEVEL}/",
    "path": f"paths/{PATH}/",
    "map": "map/",
    "interview": "interview/",
    "by topic": "interview/by-topic/",
    "by seniority": "interview/by-seniority/",
    "changes": "changes/",
    "downloads": "downloads/",
    "about": "about/",
    "missing": MISSING,
    "licenses": "licenses.html",
    **{topic: f"topics/{topic}/" for topic in SAMPLE},
}
