"""Takes the drawings out of a page, each into a file of its own."""

from __future__ import annotations

from pathlib import Path

from lxml import etree, html

from macros.export.tree import replace

# HTML has no capitals in names, SVG has.
CAPITALS = {
    name.lower(): name
    for name in (
        *("viewBox", "preserveAspectRatio", "markerWidth", "markerHeight", "markerUnits"),
        *("refX", "refY", "gradientUnits", "gradientTransform", "patternUnits", "clipPathUnits"),
        *("textLength", "lengthAdjust", "startOffset", "pathLength", "spreadMethod"),
        *("linearGradient", "radialGradient", "clipPath", "textPath", "foreignObject"),
    )
}
NAMESPACE = "http://www.w3.org/2000/svg"


def take_out(body: html.HtmlElement, name: str, folder: Path) -> None:
    """Replace every drawing by an image of a file `<name>-<number>.svg`, described in words."""
    for number, drawing in enumerate(list(body.iterdescendants("svg")), 1):
        if drawing.get("aria-hidden") == "true":
            drawing.drop_tree()
            continue
        file = folder / f"{name}-{number}.svg"
        words = [" ".join(part.text_content().split()) for part in drawing.xpath("./title|./desc")]
        file.write_bytes(etree.tostring(_svg(drawing), encoding="utf-8", xml_declaration=True))
        image = html.Element("img", {"src": str(file), "alt": _sentences(words)})
        replace(drawing, image)


def _svg(element: html.HtmlElement) -> etree._Element:
    """Return an element and all in it as SVG, with the names that HTML had lowered."""
    name = CAPITALS.get(str(element.tag), str(element.tag))
    made = etree.Element(f"{{{NAMESPACE}}}{name}", nsmap={None: NAMESPACE})
    made.text, made.tail = element.text, element.tail
    for attribute, value in ((str(name), str(value)) for name, value in element.attrib.items()):
        if attribute not in {"xmlns", "class", "tabindex"}:
            made.set(CAPITALS.get(attribute, attribute), value)
    made.extend(_svg(child) for child in element if isinstance(child.tag, str))
    return made


def _sentences(words: list[str]) -> str:
    return " ".join(
        each if each.endswith((".", "?", "!")) else f"{each}." for each in words if each
    )
