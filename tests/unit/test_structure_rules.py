"""A topic page that is built unlike the others is told so, line by line."""

from __future__ import annotations

from macros.rules import structure_rules as rules
from tests.unit.bakery import Bakery

PAGE = "index.md"


def test_a_title_other_than_the_registrys(bakery: Bakery) -> None:
    bakery.change(PAGE, "# Kneading dough\n", "# Kneading\n")
    assert bakery.problems(rules.title_is_the_registrys) == [
        "index.md:1: the title is 'Kneading' here and 'Kneading dough' in the registry. "
        "Make them the same."
    ]


def test_a_page_without_a_title(bakery: Bakery) -> None:
    bakery.change(PAGE, "# Kneading dough\n", "\n")
    assert bakery.problems(rules.title_is_the_registrys) == [
        "index.md:1: has no title. Start the page with '# Kneading dough'."
    ]


def test_a_second_title(bakery: Bakery) -> None:
    bakery.change(PAGE, "## Knead for a shop", "# Knead for a shop")
    line = bakery.line(PAGE, "# Knead for a shop")
    assert bakery.problems(rules.one_title_a_page) == [
        f"index.md:{line}: 'Knead for a shop' is a second title. Make it '## …'."
    ]


def test_a_heading_above_the_title(bakery: Bakery) -> None:
    bakery.write("docs/index.md", "## Hello\n\n# Bread\n")
    assert bakery.problems(rules.one_title_a_page) == [
        "docs/index.md:1: 'Hello' stands above the title. Move it below."
    ]


def test_a_page_without_a_header(bakery: Bakery) -> None:
    bakery.change(PAGE, "{{ topic_header() }}\n", "")
    assert bakery.problems(rules.header_follows_the_title) == [
        "index.md:1: add {{ topic_header() }} below the title."
    ]


def test_a_header_further_down(bakery: Bakery) -> None:
    bakery.change(PAGE, "{{ topic_header() }}", "Dough.\n\n{{ topic_header() }}")
    assert bakery.problems(rules.header_follows_the_title) == [
        "index.md:5: {{ topic_header() }} belongs right below the title."
    ]


def test_a_page_without_a_footer(bakery: Bakery) -> None:
    bakery.change(PAGE, "{{ topic_footer() }}\n", "")
    end = bakery.line(PAGE, "- [A bakery]")
    assert bakery.problems(rules.footer_ends_the_page) == [
        f"index.md:{end}: add {{{{ topic_footer() }}}} at the end of the page."
    ]


def test_text_below_the_footer(bakery: Bakery) -> None:
    bakery.change(PAGE, "{{ topic_footer() }}\n", "{{ topic_footer() }}\n\nBye.\n")
    line = bakery.line(PAGE, "topic_footer")
    assert bakery.problems(rules.footer_ends_the_page) == [
        f"index.md:{line}: {{{{ topic_footer() }}}} belongs at the end of the page."
    ]


def test_a_missing_section_is_named_with_its_place(bakery: Bakery) -> None:
    bakery.change(PAGE, "## How gluten lines up {#how-it-works}\n", "")
    line = bakery.line(PAGE, "{#see-it-work}")
    assert bakery.problems(rules.sections_are_there) == [
        f"index.md:{line}: section {{#how-it-works}} is missing. "
        "Add '## … {#how-it-works}' after {#see-it-work}."
    ]


def test_what_changed_may_be_left_out(bakery: Bakery) -> None:
    bakery.change(PAGE, "## What changed {#what-changed}\n", "")
    assert bakery.problems(rules.sections_are_there) == []


def test_sections_in_another_order(bakery: Bakery) -> None:
    bakery.change(PAGE, "{#how-it-works}", "{#swap}")
    bakery.change(PAGE, "{#use-it-for-real}", "{#how-it-works}")
    bakery.change(PAGE, "{#swap}", "{#use-it-for-real}")
    line = bakery.line(PAGE, "{#how-it-works}")
    assert bakery.problems(rules.sections_are_in_order) == [
        f"index.md:{line}: section {{#how-it-works}} comes too late. "
        "Move it above {#use-it-for-real}."
    ]


def test_a_section_of_the_wrong_level(bakery: Bakery) -> None:
    bakery.change(PAGE, "## Go deeper", "### Go deeper")
    line = bakery.line(PAGE, "Go deeper")
    assert bakery.problems(rules.sections_are_in_order) == [
        f"index.md:{line}: section {{#go-deeper}} must start with '## '."
    ]


def test_a_section_id_with_a_typo(bakery: Bakery) -> None:
    bakery.change(PAGE, "{#gotchas}", "{#gotcha}")
    line = bakery.line(PAGE, "{#gotcha}")
    assert bakery.problems(rules.sections_are_known) == [
        f"index.md:{line}: unknown section {{#gotcha}}. Did you mean 'gotchas'?"
    ]


def test_a_section_without_an_id(bakery: Bakery) -> None:
    bakery.change(PAGE, " {#go-deeper}", "")
    line = bakery.line(PAGE, "## Go deeper")
    assert bakery.problems(rules.sections_are_known) == [
        f"index.md:{line}: section 'Go deeper' has no id. Add one of: {{#see-it-work}}, "
        "{#how-it-works}, {#use-it-for-real}, {#gotchas}, {#what-changed}, {#interview}, "
        "{#check-yourself}, {#go-deeper}."
    ]


def test_a_section_that_leaves_its_macro_out(bakery: Bakery) -> None:
    bakery.change(PAGE, "{{ quiz() }}", "")
    line = bakery.line(PAGE, "{#check-yourself}")
    assert bakery.problems(rules.sections_do_their_work) == [
        f"index.md:{line}: section {{#check-yourself}} needs {{{{ quiz(…) }}}}."
    ]


def test_an_id_that_is_taken(bakery: Bakery) -> None:
    bakery.change(PAGE, "{#salt-first-slows}", "{#warm-dough-sticks}")
    first = bakery.line(PAGE, "### Warm dough")
    line = bakery.line(PAGE, "### Salt")
    assert bakery.problems(rules.heading_ids_are_unique) == [
        f"index.md:{line}: id 'warm-dough-sticks' stands on line {first} already. Choose another."
    ]
