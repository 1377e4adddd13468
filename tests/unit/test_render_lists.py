"""Home, index, levels, paths, map, changes and stamps."""

from __future__ import annotations

import re

import pytest

from macros.render.about import licenses, report, stamps
from macros.render.catalog import describe
from macros.render.changes import changed, changes
from macros.render.concept_map import concept_map, level_map
from macros.render.home import level_cards, must_know, path_cards, site_figures
from macros.render.listings import level_topics, path_steps, topic_filter, topic_index
from macros.render.view import ContentError
from tests.unit.bakery import Bakery
from tests.unit.test_render_topic import prove
from tests.unit.views import view

MORE = """\
clusters:
  - id: strength
    title: Strength & shape
    nodes:
      - {topics: [flour, kneading], label: Before the oven}
      - {topics: [kneading], label: Work}
paths:
  - id: first-loaf
    title: First loaf
    goal: Bake a loaf.
    outcome: You can bake.
    assumes: An oven.
    topics: [kneading, proofing]
moved:
"""


@pytest.fixture
def shop(bakery: Bakery) -> Bakery:
    """Give the small project clusters, a path, a second level and a must-know topic."""
    bakery.change("docs/topics.yml", "moved:\n", MORE)
    bakery.change(
        "docs/topics.yml",
        "topics:\n  - id: flour",
        "  - {id: craft, title: Craft, tagline: By hand, summary: What practice adds.}\n"
        "topics:\n  - id: flour",
    )
    bakery.change("docs/topics.yml", "    api:", "    must_know: Everyone asks.\n    api:")
    bakery.change(
        "docs/topics.yml",
        "title: Proofing\n    level: basics",
        "title: Proofing\n    level: craft",
    )
    return bakery


def test_each_level_has_a_card_with_what_is_written_of_it(shop: Bakery) -> None:
    html = level_cards(view(shop, "index.md"))
    assert html.count('class="km-card km-level-card"') == 2
    assert '<a href="levels/basics/">Basics</a>' in html
    assert re.search(r"2 topics, 1 written: \d+ min", html)
    assert "1 topic, planned" in html


def test_each_path_has_a_card_with_its_goal(shop: Bakery) -> None:
    html = path_cards(view(shop, "index.md"))
    assert '<a href="paths/first-loaf/">First loaf</a></h3><p>Bake a loaf.</p>' in html


def test_must_know_topics_say_why(shop: Bakery) -> None:
    html = must_know(view(shop, "index.md"))
    assert html.count("<li") == 1
    assert '<a href="topics/kneading/">Kneading dough</a><p>Everyone asks.</p>' in html


def test_the_figures_are_counted(shop: Bakery) -> None:
    html = site_figures(view(shop, "index.md"))
    assert "<strong>1</strong> topic</li>" in html
    assert "<strong>3</strong> tests</li>" in html
    assert "<strong>6</strong> interview questions</li>" in html
    assert "<strong>2</strong> topics planned</li>" in html


def test_the_index_lists_every_topic_with_the_words_to_filter_it_by(shop: Bakery) -> None:
    html = topic_index(view(shop, "topics.md"))
    assert re.findall(r'km-number">#(\d)', html) == ["1", "2", "3"]
    assert 'data-filter="flour what flour is made of."' in html
    assert 'href="kneading/"' in html
    assert 'href="flour/"' not in html


def test_the_index_is_grouped_by_level_and_by_cluster(shop: Bakery) -> None:
    page = view(shop, "topics.md")
    assert topic_index(page, "level").count('<section class="km-group"') == 2
    html = topic_index(page, "cluster")
    assert "<h3>Strength &amp; shape</h3>" in html
    assert html.count('data-topic="kneading"') == 1, "a topic stands in a cluster once"
    with pytest.raises(ContentError, match="Write number, level or cluster"):
        topic_index(page, "color")


def test_the_filter_is_hidden_until_a_script_serves_it(shop: Bakery) -> None:
    assert '<div class="km-filter" data-filter-for="topics" hidden>' in topic_filter(view(shop))


def test_a_level_lists_its_topics_with_what_to_know_first(shop: Bakery) -> None:
    html = level_topics(view(shop, "levels/craft.md"), "craft")
    assert '<p class="km-lead">What practice adds.</p>' in html
    assert 'Know first: <a href="../../topics/kneading/">Kneading dough</a>' in html
    assert '<a rel="prev" data-level="basics" href="../basics/">' in html
    assert 'rel="next"' not in html


def test_an_unknown_level_or_path_is_answered_with_a_guess(shop: Bakery) -> None:
    with pytest.raises(ContentError, match=r"unknown level 'craf'\. Did you mean 'craft'"):
        level_topics(view(shop), "craf")
    with pytest.raises(ContentError, match=r"unknown path 'firstloaf'\. Did you mean 'first-loaf'"):
        path_steps(view(shop), "firstloaf")


