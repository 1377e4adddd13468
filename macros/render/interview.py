"""The interview pages: the quick questions, and all questions by topic and by seniority."""

from __future__ import annotations

from collections.abc import Iterator
from typing import get_args

from macros.model import Seniority
from macros.questions import interview_files
from macros.render.markup import inline, paragraphs, plain
from macros.render.questions import Asked, fold_question
from macros.render.view import View

_SENIORITIES: tuple[str, ...] = get_args(Seniority)
_TITLES = {"junior": "Junior", "mid": "Mid-level", "senior": "Senior"}


def quick_questions(view: View) -> str:
    """Return the questions that open the interview page."""
    quick = [asked for asked in every_question(view) if asked.question.quick]
    return paragraphs(fold_question(view, asked) for asked in quick)


def spanning_questions(view: View) -> str:
    """Return the questions that span topics, without the quick ones."""
    spanning = [asked for asked in every_question(view) if asked.topic is None]
    return paragraphs(fold_question(view, asked) for asked in spanning if not asked.question.quick)


def questions_by_topic(view: View) -> str:
    """Return every interview question under its topic, those that span topics last."""
    groups: dict[str, list[str]] = {}
    for asked in every_question(view):
        groups.setdefault(_heading(asked), []).append(fold_question(view, asked))
    return paragraphs(paragraphs([heading, *folds]) for heading, folds in groups.items())


def questions_by_seniority(view: View) -> str:
    """Return every interview question under the seniority of who is asked it."""
    everything = list(every_question(view))
    parts: list[str] = []
    for seniority in _SENIORITIES:
        chosen = [asked for asked in everything if asked.question.seniority == seniority]
        if chosen:
            parts.append(f"## {_TITLES[seniority]} {{#{seniority}}}")
            parts.append(f"{_count(len(chosen))}")
            parts += [fold_question(view, asked) for asked in chosen]
    return paragraphs(parts)


def question_count(view: View) -> str:
    """Return how many interview questions there are, in words for a sentence."""
    return _count(len(list(every_question(view))), stop=False)


def every_question(view: View) -> Iterator[Asked]:
    """Yield the questions of all topics in reading order, then those that span topics."""
    for topic in view.written():
        for question in view.bundle(topic.id).questions.interview:
            yield Asked(question, topic)
    for file in interview_files(view.project):
        for question in file.questions.interview:
            yield Asked(question, None)


def _heading(asked: Asked) -> str:
    if asked.topic is None:
        return "## Across topics {#across-topics}"
    return f"## #{asked.topic.number} {plain(asked.topic.title)} {{#{asked.topic.id}}}"


def _count(number: int, *, stop: bool = True) -> str:
    words = f"{number} question" if number == 1 else f"{number} questions"
    return f"{words}." if stop else inline(words)
