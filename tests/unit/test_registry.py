import os
from pathlib import Path

import yaml

from macros import yaml_source
from macros.problems import Problem
from macros.project import Project
from macros.registry import load
from tests.unit.registry_text import changed, loaded, project


def test_lines_are_found_by_section_and_id(tmp_path: Path) -> None:
    found = loaded(tmp_path)
    assert found.line("topics", "oven", "requires", "yeast") == 24
    assert found.line("levels", "bakery") == 4
    assert found.line("paths", "first-loaf", "topics", 1) == 48
    assert found.line("moved", "leaven") == 51
    assert found.line_of_topic("crust") == 26
    assert found.line_of_topic("crust", "must_know") == 33


def test_an_unknown_id_has_the_line_of_its_section(tmp_path: Path) -> None:
    assert loaded(tmp_path).line_of_topic("butter", "title") == 5


def test_a_missing_registry_is_told(tmp_path: Path) -> None:
    assert load(Project(tmp_path)) == (
        None,
        [
            Problem(
                "docs/topics.yml",
                0,
                "does not exist. It is the list of all topics: the site needs it.",
            )
        ],
    )


def test_a_folder_in_its_place_is_told(tmp_path: Path) -> None:
    (tmp_path / "docs" / "topics.yml").mkdir(parents=True)
    assert load(Project(tmp_path)) == (
        None,
        [Problem("docs/topics.yml", 0, "cannot be read: Is a directory.")],
    )


def test_a_registry_in_another_encoding_is_told(tmp_path: Path) -> None:
    text = changed(("Brown and crisp", "Brûlée")).encode("latin-1")
    assert load(project(tmp_path, text)) == (
        None,
        [Problem("docs/topics.yml", 30, "not UTF-8 text. Save the file with encoding UTF-8.")],
    )


def test_a_duplicate_key_still_gives_a_registry(tmp_path: Path) -> None:
    found, problems = load(project(tmp_path, changed(("number: 3", "number: 3\n    number: 9"))))
    assert [str(problem) for problem in problems] == [
        "docs/topics.yml:20: 'number' stands here a second time (first on line 19). Delete one."
    ]
    assert found is not None
    assert found.registry.topic("oven").number == 3


def test_duplicate_keys_and_wrong_values_are_told_together(tmp_path: Path) -> None:
    registry = changed(("number: 3", "number: 3\n    number: 9"), ("title: Dough", "title: 7"))
    _, problems = load(project(tmp_path, registry))
    assert [problem.line for problem in problems] == [8, 20]


def test_an_unchanged_file_is_not_read_again(tmp_path: Path) -> None:
    assert loaded(tmp_path) is load(Project(tmp_path))[0]


def test_a_changed_file_is_read_again(tmp_path: Path) -> None:
    before = loaded(tmp_path)
    after = loaded(tmp_path, changed(("title: Oven", "title: Hot oven")))
    assert before.registry.topic("oven").title == "Oven"
    assert after.registry.topic("oven").title == "Hot oven"


def test_a_file_of_the_same_size_with_another_time_is_read_again(tmp_path: Path) -> None:
    loaded(tmp_path)
    path = project(tmp_path, changed(("title: Oven", "title: Even"))).registry
    os.utime(path, (1, 1))
    found, _ = load(Project(tmp_path))
    assert found is not None
    assert found.registry.topic("oven").title == "Even"


def test_the_kept_result_cannot_be_spoilt(tmp_path: Path) -> None:
    made = project(tmp_path, "a: 1\n")
    load(made)[1].clear()
    assert load(made)[1] != []


def test_the_parser_in_c_is_in_use() -> None:
    # Several times as fast as the one in Python, and both site builders wait for it.
    assert yaml_source._EventReader is yaml.CBaseLoader
