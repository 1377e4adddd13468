import pytest
from hypothesis import given
from hypothesis import strategies as st

from macros.minutes import estimate, minutes
from tests.unit.bakery import Bakery


@pytest.mark.parametrize(
    ("words", "code_lines", "questions", "expected"),
    [
        (0, 0, 0, 1),
        (1, 0, 0, 1),
        (200, 0, 0, 1),
        (201, 0, 0, 2),
        (0, 20, 0, 1),
        (0, 21, 0, 2),
        (0, 0, 8, 4),
        (1500, 120, 9, 18),
        # 0.1 + 0.2 is more than 0.3 for a computer, and no reason for another minute.
        (20, 6, 1, 1),
        (140, 4, 0, 1),
    ],
)
def test_words_lines_and_questions_take_their_time(
    words: int, code_lines: int, questions: int, expected: int
) -> None:
    assert estimate(words, code_lines, questions) == expected


_counts = st.tuples(st.integers(0, 9999), st.integers(0, 999), st.integers(0, 99))


@given(_counts, _counts)
def test_more_never_takes_less(some: tuple[int, int, int], more: tuple[int, int, int]) -> None:
    both = tuple(one + other for one, other in zip(some, more, strict=True))
    assert estimate(*some) <= estimate(*both) <= estimate(*some) + estimate(*more)


def _with_words(bakery: Bakery, number: int) -> int:
    bakery.change("index.md", "It tears.", "bread " * number)
    return minutes(bakery.bundle)


def test_a_bundle_takes_time_for_words_shown_code_and_questions(bakery: Bakery) -> None:
    # Eight questions, and the few words and lines of the page.
    assert minutes(bakery.bundle) == 5


def test_words_count(bakery: Bakery) -> None:
    assert _with_words(bakery, 2000) == 15


def test_code_that_is_shown_counts(bakery: Bakery) -> None:
    bakery.write("real.py", "x = 1\n\n" * 100)
    assert minutes(bakery.bundle) == 10


def test_code_that_is_shown_twice_counts_once(bakery: Bakery) -> None:
    bakery.write("real.py", "x = 1\n\n" * 100)
    bakery.change(
        "index.md", '{{ show("real.py") }}', '{{ show("real.py") }}\n{{ show("real.py") }}'
    )
    assert minutes(bakery.bundle) == 10


def test_code_that_is_not_shown_does_not_count(bakery: Bakery) -> None:
    bakery.write("helper.py", "x = 1\n" * 1000)
    bakery.write("main.py", bakery.read("main.py") + "x = 1\n" * 1000)
    assert minutes(bakery.bundle) == 5


def test_code_that_does_not_exist_does_not_count(bakery: Bakery) -> None:
    bakery.change("index.md", 'example("knead")', 'example("no-such")')
    bakery.change("index.md", 'show("real.py")', "show()")
    assert minutes(bakery.bundle) == 5


def test_a_bundle_without_a_page_takes_the_time_of_its_questions(bakery: Bakery) -> None:
    bakery.delete("index.md")
    assert minutes(bakery.bundle) == 4
