"""Guesses what a person meant to write."""

from __future__ import annotations

from collections.abc import Iterable
from difflib import SequenceMatcher

_ALIKE = 0.66  # two of three letters: `aks` means `ask`
_SHORTEST_BEGINNING = 4


def closest(wrong: str, known: Iterable[str]) -> str | None:
    """Return the known word most like the wrong one, the first of equals; None if none is close."""
    best, best_score = None, _ALIKE
    for word in known:
        score = _likeness(wrong, word)
        if score > best_score or (best is None and score == best_score):
            best, best_score = word, score
    return best


def did_you_mean(wrong: str, known: Iterable[str]) -> str:
    """Return " Did you mean 'x'?", to be put after a sentence, or an empty string."""
    guess = closest(wrong, known)
    return f" Did you mean '{guess}'?" if guess else ""


def _likeness(wrong: str, word: str) -> float:
    matcher = SequenceMatcher(b=wrong.lower(), autojunk=False)
    best = 0.0
    # A long word is often cut short; the beginning of a short word says too little.
    for candidate in {word, word[: len(wrong)] if len(wrong) >= _SHORTEST_BEGINNING else word}:
        matcher.set_seq1(candidate.lower())
        best = max(best, matcher.ratio())
    return best
