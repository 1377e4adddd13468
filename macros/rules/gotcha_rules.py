"""A gotcha is named, asked about in public, and proven by a test of its name."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Final

from macros.bundle import Bundle, is_test_file, proof_name
from macros.page import GOTCHAS, Gotcha, Page
from macros.problems import Problem
from macros.rules.content import Content, Rule
from macros.rules.parts import at, bundle_calls, known_or_guess, topic_pages

FEWEST: Final = 3
_ID = re.compile(r"[a-z0-9]+(?:-[a-z0-9]+)*")


def there_are_enough_gotchas(content: Content) -> Iterator[Problem]:
    """A topic that nobody trips over is not looked at closely enough."""
    for _, page in topic_pages(content):
        section = page.section(GOTCHAS)
        if section is not None and len(page.gotchas) < FEWEST:
            yield at(
                page,
                section[0],
                f"{len(page.gotchas)} of at least {FEWEST} gotchas. "
                "Add '### What goes wrong {#its-id}' with its proof.",
            )


def gotchas_have_ids(content: Content) -> Iterator[Problem]:
    """A gotcha's id is written out: links, tests and question files name it."""
    for _, page, gotcha in _gotchas(content):
        if gotcha.id is None:
            yield at(
                page, gotcha.line, f"gotcha '{gotcha.title}' has no id. Add one, as in {{#its-id}}."
            )
        elif not _ID.fullmatch(gotcha.id):
            yield at(
                page,
                gotcha.line,
                f"gotcha id '{gotcha.id}' must be lower-case words joined by '-'. Rename it.",
            )


def gotchas_have_tests(content: Content) -> Iterator[Problem]:
    """The proof of a gotcha is the test function of its name."""
    for bundle, page, gotcha in _gotchas(content):
        if gotcha.id is None or proof_name(gotcha.id) in bundle.tests:
            continue
        if _unreadable_tests(bundle):
            continue
        yield at(
            page,
            gotcha.line,
            f"gotcha '{gotcha.id}' has no test. "
            f"Add {proof_name(gotcha.id)} to {bundle.path('test_main.py')}.",
        )


def gotchas_show_their_proof(content: Content) -> Iterator[Problem]:
    """A gotcha shows its own proof, once."""
    for _, page, gotcha in _gotchas(content):
        if gotcha.id is None or not page.readable:
            continue
        calls = gotcha.named("proof")
        own = f'{{{{ proof("{gotcha.id}") }}}}'
        if not calls:
            yield at(page, gotcha.line, f"gotcha '{gotcha.id}' shows no proof. Add {own}.")
        for call in calls:
            if call.text(0, "gotcha_id") != gotcha.id:
                yield at(page, call.line, f"this is not the proof of the gotcha. Write {own}.")
        if len(calls) > 1:
            yield at(page, calls[1].line, f"gotcha '{gotcha.id}' shows two proofs. Keep {own}.")


def gotchas_say_who_asked(content: Content) -> Iterator[Problem]:
    """A gotcha tells, once, where people hit it, or that we found it."""
    for _, page, gotcha in _gotchas(content):
        if not page.readable:
            continue
        calls = gotcha.named("asked")
        name = gotcha.id or gotcha.title
        if not calls:
            yield at(
                page,
                gotcha.line,
                f"gotcha '{name}' does not say who hit it. "
                'Add {{ asked("https://…", "title of the thread") }}, or {{ asked() }} for us.',
            )
        if len(calls) > 1:
            yield at(page, calls[1].line, f"gotcha '{name}' calls asked() twice. Keep one.")


def threads_have_an_address_and_a_title(content: Content) -> Iterator[Problem]:
    """What asked() names is a public thread: an address that works, and what it is called."""
    for _, page, call in bundle_calls(content, "asked"):
        url = call.text(0, "url")
        if url is None:
            continue
        if not url.startswith("https://"):
            yield at(page, call.line, f"'{url}' is no address of a thread. Start it with https://.")
        if not call.text(1, "title"):
            yield at(page, call.line, "a thread needs its title: asked(url, title).")


def proofs_belong_to_gotchas(content: Content) -> Iterator[Problem]:
    """A proof shown elsewhere on the page is one of a gotcha of the page."""
    for bundle, page, call in bundle_calls(content, "proof"):
        gotcha_id = call.text(0, "gotcha_id")
        known = gotcha_ids(bundle)
        if gotcha_id is None or _inside_a_gotcha(page, call.line):
            continue
        if gotcha_id not in known:
            yield at(
                page,
                call.line,
                f"no gotcha has the id '{gotcha_id}'.{known_or_guess(gotcha_id, known)}",
            )


def gotcha_ids(bundle: Bundle) -> set[str]:
    """Return the ids of the gotchas on a topic's page."""
    return {gotcha.id for gotcha in bundle.page.gotchas if gotcha.id} if bundle.page else set()


def _gotchas(content: Content) -> Iterator[tuple[Bundle, Page, Gotcha]]:
    for bundle, page in topic_pages(content):
        for gotcha in page.gotchas:
            yield bundle, page, gotcha


def _inside_a_gotcha(page: Page, line: int) -> bool:
    return any(gotcha.line <= line <= gotcha.last_line for gotcha in page.gotchas)


def _unreadable_tests(bundle: Bundle) -> bool:
    """Whether a syntax error, which is told anyway, hides which tests there are."""
    return any(is_test_file(name) and not parses for name, parses in bundle.modules.items())


RULES: tuple[Rule, ...] = (
    there_are_enough_gotchas,
    gotchas_have_ids,
    gotchas_have_tests,
    gotchas_show_their_proof,
    gotchas_say_who_asked,
    threads_have_an_address_and_a_title,
    proofs_belong_to_gotchas,
)
