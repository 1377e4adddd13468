"""Content and machine are strangers: the machine never names what the map is about."""

from __future__ import annotations

from pathlib import Path

from macros.project import Project
from macros.registry import load

ROOT = Path(__file__).resolve().parents[2]
TEXTS = {".py", ".js", ".mjs", ".css", ".html", ".lua", ".typ", ".json", ".svg", ".htm"}
BUILT = ROOT / "overrides" / "assets" / "lab"


def test_no_file_of_the_machine_or_the_theme_names_the_subject() -> None:
    loaded, problems = load(Project(ROOT))
    assert loaded is not None, problems
    name = loaded.registry.subject.name.lower()
    files = [
        file
        for folder in ("macros", "overrides")
        for file in (ROOT / folder).rglob("*")
        if file.suffix in TEXTS and BUILT not in file.parents
    ]
    assert len(files) > 200
    named = [
        file.relative_to(ROOT).as_posix()
        for file in files
        if name in file.read_text(encoding="utf-8").lower()
    ]
    assert named == []
