"""How long a topic takes: one formula over words, lines of code and questions.

The rates are our choice. Adults read English non-fiction silently at about 238 words a minute
(Brysbaert 2019, "How many words do we read per minute?", Journal of Memory and Language 109);
we take 200, because the text is technical. A line of code gets three seconds, a question half a
minute, as long as its spoken answer takes. Folded proofs, outputs and recorded answers are for
looking things up and do not count.
"""

from __future__ import annotations

import math
from typing import Final

from macros.bundle import Bundle

WORDS_A_MINUTE: Final = 200
CODE_LINES_A_MINUTE: Final = 20
QUESTIONS_A_MINUTE: Final = 2


def estimate(words: int, code_lines: int, questions: int) -> int:
    """Return whole minutes, rounded up, at least one."""
    total = (
        words / WORDS_A_MINUTE + code_lines / CODE_LINES_A_MINUTE + questions / QUESTIONS_A_MINUTE
    )
    return max(1, math.ceil(round(total, 6)))


def minutes(bundle: Bundle) -> int:
    """Return the minutes that a topic takes: its pages, the code shown there, its questions."""
    words = sum(page.words for page in bundle.pages)
    questions = len(bundle.questions.interview) + len(bundle.questions.quiz)
    return estimate(words, _shown_lines(bundle), questions)


def _shown_lines(bundle: Bundle) -> int:
    """Return how many lines of code the pages show, blank ones and repetitions aside."""
    shown: set[tuple[str, int]] = set()
    for page in bundle.pages:
        for call in page.named("example"):
            shown |= _lines(bundle, call.text(1, "file") or bundle.main, call.text(0, "region"))
        for call in page.named("show"):
            shown |= _lines(bundle, call.text(0, "file") or "", call.text(1, "region"))
    return len(shown)


def _lines(bundle: Bundle, file: str, region: str | None) -> set[tuple[str, int]]:
    try:
        snippet = bundle.snippet(file, region)
    except KeyError:
        return set()  # what does not exist is told elsewhere
    lines = enumerate(snippet.text.splitlines(), start=snippet.first_line)
    return {(file, number) for number, line in lines if line.strip()}
