"""Questions keep their order, their lines and their fences."""

from __future__ import annotations

from macros.model import QuizQuestion
from macros.questions import options, parse
from tests.unit.bakery import Bakery

TEXT = """\
interview:
  - id: one
    ask: Why?
    seniority: mid
    answer: |
      Because.

      ```sh
      ls
      ```
    listen_for: >-
      words
    red_flag: "none"
quiz:
  - id: two
    ask: What?
    right: yes it is
    wrong: [no, maybe]
    why: so
"""


def test_options_come_in_the_same_order_every_time() -> None:
    quiz = parse(TEXT, "q.yml").questions.quiz[0]
    assert options(quiz) == options(quiz)
    assert sorted(options(quiz)) == ["maybe", "no", "yes it is"]


def test_the_right_option_does_not_always_stand_first() -> None:
    places = {
        options(QuizQuestion(id=f"q-{n}", ask="a", right="r", wrong=("s", "t"), why="w")).index("r")
        for n in range(30)
    }
    assert places == {0, 1, 2}


def test_fields_know_the_line_of_their_text() -> None:
    rows = TEXT.split("\n")
    for field in parse(TEXT, "q.yml").markdown:
        assert field.text.split("\n")[0].strip() in rows[field.line - 1]


def test_questions_know_their_lines() -> None:
    assert parse(TEXT, "q.yml").lines == {"one": 2, "two": 15}


def test_a_fence_left_open_is_a_problem_on_its_line() -> None:
    broken = TEXT.replace("      ```\n    listen_for", "    listen_for")
    assert [str(problem) for problem in parse(broken, "q.yml").problems] == [
        "q.yml:8: question 'one': a fence in 'answer' is never closed and would swallow what "
        "follows. Close it."
    ]


def test_a_field_with_a_typo_is_a_problem_on_its_line() -> None:
    read = parse(TEXT.replace("red_flag:", "redflag:"), "q.yml")
    assert not read.readable
    assert {problem.line for problem in read.problems} == {13}


def test_text_that_is_no_yaml_is_a_problem() -> None:
    read = parse("interview: [", "q.yml")
    assert not read.readable
    assert len(read.problems) == 1


def test_a_bundle_knows_the_lines_of_its_questions(bakery: Bakery) -> None:
    line = bakery.line("questions.yml", "id: z-two")
    assert bakery.bundle.question_lines["z-two"] == line
