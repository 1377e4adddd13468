"""SVG that some reader would draw otherwise, or not at all, is refused."""

from __future__ import annotations

import pytest

from macros.rules import diagram_rules as rules
from tests.unit.bakery import Bakery

FILE = "gluten.svg"
RECT = '<rect class="box" width="5" height="5" fill="#eeeeee"/>'


@pytest.mark.parametrize(
    ("element", "message"),
    [
        ("<foreignObject/>", "<foreignObject> is not plain SVG. Draw the words as <text>."),
        ("<script/>", "<script> is not plain SVG. A diagram does nothing."),
        (
            "<style>rect { fill: red }</style>",
            "<style> is not plain SVG. Put fill, stroke and font on the elements; "
            "classes recolor them on the site.",
        ),
        ('<a href="#x"/>', "<a> is not plain SVG. Put links into the text."),
        (
            '<rect style="fill: red"/>',
            'style="…" is not plain SVG. Write its parts as attributes: fill, stroke, …',
        ),
        ('<rect onclick="x"/>', 'onclick="…" runs code. A diagram does nothing.'),
        (
            '<rect fill="currentColor"/>',
            "fill='currentColor' is drawn black in the book. "
            "Write a color; a class recolors it on the site.",
        ),
        (
            '<rect stroke="var(--crust, red)"/>',
            "stroke='var(--crust, red)' is drawn black in the book. "
            "Write a color; a class recolors it on the site.",
        ),
        (
            '<use href="https://example.org/a.svg#b"/>',
            "href='https://example.org/a.svg#b' leads out of the diagram. "
            "Refer to parts of it only, by #id.",
        ),
    ],
)
def test_what_is_not_plain(bakery: Bakery, element: str, message: str) -> None:
    bakery.change(FILE, RECT, f"{RECT}\n  {element}")
    assert bakery.problems(rules.diagrams_are_plain) == [f"gluten.svg:5: {message}"]


def test_a_file_that_is_not_well_formed(bakery: Bakery) -> None:
    bakery.change(FILE, "</desc>", "")
    assert bakery.problems(rules.diagrams_are_plain) == [
        "gluten.svg:6: is not well-formed: mismatched tag."
    ]


def test_a_doctype(bakery: Bakery) -> None:
    bakery.write(FILE, '<!DOCTYPE svg [<!ENTITY a "b">]>\n' + bakery.read(FILE))
    assert bakery.problems(rules.diagrams_are_plain) == [
        "gluten.svg:1: has a DOCTYPE. Delete it: the diagram becomes a part of the page."
    ]


def test_a_file_that_is_no_svg(bakery: Bakery) -> None:
    bakery.write(FILE, "<html/>")
    assert bakery.problems(rules.diagrams_are_plain) == [
        "gluten.svg:1: starts with <html>. A diagram starts with <svg>."
    ]


def test_a_diagram_that_does_not_describe_itself(bakery: Bakery) -> None:
    bakery.change(FILE, ' viewBox="0 0 10 10"', "")
    bakery.change(FILE, "<title>Gluten</title>", "<title> </title>")
    bakery.change(FILE, "  <desc>Strands become a net.</desc>\n", "")
    assert bakery.problems(rules.diagrams_describe_themselves) == [
        "gluten.svg:1: has no <desc>. Add one below <svg> that says what it shows.",
        "gluten.svg:1: has no <title>. Add one below <svg> that names it.",
        'gluten.svg:1: has no viewBox. Add viewBox="0 0 width height" to <svg>.',
    ]


def test_a_diagram_that_does_not_exist(bakery: Bakery) -> None:
    bakery.change("index.md", 'diagram("gluten")', 'diagram("glutn")')
    line = bakery.line("index.md", "glutn")
    assert bakery.problems(rules.diagrams_exist) == [
        f"index.md:{line}: no glutn.svg in docs/topics/kneading. Did you mean 'gluten'?"
    ]


def test_a_diagram_that_no_page_shows(bakery: Bakery) -> None:
    bakery.change("index.md", '{{ diagram("gluten") }}\n', "")
    assert bakery.problems(rules.diagrams_are_shown) == [
        'gluten.svg: is shown nowhere. Add {{ diagram("gluten") }}, or delete the file.'
    ]
