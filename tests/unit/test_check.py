from importlib import import_module
from pathlib import Path

import pytest

from macros import rules
from macros.problems import Problem
from macros.project import Project
from macros.rules import check
from macros.rules.content import Content
from tests.unit.bakery import Bakery, said


def test_every_rule_module_takes_part() -> None:
    for path in Path(rules.__file__).parent.glob("*_rules.py"):
        module = import_module(f"macros.rules.{path.stem}")
        assert set(module.RULES) <= set(rules.RULES)


def test_no_rule_takes_part_twice() -> None:
    assert len(rules.RULES) == len(set(rules.RULES))


def test_every_rule_says_in_a_sentence_what_holds() -> None:
    for rule in rules.RULES:
        first = (rule.__doc__ or "").splitlines()[0]
        assert first.endswith("."), rule.__name__


def test_problems_of_all_files_come_sorted_and_once(bakery: Bakery) -> None:
    bakery.change("docs/topics.yml", "flour: gluten", "flower: gluten")
    bakery.change("index.md", "# Kneading dough", "# Dough")
    bakery.change("questions.yml", "ask: Two?", "aks: Two?")
    found = check(bakery.project)
    assert found == sorted(set(found))
    assert {problem.file for problem in found} >= {
        "docs/topics.yml",
        "docs/topics/kneading/index.md",
        "docs/topics/kneading/questions.yml",
    }


def test_a_broken_registry_does_not_hide_mistakes_inside_bundles(bakery: Bakery) -> None:
    bakery.write("docs/topics.yml", "topics: [\n")
    bakery.change("questions.yml", "ask: Two?", "aks: Two?")
    bakery.change("docs/interview/spanning.yml", "ask: The", "aks: The")
    assert said(check(bakery.project)) == [
        "docs/interview/spanning.yml:3: bread-is-flat: unknown field 'aks'. Did you mean 'ask'?",
        "docs/topics.yml:1: a bracket or comma where a value should be. Check the brackets.",
        "questions.yml:14: q-two: unknown field 'aks'. Did you mean 'ask'?",
    ]


def test_an_empty_folder_is_told_that_it_needs_a_registry(tmp_path: Path) -> None:
    assert check(Project(tmp_path)) == [
        Problem(
            "docs/topics.yml",
            0,
            "does not exist. It is the list of all topics: the site needs it.",
        )
    ]


def test_rules_see_pages_folders_and_question_files(
    bakery: Bakery, monkeypatch: pytest.MonkeyPatch
) -> None:
    seen: list[Content] = []

    def look(content: Content) -> list[Problem]:
        seen.append(content)
        return []

    monkeypatch.setattr(rules, "RULES", (look,))
    bakery.write("docs/paths/first.md", "# First\n")
    bakery.write("docs/.template/index.md", "# $title\n")
    bakery.write("docs/topics/orphan/index.md", "# Orphan\n")
    assert check(bakery.project) == []
    [content] = seen
    assert list(content.bundles) == ["kneading", "orphan"]
    assert list(content.pages) == ["index.md", "paths/first.md"]
    assert [spanning.file for spanning in content.spanning] == ["docs/interview/spanning.yml"]
    assert list(content.topics) == ["flour", "kneading", "proofing"]
