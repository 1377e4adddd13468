"""One mistake in the registry does not hide the others."""

from __future__ import annotations

from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from macros.model import Registry
from macros.rules import check
from macros.stand_ins import mended
from tests.unit.bakery import Bakery


def registry(**topic: Any) -> dict[str, Any]:
    first = {"id": "dough", "number": 1, "title": "Dough", "level": "basic", "summary": "Knead."}
    return {
        "subject": {"name": "Bread", "stamp": []},
        "levels": [{"id": "basic", "title": "Basic", "tagline": "First", "summary": "Loaves."}],
        "topics": [first, {**first, "id": "crust", "number": 2, **topic}],
    }


def test_data_that_fits_needs_no_stand_in() -> None:
    found = mended(Registry, registry())
    assert found is not None
    assert found[1] == frozenset()


def test_an_unknown_field_is_left_out_and_a_missing_one_gets_a_stand_in() -> None:
    found = mended(Registry, registry(titel="Crust", title=None))
    assert found is not None
    assert found[0].topics[1].title.startswith("stand-in")
    assert found[1] == {("topics", 1, "titel"), ("topics", 1, "title")}


def test_a_number_that_is_none_gets_one_that_nobody_has() -> None:
    found = mended(Registry, registry(number="two"))
    assert found is not None
    assert found[0].topics[1].number > 2


def test_the_input_stays_as_it_was() -> None:
    data = registry(number="two")
    mended(Registry, data)
    assert data == registry(number="two")


@given(
    st.dictionaries(
        st.sampled_from(["id", "number", "title", "level", "requires", "keywords", "docs", "lab"]),
        st.recursive(
            st.none() | st.booleans() | st.integers(-5, 9) | st.text(max_size=9),
            lambda part: st.lists(part, max_size=3) | st.dictionaries(st.text(max_size=5), part),
            max_leaves=6,
        ),
    )
)
def test_whatever_a_topic_holds_the_rest_can_be_read(topic: dict[str, Any]) -> None:
    found = mended(Registry, registry(**topic))
    assert found is not None
    assert found[0].topics[0].id == "dough"


def test_a_mistyped_field_does_not_hide_a_wrong_reference(bakery: Bakery) -> None:
    bakery.change("docs/topics.yml", "title: Kneading dough", "titel: Kneading dough")
    bakery.change("docs/topics.yml", "kneading: strong dough", "kneeding: strong dough")
    told = [str(problem) for problem in check(bakery.project)]
    assert "docs/topics.yml:15: kneading: unknown field 'titel'. Did you mean 'title'?" in told
    assert any("unknown topic 'kneeding'. Did you mean 'kneading'?" in one for one in told)
    assert len(told) == 2
