"""The head and the foot of a topic's page, and links to topics."""

from __future__ import annotations

import pytest

from macros.proofs import ledger
from macros.render.topic_links import duration, resolve, topic
from macros.render.topic_page import topic_footer, topic_header
from macros.render.view import ContentError
from tests.unit.bakery import Bakery
from tests.unit.views import view


def prove(bakery: Bakery) -> None:
    """Leave what a passing run of the proofs leaves."""
    mark = ledger.fingerprint(bakery.project, "kneading")
    proven = ledger.Entry(
        fingerprint=mark,
        date="2026-02-03",
        python="3.11.5",
        versions={"bread": "2.0", "pydantic": "2.1"},
        tests={"test_short_knead_tears": "passed"},
    )
    ledger.merge(bakery.project, {"kneading": proven})


def test_the_header_says_where_a_topic_belongs(bakery: Bakery) -> None:
    html = topic_header(view(bakery))
    assert html.startswith('<div class="km-header" data-level="basics" data-topic="kneading">')
    assert '<li><a href="../../levels/basics/">Basics</a></li>' in html
    assert '<li class="km-number">#2</li>' in html
    assert "<span data-progress-slot></span>" in html
    assert html.count("<div") == html.count("</div>")


def test_the_header_says_what_to_know_first_and_why(bakery: Bakery) -> None:
    html = topic_header(view(bakery))
    assert "Know first" in html
    assert '<span class="km-reason">gluten comes from it</span>' in html


def test_a_topic_that_requires_nothing_has_no_such_list(bakery: Bakery) -> None:
    bakery.change("docs/topics.yml", "    requires:\n      flour: gluten comes from it\n", "")
    assert "Know first" not in topic_header(view(bakery))


def test_keywords_are_for_the_search_alone(bakery: Bakery) -> None:
    bakery.change("docs/topics.yml", "    api:", "    keywords: [autolyse, <b>]\n    api:")
    html = topic_header(view(bakery))
    assert '<p class="km-keywords" hidden>autolyse, &lt;b&gt;</p>' in html


def test_without_a_run_of_the_proofs_there_is_no_stamp(bakery: Bakery) -> None:
    assert "km-stamp" not in topic_header(view(bakery))


def test_a_valid_run_is_stamped_with_versions_and_date(bakery: Bakery) -> None:
    prove(bakery)
    html = topic_header(view(bakery))
    assert (
        'Proven on <span class="km-version">Bread 2.0</span>, '
        '<span class="km-version">pydantic 2.1</span>, '
        '<span class="km-version">Python 3.11.5</span>, '
        '<time datetime="2026-02-03">February 3, 2026</time>'
    ) in html


def test_the_stamp_goes_when_the_bundle_changes(bakery: Bakery) -> None:
    prove(bakery)
    bakery.change("main.py", "shaggy", "lumpy")
    assert "km-stamp" not in topic_header(view(bakery))


def test_the_footer_leads_on_with_the_reason(bakery: Bakery) -> None:
    html = topic_footer(view(bakery))
    assert "This leads to" in html
    assert '<span class="km-reason">strong dough holds gas</span>' in html


def test_a_planned_neighbour_is_text_and_not_a_link(bakery: Bakery) -> None:
    html = topic_footer(view(bakery))
    assert '<span class="km-planned" data-level="basics" data-direction="next">' in html
    assert 'rel="next"' not in html
    assert "topics/proofing" not in html


def test_a_written_neighbour_is_a_link(bakery: Bakery) -> None:
    bakery.change(
        "docs/topics.yml",
        "How dough rises.\n",
        "How dough rises.\n    docs: https://example.org/rise\n",
    )
    bakery.change("docs/topics.yml", "    status: planned\nmoved", "moved")
    bakery.write("docs/topics/proofing/index.md", "# Proofing\n")
    html = topic_footer(view(bakery))
    assert '<a rel="next" data-level="basics" href="../proofing/">' in html
    html = topic_footer(view(bakery, "topics/proofing/index.md"))
    assert '<a href="https://example.org/rise">Official documentation</a>' in html


def test_the_source_is_a_path_until_it_has_an_address(bakery: Bakery) -> None:
    assert "Source: <code>docs/topics/kneading/</code>" in topic_footer(view(bakery))
    environment = {"SOURCE_URL": "https://example.org/tree/"}
    html = topic_footer(view(bakery, environment=environment))
    assert (
        '<a href="https://example.org/tree/docs/topics/kneading/">Source of this page</a>' in html
    )


@pytest.mark.parametrize(
    ("address", "href"),
    [
        ("", "../../about/#report-a-mistake"),
        ("https://example.org/issues", "https://example.org/issues"),
        ("mailto:a@example.org", "mailto:a@example.org?subject=%232%20Kneading%20dough"),
    ],
)
def test_a_mistake_is_reported_where_the_environment_says(
    bakery: Bakery, address: str, href: str
) -> None:
    html = topic_footer(view(bakery, environment={"REPORT_URL": address}))
    assert f'<li class="km-report"><a href="{href}">' in html


def test_a_topic_is_linked_by_its_id(bakery: Bakery) -> None:
    page = view(bakery, "about.md")
    linked = topic(page, "kneading", "work it", anchor="gotchas")
    address = "topics/kneading/index.md#gotchas"
    assert linked == f"[work it]({address}){{ .km-topic data-level=basics }}"


def test_a_planned_topic_is_text(bakery: Bakery) -> None:
    html = topic(view(bakery), "flour")
    assert html.startswith('<span class="km-planned" data-level="basics">Flour ')
    assert "href" not in html
    assert "](" not in html


def test_an_unknown_topic_is_answered_with_a_guess(bakery: Bakery) -> None:
    message = "unknown topic 'kneeding'. Did you mean 'kneading'?"
    with pytest.raises(ContentError, match=message.replace("?", r"\?")):
        topic(view(bakery), "kneeding")


def test_links_in_yaml_are_resolved_for_the_page_they_stand_on(bakery: Bakery) -> None:
    text = "See [it](topic:kneading#gotchas) and [that](topic:flour)."
    resolved = resolve(view(bakery, "interview/by-topic.md"), text)
    assert "[it](../topics/kneading/index.md#gotchas)" in resolved
    assert 'that <small class="km-planned-mark">planned</small>' in resolved


def test_a_link_in_yaml_without_words_takes_the_title(bakery: Bakery) -> None:
    resolved = resolve(view(bakery, "about.md"), "[](topic:kneading)")
    assert resolved.startswith("[Kneading dough](topics/kneading/index.md)")


def test_a_topic_macro_on_another_page_says_so(bakery: Bakery) -> None:
    with pytest.raises(ContentError, match="belongs on the page of a topic"):
        topic_header(view(bakery, "about.md"))


@pytest.mark.parametrize(
    ("minutes", "words"), [(0, "0 min"), (5, "5 min"), (60, "1 h"), (125, "2 h 5 min")]
)
def test_a_length_of_time_is_told_in_hours_and_minutes(minutes: int, words: str) -> None:
    assert duration(minutes) == words
