"""A navigation that the registry has outgrown is told so."""

from __future__ import annotations

from macros import nav
from macros.rules import fresh_rules as rules
from tests.unit.bakery import Bakery


def test_a_navigation_that_is_missing_or_old(bakery: Bakery) -> None:
    (bakery.root / "mkdocs.yml").write_text("INHERIT: nav.yml\n", encoding="utf-8")
    message = "nav.yml: out of date. Run `make fix`."
    assert bakery.problems(rules.navigation_is_fresh) == [message]
    nav.write(bakery.project, bakery.content().registry)
    assert bakery.problems(rules.navigation_is_fresh) == []
    bakery.change("docs/topics.yml", "title: Kneading dough", "title: Kneading")
    assert bakery.problems(rules.navigation_is_fresh) == [message]
