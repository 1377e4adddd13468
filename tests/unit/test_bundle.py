"""A bundle is read whole, and again only when something in its folder changed."""

from __future__ import annotations

import json
import re

import pytest

from macros import answers_file
from macros.bundle import proof_name, read_bundle
from tests.unit.bakery import Bakery


def told(bakery: Bakery) -> list[str]:
    return [
        str(problem).removeprefix("docs/topics/kneading/") for problem in bakery.bundle.problems
    ]


def test_files_are_those_a_reader_may_see(bakery: Bakery) -> None:
    bakery.write("__pycache__/main.pyc", "x")
    bakery.write("app/deep/part.py", "x = 1\n")
    bakery.write(".dockerignore", "*.db\n")
    bakery.path("photo.png").write_bytes(b"\x89PNG\0\0")
    assert sorted(bakery.bundle.files) == [
        ".dockerignore",
        "Ovenfile",
        "app/deep/part.py",
        "main.py",
        "real.py",
        "requests.http",
        "test_main.py",
    ]


def test_code_comes_without_markers(bakery: Bakery) -> None:
    assert "--8<--" not in bakery.bundle.files["main.py"]
    assert bakery.bundle.snippet("main.py").text == bakery.bundle.files["main.py"]
    assert bakery.bundle.snippet("main.py", "knead").text.startswith("def knead(")


def test_a_missing_file_or_region_is_named_with_what_exists(bakery: Bakery) -> None:
    with pytest.raises(KeyError, match=re.escape("no file 'oven.py'") + ".*main.py, real.py"):
        bakery.bundle.snippet("oven.py")
    with pytest.raises(KeyError, match=r"no region 'bake'.* There are: knead, shape"):
        bakery.bundle.snippet("main.py", "bake")


def test_tests_are_shown_with_decorators_and_without_markers(bakery: Bakery) -> None:
    bakery.write(
        "test_main.py",
        "import pytest\n\n\n# --8<-- [start:a]\n@pytest.mark.slow\nasync def test_a():\n"
        "    # --8<-- [end:a]\n    assert True\n\n\ndef helper():\n    pass\n",
    )
    test = bakery.bundle.tests["test_a"]
    assert test.source == "@pytest.mark.slow\nasync def test_a():\n    assert True\n"
    assert (test.first_line, test.line, test.is_async) == (4, 6, True)
    assert list(bakery.bundle.tests) == ["test_a"]


def test_the_proof_of_a_gotcha_is_the_test_of_its_name(bakery: Bakery) -> None:
    assert proof_name("salt-first-slows") == "test_salt_first_slows"
    assert bakery.bundle.proof("salt-first-slows").name == "test_salt_first_slows"
    with pytest.raises(
        KeyError, match=r"Add test_crust_burns to docs/topics/kneading/test_main\.py"
    ):
        bakery.bundle.proof("crust-burns")


def test_a_test_name_that_is_taken(bakery: Bakery) -> None:
    bakery.write("test_real.py", "\ndef test_salt_first_slows():\n    pass\n")
    line = bakery.line("test_main.py", "def test_salt_first_slows")
    assert told(bakery) == [
        "test_real.py:2: test 'test_salt_first_slows' exists already in "
        f"docs/topics/kneading/test_main.py:{line}. Give it another name."
    ]


def test_imports_are_followed_through_the_bundles_own_modules(bakery: Bakery) -> None:
    bakery.write("main.py", "import json\nfrom flour.mill import grind\nimport oven\n")
    bakery.write("oven/__init__.py", "from .heat import hot\n")
    bakery.write("oven/heat.py", "import thermometer.digital\nfrom __future__ import annotations\n")
    bakery.write("real.py", "import scale\n")
    assert bakery.bundle.imports() == {"flour", "thermometer"}
    assert bakery.bundle.imports_of("real.py") == {"scale"}
    assert bakery.bundle.app_files == ("main.py", "oven/__init__.py", "oven/heat.py")


def test_a_folder_of_modules_is_an_app(bakery: Bakery) -> None:
    bakery.delete("main.py")
    bakery.write("app/main.py", "from app import heat\n")
    bakery.write("app/heat.py", "import thermometer\n")
    assert bakery.bundle.main == "app/main.py"
    assert bakery.bundle.imports() == {"thermometer"}


