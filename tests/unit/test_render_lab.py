"""Where a page offers to run its example, and where it says why not."""

from __future__ import annotations

import pytest

from macros.render.code import example, show
from tests.unit.bakery import Bakery
from tests.unit.views import view

SLOT = '<div class="km-lab-slot" data-lab="kneading"></div>'


@pytest.fixture(autouse=True)
def shipped(bakery: Bakery) -> None:
    """The subject ships distributions to the browser."""
    bakery.change(
        "docs/topics.yml", "  stamp: [pydantic]", "  stamp: [pydantic]\n  lab: [pydantic]"
    )


def test_the_first_example_of_the_app_is_followed_by_the_place_for_the_button(
    bakery: Bakery,
) -> None:
    text = example(view(bakery), "knead")
    assert text.endswith(f"\n\n{SLOT}")
    assert 'data-run="kneading"' in text


def test_another_example_of_the_app_names_the_lab_and_has_no_button(bakery: Bakery) -> None:
    text = example(view(bakery), "shape")
    assert 'data-run="kneading"' in text
    assert "km-lab-" not in text


def test_a_file_that_is_not_the_app_has_no_button(bakery: Bakery) -> None:
    for text in (example(view(bakery), file="real.py"), show(view(bakery), "Ovenfile")):
        assert "km-lab-" not in text
        assert "data-run" not in text


def test_the_first_call_counts_however_it_names_its_file(bakery: Bakery) -> None:
    bakery.change("index.md", 'example("knead")', 'example(file="main.py", region="shape")')
    assert "km-lab-slot" in example(view(bakery), "shape")
    assert "km-lab-slot" not in example(view(bakery), "knead")


def test_an_opted_out_topic_says_why_and_that_answers_are_recorded(bakery: Bakery) -> None:
    bakery.change(
        "docs/topics.yml",
        "    title: Kneading dough",
        '    title: Kneading dough\n    lab: {"no": needs an `oven`}',
    )
    text = example(view(bakery), "knead")
    assert text.endswith(
        '<p class="km-lab-out">Does not run in the browser: needs an <code>oven</code>.'
        " Its recorded answers are on this page.</p>"
    )
    assert "data-run" not in text


def test_a_note_stands_beside_the_button(bakery: Bakery) -> None:
    bakery.write("bundle.yml", "lab_note: There are no `threads` here.\n")
    text = example(view(bakery), "knead")
    assert '<p class="km-lab-note">There are no <code>threads</code> here.</p></div>' in text


def test_the_place_knows_where_an_app_describes_itself(bakery: Bakery) -> None:
    bakery.change(
        "docs/topics.yml", "  lab: [pydantic]", "  lab: [pydantic]\n  openapi: /menu.json"
    )
    assert 'data-openapi="/menu.json"' in example(view(bakery), "knead")


def test_a_subject_that_ships_nothing_has_no_lab(bakery: Bakery) -> None:
    bakery.change("docs/topics.yml", "\n  lab: [pydantic]", "")
    text = example(view(bakery), "knead")
    assert "km-lab-" not in text
    assert "data-run" not in text
