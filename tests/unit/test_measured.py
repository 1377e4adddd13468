"""Figures stand on a page only with what they were measured on."""

from __future__ import annotations

from pathlib import Path

import pytest

from macros.measured import FILE, read
from macros.project import Project
from macros.tools.bench import measures

SCRIPT = """
import json
print(json.dumps({"title": "Rising", "unit": "times", "rows": [{"name": "warm", "value": 2.5}]}))
"""
REGISTRY = """\
subject: {name: Bread, stamp: [pydantic]}
levels: [{id: basic, title: Basic, tagline: First, summary: First loaves.}]
topics: [{id: dough, number: 1, title: Dough, level: basic, summary: Knead.}]
"""


@pytest.fixture
def project(tmp_path: Path) -> Project:
    (tmp_path / "docs" / "topics" / "dough").mkdir(parents=True)
    (tmp_path / "docs" / "topics.yml").write_text(REGISTRY, encoding="utf-8")
    return Project(tmp_path)


def test_figures_are_kept_with_versions_and_date(project: Project) -> None:
    folder = project.bundle("dough")
    (folder / "measure.py").write_text(SCRIPT, encoding="utf-8")
    assert measures.measure(project)[1] == ["dough: warm", 2.5, "times"]
    kept = read(folder)
    assert kept is not None
    assert (kept.rows[0].name, kept.rows[0].value) == ("warm", 2.5)
    assert list(kept.versions) == ["pydantic"]
    assert kept.date
    assert kept.python


@pytest.mark.parametrize("printed", ["nothing", '{"title": "Rising"}'])
def test_a_script_that_prints_something_else_is_named(project: Project, printed: str) -> None:
    (project.bundle("dough") / "measure.py").write_text(f"print({printed!r})", encoding="utf-8")
    with pytest.raises(SystemExit, match=r"docs/topics/dough/measure\.py has to print one JSON"):
        measures.measure(project)
    assert read(project.bundle("dough")) is None


def test_a_damaged_file_says_how_to_get_a_new_one(project: Project) -> None:
    (project.bundle("dough") / FILE).write_text("{", encoding="utf-8")
    with pytest.raises(ValueError, match="make bench only=measures"):
        read(project.bundle("dough"))
