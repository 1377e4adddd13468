"""Nothing is shipped without its license."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from macros.project import Project
from macros.tools import licenses
from macros.tools.licenses import Part, of_distribution, write_page


@pytest.fixture
def project(tmp_path: Path) -> Project:
    (tmp_path / "requirements").mkdir()
    (tmp_path / "requirements" / "proofs.txt").write_text("mkdocs==1.6.1\n", encoding="utf-8")
    (tmp_path / "LICENSE").write_text("Our License\n\nDo as you like.\n", encoding="utf-8")
    (tmp_path / "site").mkdir()
    return Project(tmp_path)


def test_the_page_holds_our_license_the_themes_and_the_locked_packages(project: Project) -> None:
    assert write_page(project, project.site) == []
    page = (project.site / "licenses.html").read_text(encoding="utf-8")
    assert "Our License" in page
    assert "mkdocs-material" in page
    assert "<td>mkdocs</td>" in page


def test_a_shipped_part_without_a_license_is_a_problem(
    project: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(licenses, "shipped_parts", lambda _: [Part("mystery", "1.0", "")])
    problems = write_page(project, project.site)
    assert [str(one) for one in problems] == [
        "pyproject.toml: mystery is shipped, but its license was not found."
    ]
    assert not (project.site / "licenses.html").exists()


def test_npm_packages_count_as_shipped_unless_they_only_build_or_test(project: Project) -> None:
    packages = {
        "": {},
        "node_modules/tool": {"version": "1.0.0", "dev": True, "license": "MIT"},
        "node_modules/runtime": {"version": "2.0.0", "license": "MPL-2.0"},
    }
    text = json.dumps({"packages": packages})
    (project.root / "package-lock.json").write_text(text, encoding="utf-8")
    folder = project.root / "node_modules" / "runtime"
    folder.mkdir(parents=True)
    (folder / "LICENSE").write_text("Mozilla", encoding="utf-8")
    names = [(part.name, part.license) for part in licenses.shipped_parts(project)]
    assert ("runtime", "MPL-2.0") in names
    assert "tool" not in {name for name, _ in names}


def test_a_license_is_found_by_expression_or_classifier() -> None:
    assert of_distribution("mkdocs-material").license == "MIT"
    assert of_distribution("mkdocs").license