def test_a_path_gives_the_reason_for_the_place_of_a_step(shop: Bakery) -> None:
    html = path_steps(view(shop, "paths/first-loaf.md"), "first-loaf")
    assert "<dt>It assumes</dt><dd>An oven.</dd>" in html
    assert "<dt>At the end</dt><dd>You can bake.</dd>" in html
    after = 'After <a href="../../topics/kneading/">Kneading dough</a>: strong dough holds gas'
    assert html.count("<li>After") == 1, "only what stands in the same path is a step"
    assert after in html


def test_a_point_of_the_map_joins_topics_under_its_label(shop: Bakery) -> None:
    html = concept_map(view(shop, "map.md"))
    assert '<span class="km-node-label">Before the oven</span>' in html
    assert re.search(
        r'<a class="km-node"[^>]*href="\.\./topics/kneading/"><span[^>]*>#2</span> Work', html
    )
    assert re.search(r'<span class="km-node km-planned"[^>]*data-topic="flour">', html)


def test_the_map_has_a_column_for_each_level(shop: Bakery) -> None:
    html = level_map(view(shop, "map.md"))
    assert html.count('class="km-map-column"') == 2
    assert '<a href="../levels/craft/">Craft</a>' in html


def test_a_change_is_a_row_with_its_anchor_and_its_evidence(bakery: Bakery) -> None:
    row = changed(view(bakery), "bread 2.0", "crumb", "The crumb is open now.")
    assert row == (
        '- <span class="km-changed" id="changed-bread-2-0-1" data-package="bread">'
        "<strong>bread 2.0</strong></span> The crumb is open now. "
        '<a class="km-proof-link" href="#output-crumb">Output</a>'
    )
    row = changed(view(bakery), "bread 2.0", "short-knead-tears", "It tears.")
    assert row.endswith('<a class="km-proof-link" href="#proof-short-knead-tears">Proof</a>')
    row = changed(view(bakery), "bread 2.0", "test_salt_first_slows", "It slows.")
    assert row.endswith("Proven by <code>test_salt_first_slows</code></span>")


def test_a_change_without_evidence_or_version_is_told(bakery: Bakery) -> None:
    with pytest.raises(ContentError, match="names 'crust', which is no gotcha, test or output"):
        changed(view(bakery), "bread 2.0", "crust", "It is crisp.")
    with pytest.raises(ContentError, match="'bread two' is not a package and a version"):
        changed(view(bakery), "bread two", "crumb", "It is crisp.")


def test_all_changes_are_listed_newest_first_with_links_to_their_topics(bakery: Bakery) -> None:
    entry = '{{ changed("bread 2.0", "crumb", "The crumb is open now.") }}\n'
    more = [("bread 10.1", "Baked faster."), ("pydantic 2.5", "Stricter."), ("bread 2.0", "Also.")]
    rows = [f'{{{{ changed("{version}", "crumb", "{text}") }}}}\n' for version, text in more]
    bakery.change("index.md", entry, entry + "".join(rows))
    text = changes(view(bakery, "changes.md"))
    headings = [row for row in text.splitlines() if row.startswith("#")]
    assert headings == [
        "## pydantic {#pydantic}",
        "### pydantic 2.5 {#pydantic-2-5}",
        "## bread {#bread}",
        "### bread 10.1 {#bread-10-1}",
        "### bread 2.0 {#bread-2-0}",
    ], "what is stamped comes first, then by name; versions are numbers"
    address = "topics/kneading/index.md#changed-bread-2-0-2"
    assert f"- Also. [#2 Kneading dough]({address})" in text


def test_a_list_of_changes_may_be_empty(bakery: Bakery) -> None:
    bakery.change("index.md", '{{ changed("bread 2.0", "crumb", "The crumb is open now.") }}\n', "")
    assert changes(view(bakery, "changes.md")) == "Nothing is listed yet."


def test_stamps_are_listed_where_they_are_valid(bakery: Bakery) -> None:
    assert stamps(view(bakery, "about.md")) == "No proofs were run for this copy of the site."
    prove(bakery)
    html = stamps(view(bakery, "about.md"))
    assert "<td>Bread 2.0, pydantic 2.1, Python 3.11.5</td>" in html


def test_the_licenses_are_beside_the_pages(bakery: Bakery) -> None:
    html = licenses(view(bakery, "about.md"), "All licenses")
    assert html == '<a href="../licenses.html">All licenses</a>'


def test_reporting_is_a_link_only_where_there_is_an_address(bakery: Bakery) -> None:
    assert report(view(bakery, "about.md"), "tell us") == "tell us"
    page = view(bakery, "about.md", {"REPORT_URL": "mailto:a@example.org"})
    assert report(page, "tell us") == '<a href="mailto:a@example.org?subject=Bread">tell us</a>'


def test_pages_are_described_by_the_registry(shop: Bakery) -> None:
    assert describe(view(shop), "topic_header") == "How work makes dough strong."
    assert describe(view(shop), "level_topics", "craft") == "Craft: What practice adds."
    assert describe(view(shop), "path_steps", "first-loaf") == "First loaf: Bake a loaf."
    assert describe(view(shop), "must_know") is None
