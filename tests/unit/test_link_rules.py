"""Links between topics go by id, and arrive."""

from __future__ import annotations

import pytest

from macros.rules import link_rules as rules
from tests.unit.bakery import Bakery

PAGE = "index.md"
LINK = "[A bakery](https://example.org/)"


@pytest.mark.parametrize(
    ("typed", "target"),
    [
        ("[Flour](../flour/index.md)", "../flour/index.md"),
        ("[Flour](../flour/)", "../flour/"),
        ("[Flour](../flour/#gotchas)", "../flour/#gotchas"),
        ("[Flour](/topics/flour/)", "/topics/flour/"),
        ('[Flour](<../../topics/flour/index.md> "Flour")', "../../topics/flour/index.md"),
        ("[Flour][1]\n\n[1]: ../flour/index.md", "../flour/index.md"),
        ('<a href="../flour/">Flour</a>', "../flour/"),
        ("[Flour](topic:flour)", "topic:flour"),
    ],
)
def test_a_typed_link_to_a_topic(bakery: Bakery, typed: str, target: str) -> None:
    bakery.change(PAGE, LINK, typed)
    line = bakery.line(PAGE, target)
    assert bakery.problems(rules.pages_link_topics_by_macro) == [
        f"index.md:{line}: '{target}' links to a topic. Write {{{{ topic(\"flour\") }}}}."
    ]


def test_a_typed_link_from_another_page(bakery: Bakery) -> None:
    bakery.change("docs/index.md", "(topics.md)", "(topics/kneading/index.md)")
    assert bakery.problems(rules.pages_link_topics_by_macro) == [
        "docs/index.md:3: 'topics/kneading/index.md' links to a topic. "
        'Write {{ topic("kneading") }}.'
    ]


@pytest.mark.parametrize(
    "typed",
    [
        "[own part](#gotchas)",
        "[own file](main.py)",
        "[own page](more.md)",
        "[index](../../topics.md)",
        "[site](https://example.org/topics/flour/)",
        "`[code](../flour/)`",
        "Fetch it:\n\n```sh\ncurl '[x](../flour/)'\n```",
    ],
)
def test_links_that_lead_elsewhere(bakery: Bakery, typed: str) -> None:
    bakery.change(PAGE, LINK, typed)
    assert bakery.problems(rules.pages_link_topics_by_macro) == []


def test_an_unknown_topic(bakery: Bakery) -> None:
    bakery.change(PAGE, 'topic("flour")', 'topic("flower")')
    line = bakery.line(PAGE, "flower")
    assert bakery.problems(rules.pages_name_existing_topics) == [
        f"index.md:{line}: unknown topic 'flower'. Did you mean 'flour'?"
    ]


def test_a_topic_that_moved(bakery: Bakery) -> None:
    bakery.change(PAGE, 'topic("flour")', 'topic("mixing")')
    line = bakery.line(PAGE, "mixing")
    assert bakery.problems(rules.pages_name_existing_topics) == [
        f"index.md:{line}: topic 'mixing' moved. Write 'kneading'."
    ]


def test_an_anchor_that_is_not_on_the_page(bakery: Bakery) -> None:
    bakery.change("docs/index.md", 'topic("kneading")', 'topic("kneading", anchor="gotcha")')
    assert bakery.problems(rules.pages_name_existing_topics) == [
        "docs/index.md:3: no anchor 'gotcha' on the page of 'kneading'. Did you mean 'gotchas'?"
    ]


@pytest.mark.parametrize(
    "anchor",
    [
        "gotchas",
        "q-why-knead",
        "quiz-what-shape",
        "proof-salt-first-slows",
        "answer-ask-for-dough",
        "output-crumb",
        "more-salt",
    ],
)
def test_anchors_that_are_made_for_the_page(bakery: Bakery, anchor: str) -> None:
    bakery.change("docs/index.md", 'topic("kneading")', f'topic("kneading", anchor="{anchor}")')
    assert bakery.problems(rules.pages_name_existing_topics) == []


def test_a_question_that_links_an_unknown_topic(bakery: Bakery) -> None:
    bakery.change("questions.yml", "topic:flour", "topic:flower")
    line = bakery.line("questions.yml", "topic:flower")
    assert bakery.problems(rules.questions_link_existing_topics) == [
        f"questions.yml:{line}: question 'why-knead': unknown topic 'flower'. Did you mean 'flour'?"
    ]


def test_a_question_that_links_an_unknown_anchor(bakery: Bakery) -> None:
    bakery.change("questions.yml", "kneading#short-knead-tears", "kneading#short-knead-tear")
    line = bakery.line("questions.yml", "topic:kneading")
    assert bakery.problems(rules.questions_link_existing_topics) == [
        f"questions.yml:{line}: question 'what-shape': no anchor 'short-knead-tear' on the page "
        "of 'kneading'. Did you mean 'short-knead-tears'?"
    ]


def test_a_question_that_links_by_address(bakery: Bakery) -> None:
    bakery.change("questions.yml", "topic:flour", "../flour/")
    line = bakery.line("questions.yml", "../flour/")
    assert bakery.problems(rules.questions_link_existing_topics) == [
        f"questions.yml:{line}: question 'why-knead': '../flour/' arrives nowhere: the text "
        "appears on several pages. Link a topic as [text](topic:its-id#anchor)."
    ]


def test_a_question_that_calls_a_macro(bakery: Bakery) -> None:
    bakery.change("questions.yml", "[flour](topic:flour)", '{{ topic("flour") }}')
    line = bakery.line("questions.yml", "{{ topic")
    assert bakery.problems(rules.questions_call_no_macros) == [
        f"questions.yml:{line}: question 'why-knead': macros do not run here. "
        "Link a topic as [text](topic:its-id)."
    ]
