"""Interview questions and quiz, on the page of their topic and on the pages that list them all."""

from __future__ import annotations

import pytest

from macros.render.interview import (
    question_count,
    questions_by_seniority,
    questions_by_topic,
    quick_questions,
    spanning_questions,
)
from macros.render.questions import questions, quiz
from macros.render.view import ContentError
from tests.unit.bakery import Bakery
from tests.unit.views import KNEADING, view

LIST = "interview/by-topic.md"


def test_a_question_is_a_fold_with_a_permanent_id(bakery: Bakery) -> None:
    text = questions(view(bakery))
    assert (
        "//// details | Why knead? "
        '<span class="km-seniority" data-seniority="junior">Junior</span>\n'
        "    attrs: {id: 'q-why-knead', class: 'km-question', data-seniority: 'junior'}\n"
    ) in text
    assert '<p class="km-part">Listen for</p>\n\ngluten' in text
    assert '<p class="km-part">Red flag</p>\n\nflavor' in text
    assert "Follow-up" not in text


def test_an_answer_may_link_topics(bakery: Bakery) -> None:
    assert 'It lines up gluten, see <span class="km-planned"' in questions(view(bakery))


def test_a_question_links_to_itself_and_to_its_proof(bakery: Bakery) -> None:
    text = questions(view(bakery))
    assert '<a class="km-permalink" href="#q-why-knead">Link to this question</a>' in text
    assert '<a class="km-proof-link" href="#proof-short-knead-tears">Proof</a>' in text


def test_optional_parts_stand_between_answer_and_links(bakery: Bakery) -> None:
    more = "answer: a, deeper: And why?, dated_answer: It was so.,"
    bakery.change(
        "questions.yml",
        "ask: Two?, seniority: mid, answer: a,",
        f"ask: Two?, seniority: mid, {more}",
    )
    text = questions(view(bakery))
    assert '<p class="km-part">Follow-up</p>\n\nAnd why?' in text
    assert '<p class="km-part">A dated answer</p>\n\nIt was so.' in text


def test_questions_that_cannot_be_read_say_why(bakery: Bakery) -> None:
    bakery.write("questions.yml", "interview:\n  - {id: a\n")
    with pytest.raises(ContentError, match=r"docs/topics/kneading/questions\.yml:\d+: "):
        questions(view(bakery))
    with pytest.raises(ContentError, match=r"docs/topics/kneading/questions\.yml:\d+: "):
        quiz(view(bakery))


def test_a_file_without_questions_says_so(bakery: Bakery) -> None:
    bakery.write("questions.yml", "interview: []\n")
    with pytest.raises(ContentError, match=r"questions\.yml has no interview questions"):
        questions(view(bakery))
    with pytest.raises(ContentError, match=r"questions\.yml has no quiz questions"):
        quiz(view(bakery))


def test_a_quiz_question_offers_every_option_and_marks_the_right_one(bakery: Bakery) -> None:
    text = quiz(view(bakery))
    assert "html | fieldset#quiz-what-shape.km-quiz\n" in text
    assert "<legend>What does shape() return?</legend>" in text
    assert text.count('name="quiz-what-shape"') == 2
    assert text.count("data-correct") == 3, "one for each of the three questions"
    right = next(row for row in text.splitlines() if "<span>round</span>" in row)
    wrong = next(row for row in text.splitlines() if "<span>flat</span>" in row)
    assert "data-correct" in right
    assert "data-correct" not in wrong


def test_a_quiz_question_shows_its_code_and_folds_its_answer(bakery: Bakery) -> None:
    text = quiz(view(bakery))
    assert "````` { .python }\n" not in text
    assert "```` { .python }\ndef shape() -> str:" in text
    assert "details | Show the answer\n    attrs: {class: 'km-why'}" in text
    assert '<p class="km-right">round</p>' in text
    assert "See [the gotcha](#short-knead-tears){ .km-topic" in text
    assert "Proven by <code>test_warm_dough_sticks</code>" in text


def test_a_quiz_question_without_its_region_is_named(bakery: Bakery) -> None:
    bakery.change("questions.yml", "snippet: shape", "snippet: shapes")
    with pytest.raises(ContentError, match="quiz question 'what-shape': no region 'shapes'"):
        quiz(view(bakery))


def test_all_questions_are_listed_under_their_topic(bakery: Bakery) -> None:
    text = questions_by_topic(view(bakery, LIST))
    assert text.startswith("## #2 Kneading dough {#kneading}\n")
    assert text.index("{#across-topics}") > text.index("q-five")
    address = "../../topics/kneading/#q-why-knead"
    assert f'<a class="km-permalink" href="{address}">' in text
    assert 'href="../../topics/kneading/#proof-short-knead-tears">Proof</a>' in text


def test_a_question_that_spans_topics_names_them(bakery: Bakery) -> None:
    text = questions_by_topic(view(bakery, LIST))
    links = next(row for row in text.splitlines() if "#q-bread-is-flat" in row)
    assert ">Kneading dough</a>" in links
    assert 'class="km-planned"' in links
    assert 'href="../../topics/kneading/#proof-short-knead-tears">Proof</a>' in links


def test_the_page_of_a_topic_links_the_questions_it_shares(bakery: Bakery) -> None:
    text = questions(view(bakery))
    shared = text[text.index('<div class="km-shared">') :]
    address = "../../interview/#q-bread-is-flat"
    assert f'<li><a href="{address}">The bread is flat. What do you check?</a></li>' in shared
    bakery.change("docs/interview/spanning.yml", "topics: [flour, kneading]", "topics: [kneading]")
    assert "km-shared" not in questions(view(bakery))


def test_the_questions_that_span_topics_come_alone(bakery: Bakery) -> None:
    page = view(bakery, "interview/index.md")
    text = spanning_questions(page)
    assert text.count("km-question'") == 1
    assert "'q-bread-is-flat'" in text
    bakery.change("docs/interview/spanning.yml", "    ask: The", "    quick: true\n    ask: The")
    assert spanning_questions(page) == ""
    assert "'q-bread-is-flat'" in quick_questions(page)


def test_all_questions_are_listed_under_their_seniority(bakery: Bakery) -> None:
    text = questions_by_seniority(view(bakery, "interview/by-seniority.md"))
    places = [text.index(f"{{#{one}}}") for one in ("junior", "mid", "senior")]
    assert places == sorted(places)
    assert "## Senior {#senior}\n\n3 questions.\n" in text


def test_the_quick_questions_come_alone(bakery: Bakery) -> None:
    assert quick_questions(view(bakery, "interview/index.md")) == ""
    bakery.change("questions.yml", "    ask: Why knead?", "    quick: true\n    ask: Why knead?")
    text = quick_questions(view(bakery, "interview/index.md"))
    assert text.count("km-question'") == 1
    assert "Why knead?" in text


def test_questions_are_counted(bakery: Bakery) -> None:
    assert question_count(view(bakery, KNEADING)) == "6 questions"
