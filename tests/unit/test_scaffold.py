"""`make new` changes one registry block and one folder, or nothing at all."""

from __future__ import annotations

from pathlib import Path

import pytest

from macros.project import Project
from macros.registry import load
from macros.tools.scaffold import start

REGISTRY = """\
subject: {name: Knots, stamp: [rope]}
levels:
  - {id: basic, title: Basic, tagline: First knots, summary: What holds.}
  - {id: hard, title: Hard, tagline: Last knots, summary: What holds longer.}

topics:
  # the first of all
  - id: bowline
    number: 1
    title: Bowline
    level: basic
    summary: Tie a loop that holds.

  - id: splice
    number: 2
    title: Splice
    level: hard
    summary: Join two ropes for good.
    requires: {bowline: a splice ends in a loop}
    status: planned

paths: []
"""


@pytest.fixture
def project(tmp_path: Path) -> Project:
    template = tmp_path / "docs" / ".template"
    template.mkdir(parents=True)
    (template / "index.md").write_text("# $title\n\n{{ topic_header() }}\n", encoding="utf-8")
    (tmp_path / "docs" / "topics.yml").write_text(REGISTRY, encoding="utf-8")
    return Project(tmp_path)


def silent(_: str) -> None:
    return None


def test_a_planned_topic_loses_its_status_and_gets_a_folder(project: Project) -> None:
    assert start(project, "splice", None, None, silent) == []
    text = project.registry.read_text(encoding="utf-8")
    assert text == REGISTRY.replace("    status: planned\n", "")
    page = (project.bundle("splice") / "index.md").read_text(encoding="utf-8")
    assert page == "# Splice\n\n{{ topic_header() }}\n"


def test_a_new_topic_gets_a_block_after_the_last_of_its_level(project: Project) -> None:
    assert start(project, "reef-knot", "basic", "Reef knot", silent) == []
    loaded, problems = load(project)
    assert problems == []
    assert loaded is not None
    assert [topic.id for topic in loaded.registry.topics] == ["bowline", "reef-knot", "splice"]
    assert loaded.registry.topic("reef-knot").number == 3
    text = project.registry.read_text(encoding="utf-8")
    assert "  # the first of all\n  - id: bowline\n" in text


def test_a_new_topic_of_the_last_level_stays_above_the_next_section(project: Project) -> None:
    assert start(project, "whipping", "hard", "Whipping", silent) == []
    loaded, problems = load(project)
    assert problems == []
    assert loaded is not None
    assert loaded.registry.topics[-1].id == "whipping"


@pytest.mark.parametrize(
    ("topic", "level", "title", "message"),
    [
        ("Reef Knot", None, None, "'Reef Knot' is no id: use lower-case words with hyphens."),
        ("reef-knot", None, None, "no topic 'reef-knot'. Add level=… and title=… to make it."),
        ("reef-knot", "easy", "Reef knot", "no level 'easy'. There are: basic, hard."),
    ],
)
def test_a_mistake_changes_nothing_and_says_what_to_do(
    project: Project, topic: str, level: str | None, title: str | None, message: str
) -> None:
    problems = start(project, topic, level, title, silent)
    assert [str(problem) for problem in problems] == [f"docs/topics.yml: {message}"]
    assert project.registry.read_text(encoding="utf-8") == REGISTRY
    assert not project.topics.exists()


def test_a_folder_that_exists_is_left_alone(project: Project) -> None:
    mine = project.bundle("splice") / "index.md"
    mine.parent.mkdir(parents=True)
    mine.write_text("mine", encoding="utf-8")
    problems = start(project, "splice", None, None, silent)
    assert [str(problem) for problem in problems] == ["docs/topics/splice: exists already."]
    assert mine.read_text(encoding="utf-8") == "mine"
