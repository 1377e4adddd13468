"""Names the characters that the book's fonts cannot draw."""

from __future__ import annotations

import re
import unicodedata

# Pictures beside the text's own scripts, and full-width forms; a variation selector has no look.
UNDRAWN = re.compile("[\U00010000-\U0010ffff\uff00-\uffef]")
INVISIBLE = re.compile("[\ufe00-\ufe0f]")


def drawable(text: str) -> str:
    """Return the text with such characters replaced by their names: `[snake]`.

    Typst refuses a PDF in which a glyph is missing, so what this list lacks cannot go unnoticed.
    """
    return UNDRAWN.sub(_named, INVISIBLE.sub("", text))


def _named(found: re.Match[str]) -> str:
    return f"[{unicodedata.name(found[0], 'unknown character').lower()}]"
