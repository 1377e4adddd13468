"""A gotcha without a name, a proof or a witness is told so."""

from __future__ import annotations

from macros.rules import gotcha_rules as rules
from tests.unit.bakery import Bakery

PAGE = "index.md"


def test_too_few_gotchas(bakery: Bakery) -> None:
    bakery.change(PAGE, "### Salt first", "#### Salt first")
    line = bakery.line(PAGE, "{#gotchas}")
    assert bakery.problems(rules.there_are_enough_gotchas) == [
        f"index.md:{line}: 2 of at least 3 gotchas. "
        "Add '### What goes wrong {#its-id}' with its proof."
    ]


def test_a_gotcha_without_an_id(bakery: Bakery) -> None:
    bakery.change(PAGE, " {#salt-first-slows}", "")
    line = bakery.line(PAGE, "### Salt first")
    assert bakery.problems(rules.gotchas_have_ids) == [
        f"index.md:{line}: gotcha 'Salt first slows' has no id. Add one, as in {{#its-id}}."
    ]


def test_a_gotcha_id_that_makes_no_test_name(bakery: Bakery) -> None:
    bakery.change(PAGE, "{#salt-first-slows}", "{#Salt.first}")
    line = bakery.line(PAGE, "### Salt first")
    assert bakery.problems(rules.gotchas_have_ids) == [
        f"index.md:{line}: gotcha id 'Salt.first' must be lower-case words joined by '-'. "
        "Rename it."
    ]


def test_a_gotcha_without_a_test(bakery: Bakery) -> None:
    bakery.change("test_main.py", "def test_salt_first_slows", "def test_salt_last")
    line = bakery.line(PAGE, "### Salt first")
    assert bakery.problems(rules.gotchas_have_tests) == [
        f"index.md:{line}: gotcha 'salt-first-slows' has no test. "
        "Add test_salt_first_slows to docs/topics/kneading/test_main.py."
    ]


def test_tests_that_cannot_be_read_are_not_called_missing(bakery: Bakery) -> None:
    bakery.write("test_main.py", "def test_(\n")
    assert bakery.problems(rules.gotchas_have_tests) == []


def test_a_gotcha_that_shows_no_proof(bakery: Bakery) -> None:
    bakery.change(PAGE, '{{ proof("salt-first-slows") }}', "")
    line = bakery.line(PAGE, "### Salt first")
    assert bakery.problems(rules.gotchas_show_their_proof) == [
        f"index.md:{line}: gotcha 'salt-first-slows' shows no proof. "
        'Add {{ proof("salt-first-slows") }}.'
    ]


def test_a_gotcha_that_shows_the_proof_of_another(bakery: Bakery) -> None:
    bakery.change(PAGE, '{{ proof("salt-first-slows") }}', '{{ proof("warm-dough-stick") }}')
    line = bakery.line(PAGE, '"warm-dough-stick"')
    assert bakery.problems(rules.gotchas_show_their_proof) == [
        f"index.md:{line}: this is not the proof of the gotcha. "
        'Write {{ proof("salt-first-slows") }}.'
    ]


def test_a_gotcha_that_shows_its_proof_twice(bakery: Bakery) -> None:
    call = '{{ proof("salt-first-slows") }}'
    bakery.change(PAGE, call, f"{call}\n{call}")
    line = bakery.line(PAGE, call) + 1
    assert bakery.problems(rules.gotchas_show_their_proof) == [
        f"index.md:{line}: gotcha 'salt-first-slows' shows two proofs. Keep {call}."
    ]


def test_a_gotcha_that_nobody_hit(bakery: Bakery) -> None:
    bakery.change(PAGE, '{{ asked("https://example.org/1", "My dough tears") }}\n', "")
    line = bakery.line(PAGE, "### Dough tears")
    assert bakery.problems(rules.gotchas_say_who_asked) == [
        f"index.md:{line}: gotcha 'short-knead-tears' does not say who hit it. "
        'Add {{ asked("https://…", "title of the thread") }}, or {{ asked() }} for us.'
    ]


def test_a_gotcha_that_was_asked_twice(bakery: Bakery) -> None:
    call = '{{ asked("https://example.org/1", "My dough tears") }}'
    bakery.change(PAGE, call, f"{call}\n{{{{ asked() }}}}")
    line = bakery.line(PAGE, call) + 1
    assert bakery.problems(rules.gotchas_say_who_asked) == [
        f"index.md:{line}: gotcha 'short-knead-tears' calls asked() twice. Keep one."
    ]


def test_a_thread_without_address_and_title(bakery: Bakery) -> None:
    bakery.change(PAGE, '"https://example.org/1", "My dough tears"', '"example.org/1"')
    line = bakery.line(PAGE, "example.org/1")
    assert bakery.problems(rules.threads_have_an_address_and_a_title) == [
        f"index.md:{line}: 'example.org/1' is no address of a thread. Start it with https://.",
        f"index.md:{line}: a thread needs its title: asked(url, title).",
    ]


def test_a_proof_that_belongs_to_no_gotcha(bakery: Bakery) -> None:
    bakery.change(PAGE, "{{ run_at_home() }}", '{{ proof("salt-first-slow") }}')
    line = bakery.line(PAGE, '"salt-first-slow"')
    assert bakery.problems(rules.proofs_belong_to_gotchas) == [
        f"index.md:{line}: no gotcha has the id 'salt-first-slow'. Did you mean 'salt-first-slows'?"
    ]
