"""What the style sheets have to leave out, for the sake of browsers that CI does not have."""

from __future__ import annotations

import re
from pathlib import Path

CSS = Path(__file__).resolve().parents[2] / "overrides/assets/css"


def test_an_underline_is_given_in_longhands_because_webkit_drops_the_shorthand() -> None:
    dropped = [
        f"{file.name}: {declaration}"
        for file in sorted(CSS.glob("*.css"))
        for declaration in re.findall(r"text-decoration:[^;]+", file.read_text(encoding="utf-8"))
        if len(declaration.split()) > 2
    ]
    assert dropped == []
