import json
from pathlib import Path

import jsonschema  # type: ignore[import-untyped]
import pytest
import yaml

from macros import schema_files
from macros.project import Project
from macros.rules import schema_rules
from macros.rules.content import Rule
from tests.unit.bakery import Bakery
from tests.unit.registry_text import REGISTRY, changed


@pytest.fixture
def machine(bakery: Bakery) -> Bakery:
    """The small project with a machine of its own."""
    schema_files.write(bakery.project)
    lines = {
        "docs/topics.yml": "# yaml-language-server: $schema=../macros/schemas/topics.json\n",
        "docs/interview/spanning.yml": (
            "# yaml-language-server: $schema=../../macros/schemas/questions.json\n"
        ),
        "questions.yml": (
            "# yaml-language-server: $schema=../../../macros/schemas/questions.json\n"
        ),
        "bundle.yml": "# yaml-language-server: $schema=../../../macros/schemas/bundle.json\n",
    }
    for name, line in lines.items():
        bakery.write(name, line + bakery.read(name))
    return bakery


def test_a_schema_is_written_for_each_kind_of_file(tmp_path: Path) -> None:
    project = Project(tmp_path)
    assert [project.relative(path) for path in schema_files.write(project)] == [
        "macros/schemas/topics.json",
        "macros/schemas/questions.json",
        "macros/schemas/bundle.json",
    ]


def test_a_second_write_touches_nothing(tmp_path: Path) -> None:
    schema_files.write(Project(tmp_path))
    assert schema_files.write(Project(tmp_path)) == []


def test_only_the_file_that_differs_is_written(tmp_path: Path) -> None:
    project = Project(tmp_path)
    schema_files.write(project)
    path = project.schemas / "bundle.json"
    path.write_text("{}")
    assert schema_files.stale(project) == [path]
    assert schema_files.write(project) == [path]
    assert schema_files.stale(project) == []


def test_schemas_end_with_a_line_end_and_say_that_they_are_generated(tmp_path: Path) -> None:
    for text in schema_files.texts(Project(tmp_path)).values():
        assert text.endswith("}\n")
        assert json.loads(text)["$comment"] == (
            "Generated from macros/model.py by `make fix`. Do not edit."
        )


def _mistakes(tmp_path: Path, registry: str) -> list[str]:
    schema = json.loads(schema_files.texts(Project(tmp_path))[_topics(tmp_path)])
    validator = jsonschema.Draft202012Validator(schema)
    validator.check_schema(schema)
    return [error.message for error in validator.iter_errors(yaml.safe_load(registry))]


def _topics(tmp_path: Path) -> Path:
    return Project(tmp_path).schemas / "topics.json"


def test_an_editor_accepts_a_good_registry(tmp_path: Path) -> None:
    assert _mistakes(tmp_path, REGISTRY) == []


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("requires:", "requries:"),
        ("title: Oven", "title: 7"),
        ("number: 3", "number: three"),
        ("status: planned", "status: plannd"),
        ("you bake what has risen", "x" * 81),
        ("id: oven", "id: Big Oven"),
        ("yeast: you bake", "Big Yeast: you bake"),
        ("  leaven: yeast", "  Old Leaven: yeast"),
    ],
)
def test_an_editor_marks_what_the_loader_refuses(old: str, new: str, tmp_path: Path) -> None:
    assert len(_mistakes(tmp_path, changed((old, new)))) >= 1


@pytest.mark.parametrize("rule", schema_rules.RULES, ids=lambda rule: str(rule.__name__))
def test_fresh_schemas_break_no_rule(machine: Bakery, rule: Rule) -> None:
    assert machine.problems(rule) == []


@pytest.mark.parametrize("rule", schema_rules.RULES, ids=lambda rule: str(rule.__name__))
def test_a_project_without_a_machine_of_its_own_needs_no_schemas(
    bakery: Bakery, rule: Rule
) -> None:
    assert bakery.problems(rule) == []


def test_a_schema_that_says_something_else_is_out_of_date(machine: Bakery) -> None:
    (machine.project.schemas / "topics.json").write_text("{}\n")
    assert machine.problems(schema_rules.schemas_are_fresh) == [
        "macros/schemas/topics.json: out of date. Run `make fix`."
    ]


def test_a_missing_schema_is_out_of_date(machine: Bakery) -> None:
    (machine.project.schemas / "bundle.json").unlink()
    assert machine.problems(schema_rules.schemas_are_fresh) == [
        "macros/schemas/bundle.json: out of date. Run `make fix`."
    ]


@pytest.mark.parametrize(
    ("name", "up", "schema"),
    [
        ("docs/topics.yml", "../", "topics"),
        ("docs/interview/spanning.yml", "../../", "questions"),
        ("docs/topics/kneading/questions.yml", "../../../", "questions"),
        ("docs/topics/kneading/bundle.yml", "../../../", "bundle"),
    ],
)
def test_a_file_without_its_schema_line_is_told(
    machine: Bakery, name: str, up: str, schema: str
) -> None:
    machine.write(name, machine.read(name).partition("\n")[2])
    line = f"# yaml-language-server: $schema={up}macros/schemas/{schema}.json"
    told = [f"{name}:1: must begin with the line `{line}`.".removeprefix("docs/topics/kneading/")]
    assert machine.problems(schema_rules.yaml_files_name_their_schema) == told