def test_a_syntax_error_is_a_problem_on_its_line(bakery: Bakery) -> None:
    bakery.write("real.py", "# --8<-- [start:a]\nx = 1\n# --8<-- [end:a]\ndef (:\n")
    assert told(bakery) == [
        "real.py:4: not valid Python: invalid syntax. "
        "Python cannot read the file until this is mended."
    ]


def test_regions_that_do_not_pair_up_are_problems(bakery: Bakery) -> None:
    bakery.write("Ovenfile", "FROM stone\n# --8<-- [start:a]\nHEAT 250\n")
    assert told(bakery) == ["Ovenfile:2: region 'a' is never closed. Add '--8<-- [end:a]'."]


def test_settings_with_a_typo_are_a_problem(bakery: Bakery) -> None:
    bakery.write("bundle.yml", "own_proces: true\n")
    assert len(told(bakery)) == 1
    assert told(bakery)[0].startswith("bundle.yml:1: ")
    assert bakery.bundle.settings.own_process is False


def test_recorded_answers_can_be_asked_for(bakery: Bakery) -> None:
    answers = bakery.bundle.answers
    assert answers is not None
    answer = answers.get("ask-for-dough")
    assert (answer.status, answer.body, answer.is_json) == (200, {"dough": None}, True)
    assert answer.headers == {"content-type": "application/json"}
    with pytest.raises(KeyError, match="There are: ask-for-dough"):
        answers.get("bread")


@pytest.mark.parametrize("text", ["[]", '{"inputs": "x"}', '{"inputs": "x", "answers": [1]}'])
def test_a_recording_of_another_shape_is_a_problem(text: str) -> None:
    answers, problems = answers_file.parse(text, "responses.json")
    assert answers is None
    assert [str(problem) for problem in problems] == [
        "responses.json: not a recording of answers. Run `make fix` to write it anew."
    ]


def test_a_recording_that_is_no_json_is_a_problem_on_its_line() -> None:
    _, problems = answers_file.parse('{\n"inputs": ,', "responses.json")
    assert [problem.line for problem in problems] == [2]


def test_answers_depend_on_app_requests_settings_and_lock_only(bakery: Bakery) -> None:
    folder = bakery.bundle.folder
    before = answers_file.inputs_hash(bakery.project, folder)
    for name in ("index.md", "questions.yml", "test_main.py", "real.py"):
        bakery.write(name, "x = 1\n")
    assert answers_file.inputs_hash(bakery.project, folder) == before
    seen = {before}
    for name in ("main.py", "app/a.py", "requests.http", "bundle.yml", "requirements/proofs.txt"):
        bakery.write(name, "x: 1\n")
        seen.add(answers_file.inputs_hash(bakery.project, folder))
    assert len(seen) == 6


def test_a_bundle_is_read_again_only_when_a_file_changed(bakery: Bakery) -> None:
    first = bakery.bundle
    assert bakery.bundle is first
    bakery.write("outputs/new.txt", "seen\n")
    assert bakery.bundle is not first
    assert bakery.bundle.outputs["new"] == "seen\n"


def test_the_fingerprint_changes_with_every_file_but_not_with_leftovers(bakery: Bakery) -> None:
    before = bakery.bundle.fingerprint()
    bakery.write("__pycache__/x.pyc", "x")
    assert bakery.bundle.fingerprint() == before
    bakery.write("outputs/crumb.txt", "open\n")
    assert bakery.bundle.fingerprint() != before


def test_a_folder_that_does_not_exist_is_an_empty_bundle(bakery: Bakery) -> None:
    empty = read_bundle(bakery.project, "nothing")
    assert (empty.page, dict(empty.files), empty.problems) == (None, {}, ())


def test_the_format_keeps_null_apart_from_text() -> None:
    answer = {
        "name": "a",
        "request": {"method": "GET", "url": "/"},
        "status": 200,
        "headers": {},
        "text": "hello",
    }
    answers, _ = answers_file.parse(json.dumps({"inputs": "x", "answers": [answer]}), "f")
    assert answers is not None
    assert (answers.answers[0].text, answers.answers[0].is_json) == ("hello", False)
