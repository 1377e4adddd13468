"""What is shown exists; what is marked is shown; what is shown ran."""

from __future__ import annotations

from macros.rules import region_rules as rules
from tests.unit.bakery import Bakery

PAGE = "index.md"


def test_a_region_that_does_not_exist(bakery: Bakery) -> None:
    bakery.change(PAGE, 'example("knead")', 'example("kneed")')
    line = bakery.line(PAGE, "kneed")
    assert bakery.problems(rules.shown_regions_exist) == [
        f"index.md:{line}: no region 'kneed' in docs/topics/kneading/main.py. Did you mean 'knead'?"
    ]


def test_a_file_that_does_not_exist(bakery: Bakery) -> None:
    bakery.change(PAGE, 'show("real.py")', 'show("oven.py")')
    line = bakery.line(PAGE, "oven.py")
    assert bakery.problems(rules.shown_regions_exist) == [
        f"index.md:{line}: no file 'oven.py' in docs/topics/kneading. "
        "There are: Ovenfile, main.py, real.py, requests.http, test_main.py."
    ]


def test_a_region_of_a_file_without_any(bakery: Bakery) -> None:
    bakery.change(PAGE, 'show("real.py")', 'show("real.py", "bake")')
    line = bakery.line(PAGE, '"bake"')
    assert bakery.problems(rules.shown_regions_exist) == [
        f"index.md:{line}: no region 'bake' in docs/topics/kneading/real.py. There are none."
    ]


def test_a_quiz_snippet_that_does_not_exist(bakery: Bakery) -> None:
    bakery.change("questions.yml", "snippet: shape", "snippet: real.py:shape")
    line = bakery.line("questions.yml", "snippet:")
    assert bakery.problems(rules.shown_regions_exist) == [
        f"questions.yml:{line}: no region 'shape' in docs/topics/kneading/real.py. There are none."
    ]


def test_a_region_that_nothing_shows(bakery: Bakery) -> None:
    bakery.change("questions.yml", "    snippet: shape\n", "")
    line = bakery.line("main.py", "[start:shape]")
    assert bakery.problems(rules.marked_regions_are_shown) == [
        f"main.py:{line}: region 'shape' is shown nowhere. "
        "Show it on the page or in a quiz question, or remove its markers."
    ]


def test_a_subpage_shows_regions_too(bakery: Bakery) -> None:
    bakery.change("questions.yml", "    snippet: shape\n", "")
    bakery.write("more.md", '# More\n\n{{ example("shape") }}\n')
    assert bakery.problems(rules.marked_regions_are_shown) == []


def test_an_app_that_no_page_shows(bakery: Bakery) -> None:
    bakery.change(PAGE, '{{ show("real.py") }}\n', "")
    assert bakery.problems(rules.apps_are_shown) == [
        "real.py: no page shows this file. Show it, or delete it."
    ]


def test_a_page_that_cannot_be_read_hides_what_it_shows(bakery: Bakery) -> None:
    bakery.change(PAGE, '{{ show("real.py") }}\n', "{{ show( }}\n")
    assert bakery.problems(rules.apps_are_shown) == []
    assert bakery.problems(rules.marked_regions_are_shown) == []


def test_python_that_no_test_uses(bakery: Bakery) -> None:
    bakery.write("trap.py", "x = 1\n")
    bakery.change(PAGE, '{{ show("real.py") }}', '{{ show("real.py") }}\n{{ show("trap.py") }}')
    line = bakery.line(PAGE, "trap.py")
    assert bakery.problems(rules.shown_python_is_tested) == [
        f"index.md:{line}: no test imports or names docs/topics/kneading/trap.py. Use it in a "
        "test, or say in bundle.yml under `artifacts` how it was checked."
    ]


def test_a_test_uses_what_it_starts_by_name(bakery: Bakery) -> None:
    bakery.write("trap.py", "x = 1\n")
    bakery.change(PAGE, '{{ show("real.py") }}', '{{ show("real.py") }}\n{{ show("trap.py") }}')
    bakery.change("test_main.py", "assert real.bake()", 'start("trap:x")')
    assert bakery.problems(rules.shown_python_is_tested) == []
