"""Questions that are too few, doubled or unproven are told so."""

from __future__ import annotations

from macros.rules import question_rules as rules
from tests.unit.bakery import Bakery

FILE = "questions.yml"
SPANNING = "docs/interview/spanning.yml"


def test_an_id_that_is_taken_anywhere(bakery: Bakery) -> None:
    bakery.change(SPANNING, "id: bread-is-flat", "id: z-two")
    first = bakery.line(FILE, "z-two")
    assert bakery.problems(rules.question_ids_are_unique) == [
        "docs/interview/spanning.yml:2: question id 'z-two' stands in "
        f"docs/topics/kneading/questions.yml:{first} already. Choose another."
    ]


def test_too_few_questions(bakery: Bakery) -> None:
    rows = bakery.read(FILE).split("\n")
    bakery.write(FILE, "\n".join(row for row in rows if not row.startswith("  - {id:")))
    quiz = bakery.line(FILE, "quiz:")
    assert bakery.problems(rules.topics_have_enough_questions) == [
        "questions.yml:1: 1 of at least 5 interview questions.",
        "questions.yml:1: no interview question for: mid, senior.",
        f"questions.yml:{quiz}: 1 of at least 3 quiz questions.",
    ]


def test_an_option_that_stands_twice(bakery: Bakery) -> None:
    bakery.change(FILE, "wrong: [flat]", "wrong: [flat, Round]")
    line = bakery.line(FILE, "wrong: [flat")
    assert bakery.problems(rules.options_are_distinct) == [
        f"questions.yml:{line}: question 'what-shape': option 'Round' stands twice."
    ]


def test_an_option_that_was_split_at_its_comma(bakery: Bakery) -> None:
    bakery.change(FILE, "wrong: [flat]", "wrong: [Flat, since nobody waited]")
    line = bakery.line(FILE, "wrong: [Flat")
    assert bakery.problems(rules.options_are_whole) == [
        f"questions.yml:{line}: question 'what-shape': 'since nobody waited' looks like the rest "
        "of 'Flat'. Put quotes around an option that has a comma; code wants \"`backticks`\"."
    ]
    bakery.change(FILE, "[Flat, since nobody waited]", '["Flat, since nobody waited"]')
    assert bakery.problems(rules.options_are_whole) == []


def test_what_happens_without_a_proof(bakery: Bakery) -> None:
    bakery.change(FILE, "    proof: test_warm_dough_sticks\n", "")
    line = bakery.line(FILE, "ask: What does")
    assert bakery.problems(rules.what_happens_is_proven) == [
        f"questions.yml:{line}: question 'what-shape': asks what happens without a proof. "
        "Add `proof:` with a gotcha id or a test."
    ]


def test_proofs_that_do_not_exist(bakery: Bakery) -> None:
    bakery.change(FILE, "proof: short-knead-tears", "proof: short-knead-tear")
    bakery.change(FILE, "proof: test_warm_dough_sticks", "proof: warm-dough-stick")
    interview = bakery.line(FILE, "proof: short")
    quiz = bakery.line(FILE, "proof: warm")
    assert bakery.problems(rules.proofs_of_questions_exist) == [
        f"questions.yml:{interview}: question 'why-knead': no gotcha 'short-knead-tear'. "
        "Did you mean 'short-knead-tears'?",
        f"questions.yml:{quiz}: question 'what-shape': no gotcha or test 'warm-dough-stick'. "
        "Did you mean 'warm-dough-sticks'?",
    ]


def test_a_spanning_question_proven_by_none_of_its_topics(bakery: Bakery) -> None:
    bakery.change(SPANNING, "topics: [flour, kneading]", "topics: [flour]")
    assert bakery.problems(rules.proofs_of_questions_exist) == [
        "docs/interview/spanning.yml:9: question 'bread-is-flat': no gotcha 'short-knead-tears'. "
        "There are none."
    ]


def test_a_spanning_question_of_an_unknown_topic(bakery: Bakery) -> None:
    bakery.change(SPANNING, "[flour, kneading]", "[flower, kneading]")
    assert bakery.problems(rules.spanning_questions_name_topics) == [
        "docs/interview/spanning.yml:8: question 'bread-is-flat': unknown topic 'flower'. "
        "Did you mean 'flour'?"
    ]


def test_a_spanning_question_that_spans_nothing(bakery: Bakery) -> None:
    bakery.change(SPANNING, "    topics: [flour, kneading]\n", "")
    assert bakery.problems(rules.spanning_questions_name_topics) == [
        "docs/interview/spanning.yml:2: question 'bread-is-flat': spans no topics. "
        "Add `topics: […]`."
    ]


def test_a_question_of_a_topic_that_names_topics(bakery: Bakery) -> None:
    bakery.change(FILE, "    red_flag: flavor\n", "    red_flag: flavor\n    topics: [flour]\n")
    line = bakery.line(FILE, "topics: [flour]")
    assert bakery.problems(rules.spanning_questions_name_topics) == [
        f"questions.yml:{line}: question 'why-knead': belongs to this topic. Remove `topics`."
    ]


def test_a_quiz_outside_of_topics(bakery: Bakery) -> None:
    quiz = "quiz:\n  - {id: a, ask: Which?, right: a, wrong: [b], why: c}\n"
    bakery.write(SPANNING, bakery.read(SPANNING) + quiz)
    line = bakery.line(SPANNING, "id: a,")
    assert bakery.problems(rules.quizzes_belong_to_topics) == [
        f"docs/interview/spanning.yml:{line}: quiz questions belong to a topic's questions.yml."
    ]
