"""Every topic page is built alike: title, header, the same sections in order, footer."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from macros.page import Heading, Page
from macros.problems import Problem
from macros.rules.content import Content, Rule
from macros.rules.parts import all_pages, at, known_or_guess, topic_pages

SECTIONS: Final = (
    "see-it-work",
    "how-it-works",
    "use-it-for-real",
    "gotchas",
    "what-changed",
    "interview",
    "check-yourself",
    "go-deeper",
)
OPTIONAL: Final = frozenset({"what-changed"})
# What a section exists for: without one of these macros it says nothing.
_MUST_CALL: Final = {
    "see-it-work": ("example",),
    "what-changed": ("changed",),
    "interview": ("questions",),
    "check-yourself": ("quiz",),
}


def title_is_the_registrys(content: Content) -> Iterator[Problem]:
    """The H1 of a topic page is the title in the registry."""
    titles = {topic.id: topic.title for topic in content.registry.topics}
    for bundle, page in topic_pages(content):
        title = titles.get(bundle.topic_id)
        if title is None:
            continue
        found = [heading for heading in page.headings if heading.level == 1]
        if not found:
            yield at(page, 1, f"has no title. Start the page with '# {title}'.")
        elif found[0].title != title:
            yield at(
                page,
                found[0].line,
                f"the title is '{found[0].title}' here and '{title}' in the registry. "
                "Make them the same.",
            )


def one_title_a_page(content: Content) -> Iterator[Problem]:
    """A page has a single H1, above every other heading."""
    for _, page in all_pages(content):
        titles = [heading for heading in page.headings if heading.level == 1]
        for extra in titles[1:]:
            yield at(page, extra.line, f"'{extra.title}' is a second title. Make it '## …'.")
        if titles and page.headings[0] is not titles[0]:
            first = page.headings[0]
            yield at(page, first.line, f"'{first.title}' stands above the title. Move it below.")


def header_follows_the_title(content: Content) -> Iterator[Problem]:
    """The topic header stands right below the title."""
    for _, page in topic_pages(content):
        title = next((heading for heading in page.headings if heading.level == 1), None)
        if not page.readable or title is None:
            continue
        below = next((n for n in _text_lines(page) if n > title.line), 0)
        calls = page.named("topic_header")
        if not calls:
            yield at(page, title.line, "add {{ topic_header() }} below the title.")
        elif calls[0].line != below:
            yield at(page, calls[0].line, "{{ topic_header() }} belongs right below the title.")


def footer_ends_the_page(content: Content) -> Iterator[Problem]:
    """The topic footer is the last thing on the page."""
    for _, page in topic_pages(content):
        if not page.readable:
            continue
        calls = page.named("topic_footer")
        if not calls:
            yield at(page, page.last_line, "add {{ topic_footer() }} at the end of the page.")
        elif calls[-1].line != page.last_line:
            yield at(page, calls[-1].line, "{{ topic_footer() }} belongs at the end of the page.")


def sections_are_there(content: Content) -> Iterator[Problem]:
    """No section is missing."""
    for _, page in topic_pages(content):
        before: Heading | None = next(iter(page.headings), None)
        for section in SECTIONS:
            heading = page.heading(section)
            if heading is None and section not in OPTIONAL:
                after = f" after {{#{before.id}}}" if before and before.id in SECTIONS else ""
                yield at(
                    page,
                    before.line if before else 1,
                    f"section {{#{section}}} is missing. Add '## … {{#{section}}}'{after}.",
                )
            before = heading or before


def sections_are_in_order(content: Content) -> Iterator[Problem]:
    """The sections stand in the order that every reader knows from the other topics."""
    for _, page in topic_pages(content):
        latest: Heading | None = None
        for heading in page.headings:
            if heading.id not in SECTIONS:
                continue
            if heading.level != 2:
                yield at(page, heading.line, f"section {{#{heading.id}}} must start with '## '.")
            if latest is not None and _place(heading) < _place(latest):
                yield at(
                    page,
                    heading.line,
                    f"section {{#{heading.id}}} comes too late. Move it above {{#{latest.id}}}.",
                )
            else:
                latest = heading


def sections_are_known(content: Content) -> Iterator[Problem]:
    """An H2 is one of the sections; everything else is an H3 within them."""
    for _, page in topic_pages(content):
        for heading in page.headings:
            if heading.level != 2 or heading.id in SECTIONS:
                continue
            if heading.id is None:
                yield at(
                    page,
                    heading.line,
                    f"section '{heading.title}' has no id. Add one of: "
                    f"{', '.join(f'{{#{section}}}' for section in SECTIONS)}.",
                )
            else:
                yield at(
                    page,
                    heading.line,
                    f"unknown section {{#{heading.id}}}.{known_or_guess(heading.id, SECTIONS)}",
                )


def sections_do_their_work(content: Content) -> Iterator[Problem]:
    """A section calls the macro that it exists for."""
    for _, page in topic_pages(content):
        for section, macros in _MUST_CALL.items():
            lines = page.section(section)
            if lines is None or not page.readable:
                continue
            names = {call.name for call in page.calls_between(*lines)}
            for macro in macros:
                if macro not in names:
                    yield at(page, lines[0], f"section {{#{section}}} needs {{{{ {macro}(…) }}}}.")


def heading_ids_are_unique(content: Content) -> Iterator[Problem]:
    """Two headings of a page never share an id, or links would reach only the first."""
    for _, page in all_pages(content):
        seen: dict[str, int] = {}
        for heading in page.headings:
            if heading.id is None:
                continue
            first = seen.setdefault(heading.id, heading.line)
            if first != heading.line:
                yield at(
                    page,
                    heading.line,
                    f"id '{heading.id}' stands on line {first} already. Choose another.",
                )


def _place(heading: Heading) -> int:
    return SECTIONS.index(heading.id) if heading.id in SECTIONS else -1


def _text_lines(page: Page) -> Iterator[int]:
    return (number for number, line in page.prose.lines if line.strip())


RULES: tuple[Rule, ...] = (
    title_is_the_registrys,
    one_title_a_page,
    header_follows_the_title,
    footer_ends_the_page,
    sections_are_there,
    sections_are_in_order,
    sections_are_known,
    sections_do_their_work,
    heading_ids_are_unique,
)
