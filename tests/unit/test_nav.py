"""The navigation follows the registry."""

from __future__ import annotations

from typing import Any

import yaml

from macros import nav, redirects
from macros.model import Registry
from macros.registry import load
from tests.unit.bakery import Bakery


def registry(bakery: Bakery) -> Registry:
    loaded, problems = load(bakery.project)
    assert loaded is not None, problems
    return loaded.registry


def generated(bakery: Bakery) -> list[Any]:
    found: list[Any] = yaml.safe_load(nav.generate(bakery.project, registry(bakery)))["nav"]
    return found


def test_only_pages_that_exist_are_listed(bakery: Bakery) -> None:
    assert generated(bakery) == [
        {"Home": "index.md"},
        {"Basics": [{"Kneading dough": "topics/kneading/index.md"}]},
    ]


def test_a_level_begins_with_its_page(bakery: Bakery) -> None:
    bakery.write("docs/levels/basics.md", "# Basics\n")
    assert generated(bakery)[1] == {
        "Basics": ["levels/basics.md", {"Kneading dough": "topics/kneading/index.md"}]
    }


def test_a_planned_topic_is_not_listed_even_with_a_page(bakery: Bakery) -> None:
    bakery.write("docs/topics/flour/index.md", "# Flour\n")
    assert "topics/flour/index.md" not in nav.generate(bakery.project, registry(bakery))


def test_a_subpage_follows_its_topic_under_its_own_title(bakery: Bakery) -> None:
    bakery.write("docs/topics/kneading/by-hand.md", "# Kneading by hand {#by-hand}\n")
    assert generated(bakery)[1]["Basics"][-1] == {"Kneading by hand": "topics/kneading/by-hand.md"}


def test_a_fresh_file_is_not_written_again(bakery: Bakery) -> None:
    assert not nav.is_fresh(bakery.project, registry(bakery))
    assert nav.write(bakery.project, registry(bakery)) == [bakery.project.nav]
    assert nav.is_fresh(bakery.project, registry(bakery))
    assert nav.write(bakery.project, registry(bakery)) == []


def test_the_file_says_where_it_comes_from(bakery: Bakery) -> None:
    text = nav.generate(bakery.project, registry(bakery))
    assert text.splitlines()[0] == "# Generated from docs/topics.yml by `make fix`. Do not edit."


def test_a_moved_topic_leaves_a_page_that_leads_to_its_new_place(
    bakery: Bakery, monkeypatch: Any
) -> None:
    monkeypatch.delenv("SITE_URL", raising=False)
    site = bakery.root / "site"
    [page] = redirects.write(registry(bakery), site)
    assert page == site / "topics" / "mixing" / "index.html"
    text = page.read_text(encoding="utf-8")
    assert '<meta http-equiv="refresh" content="0; url=../kneading/">' in text
    assert '<a href="../kneading/">Kneading dough</a>' in text
    assert "canonical" not in text


def test_a_redirect_names_the_canonical_address_where_it_is_known(
    bakery: Bakery, monkeypatch: Any
) -> None:
    monkeypatch.setenv("SITE_URL", "https://example.org/bread/")
    [page] = redirects.write(registry(bakery), bakery.root / "site")
    canonical = '<link rel="canonical" href="https://example.org/bread/topics/kneading/">'
    assert canonical in page.read_text(encoding="utf-8")


def test_a_topic_that_moved_twice_is_found_where_it_is_now(bakery: Bakery) -> None:
    bakery.change("docs/topics.yml", "  mixing: kneading", "  stirring: mixing\n  mixing: kneading")
    assert redirects.target(registry(bakery), "stirring") == "kneading"
