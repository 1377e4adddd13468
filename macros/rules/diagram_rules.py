"""Diagrams are plain SVG: drawn alike on the page, in print and in the book."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Final
from xml.parsers import expat

from macros.bundle import Bundle
from macros.problems import Problem
from macros.rules.content import Content, Rule
from macros.rules.parts import at, bundle_calls, known_or_guess

# Element -> what to do instead of it.
FORBIDDEN: Final = {
    "foreignObject": "Draw the words as <text>",
    "script": "A diagram does nothing",
    "style": "Put fill, stroke and font on the elements; classes recolor them on the site",
    "image": "Draw it, or leave it out",
    "a": "Put links into the text",
    "animate": "A diagram stands still",
    "animateTransform": "A diagram stands still",
    "set": "A diagram stands still",
}
_LIVE_VALUE = re.compile(r"currentColor|\bvar\(", re.IGNORECASE)
_DRAWS = frozenset(
    {"path", "rect", "circle", "ellipse", "line", "polyline", "polygon", "text", "use"}
)


@dataclass
class _Drawing:
    """What a parse of one SVG found: the root's attributes, its own children, mistakes."""

    root: dict[str, str] = field(default_factory=dict)
    root_name: str = ""
    texts: dict[str, str] = field(default_factory=dict)
    draws: bool = False
    mistakes: list[tuple[int, str]] = field(default_factory=list)


def diagrams_are_plain(content: Content) -> Iterator[Problem]:
    """A diagram uses only what every reader of SVG draws alike."""
    for bundle, name, drawing in _drawings(content):
        for line, message in drawing.mistakes:
            yield Problem(bundle.path(f"{name}.svg"), line, message)


def diagrams_describe_themselves(content: Content) -> Iterator[Problem]:
    """A diagram has a size to scale from, a title, and a description for who cannot see it."""
    for bundle, name, drawing in _drawings(content):
        file = bundle.path(f"{name}.svg")
        if drawing.root_name != "svg":
            continue
        if "viewBox" not in drawing.root:
            yield Problem(file, 1, 'has no viewBox. Add viewBox="0 0 width height" to <svg>.')
        for tag, use in (("title", "names it"), ("desc", "says what it shows")):
            if not drawing.texts.get(tag, "").strip():
                yield Problem(file, 1, f"has no <{tag}>. Add one below <svg> that {use}.")


def diagrams_exist(content: Content) -> Iterator[Problem]:
    """diagram("name") names an SVG of the bundle."""
    for bundle, page, call in bundle_calls(content, "diagram"):
        name = call.text(0, "name")
        if name is not None and name not in bundle.diagrams:
            guess = known_or_guess(name, bundle.diagrams)
            yield at(page, call.line, f"no {name}.svg in {bundle.where}.{guess}")


def diagrams_are_shown(content: Content) -> Iterator[Problem]:
    """An SVG that no page shows is a leftover."""
    for bundle in content.bundles.values():
        if bundle.page is None or not all(page.readable for page in bundle.pages):
            continue
        shown = {call.text(0, "name") for page in bundle.pages for call in page.named("diagram")}
        for name in bundle.diagrams:
            if name not in shown:
                yield Problem(
                    bundle.path(f"{name}.svg"),
                    0,
                    f'is shown nowhere. Add {{{{ diagram("{name}") }}}}, or delete the file.',
                )


def _drawings(content: Content) -> Iterator[tuple[Bundle, str, _Drawing]]:
    for bundle in content.bundles.values():
        for name, text in bundle.diagrams.items():
            yield bundle, name, _parse(text)


def _parse(text: str) -> _Drawing:
    drawing = _Drawing()
    parser = expat.ParserCreate()
    depth: list[str] = []

    def wrong(message: str) -> None:
        drawing.mistakes.append((parser.CurrentLineNumber, message))

    def start(tag: str, attributes: dict[str, str]) -> None:
        if not depth:
            drawing.root, drawing.root_name = attributes, tag
            if tag != "svg":
                wrong(f"starts with <{tag}>. A diagram starts with <svg>.")
        elif len(depth) == 1 and tag in ("title", "desc"):
            drawing.texts[tag] = ""
        if tag in FORBIDDEN:
            wrong(f"<{tag}> is not plain SVG. {FORBIDDEN[tag]}.")
        for name, value in attributes.items():
            message = _attribute_mistake(name, value)
            if message:
                wrong(message)
        depth.append(tag)

    def end(_tag: str) -> None:
        depth.pop()

    def characters(data: str) -> None:
        if len(depth) == 2 and depth[1] in drawing.texts:
            drawing.texts[depth[1]] += data

    def doctype(*_: object) -> None:
        wrong("has a DOCTYPE. Delete it: the diagram becomes a part of the page.")

    parser.StartElementHandler = start
    parser.EndElementHandler = end
    parser.CharacterDataHandler = characters
    parser.StartDoctypeDeclHandler = doctype
    try:
        parser.Parse(text, True)
    except expat.ExpatError as error:
        reason = expat.ErrorString(error.code)
        drawing.mistakes.append((error.lineno, f"is not well-formed: {reason}."))
    return drawing


def _attribute_mistake(name: str, value: str) -> str | None:
    if name == "style":
        return 'style="…" is not plain SVG. Write its parts as attributes: fill, stroke, …'
    if name.startswith("on"):
        return f'{name}="…" runs code. A diagram does nothing.'
    if name in ("href", "xlink:href") and not value.startswith("#"):
        return f"{name}='{value}' leads out of the diagram. Refer to parts of it only, by #id."
    if _LIVE_VALUE.search(value):
        return (
            f"{name}='{value}' is drawn black in the book. "
            "Write a color; a class recolors it on the site."
        )
    return None


RULES: tuple[Rule, ...] = (
    diagrams_are_plain,
    diagrams_describe_themselves,
    diagrams_exist,
    diagrams_are_shown,
)
