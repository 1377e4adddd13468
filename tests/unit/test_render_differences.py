"""What a page shows of the change against another topic's files."""

from __future__ import annotations

import pytest

from macros.render.differences import difference, files_changed
from macros.render.view import ContentError
from macros.rules.region_rules import shown_python_is_tested, shown_regions_exist
from tests.unit.bakery import Bakery
from tests.unit.views import view

FLOUR = "docs/topics/flour"


@pytest.fixture
def growing(bakery: Bakery) -> Bakery:
    bakery.write(f"{FLOUR}/app/bowl.py", "def fill() -> str:\n    return 'flour'\n")
    bakery.write(f"{FLOUR}/app/spoon.py", "stir = 1\n")
    bakery.write("app/bowl.py", "def fill() -> str:\n    return 'dough'\n")
    bakery.write("app/oven.py", "heat = 1\nbake = 2\n")
    return bakery


def test_a_changed_file_is_shown_as_a_diff(growing: Bakery) -> None:
    assert difference(view(growing), "app/bowl.py", since="flour") == (
        '```` { .diff title="app/bowl.py, since #1" }\n'
        "@@ -1,2 +1,2 @@\n"
        " def fill() -> str:\n"
        "-    return 'flour'\n"
        "+    return 'dough'\n"
        "````"
    )


def test_a_renamed_file_is_compared_with_what_it_was(growing: Bakery) -> None:
    text = difference(view(growing), "app/oven.py", since="flour", before="app/spoon.py")
    assert "-stir = 1\n+heat = 1\n+bake = 2\n" in text


def test_the_table_tells_new_changed_and_gone(growing: Bakery) -> None:
    assert files_changed(view(growing), since="flour").splitlines()[2:] == [
        "| `app/bowl.py` | 1 line added, 1 removed |",
        "| `app/oven.py` | new, 2 lines |",
        "| `app/spoon.py` | gone |",
    ]


@pytest.mark.parametrize(
    ("file", "since", "message"),
    [
        (
            "app/oven.py",
            "flour",
            "no file 'app/oven.py' in docs/topics/flour. A new file is shown with example().",
        ),
        (
            "app/none.py",
            "flour",
            "no file 'app/none.py' in docs/topics/kneading. A new file is shown with example().",
        ),
        (
            "app/bowl.py",
            "kneading",
            "docs/topics/kneading/app/bowl.py is the same as docs/topics/kneading/app/bowl.py.",
        ),
        ("app/bowl.py", "flower", "unknown topic 'flower'. Did you mean 'flour'?"),
    ],
)
def test_a_diff_that_cannot_be_says_why(
    growing: Bakery, file: str, since: str, message: str
) -> None:
    with pytest.raises(ContentError) as told:
        difference(view(growing), file, since=since)
    assert str(told.value) == message


def test_nothing_changed_is_a_mistake(growing: Bakery) -> None:
    with pytest.raises(ContentError, match=r"nothing under lib/ changed since 'flour'\."):
        files_changed(view(growing), since="flour", under="lib/")


def test_a_diffed_file_counts_as_shown(growing: Bakery) -> None:
    growing.change(
        "index.md", '{{ show("real.py") }}', '{{ difference("app/bowl.py", since="flour") }}'
    )
    assert growing.problems(shown_regions_exist) == []
    [told] = growing.problems(shown_python_is_tested)
    assert "no test imports or names docs/topics/kneading/app/bowl.py." in told
