"""Questions are enough, distinct, proven, and found again by their ids."""

from __future__ import annotations

import re
from collections.abc import Iterator
from itertools import pairwise
from typing import Final, get_args

from macros.bundle import Bundle
from macros.model import Seniority
from macros.problems import Problem
from macros.questions import Kind, QuestionFile
from macros.rules.content import Content, Rule
from macros.rules.gotcha_rules import gotcha_ids
from macros.rules.parts import known_or_guess, question_files
from macros.suggest import did_you_mean

FEWEST_INTERVIEW: Final = 5
FEWEST_QUIZ: Final = 3
SENIORITIES: Final[tuple[str, ...]] = get_args(Seniority)
_RESTS: Final = re.compile(r"[a-z]+ ")
_NEEDS_PROOF: Final = re.compile(r"what\s+(?:happens|does)\b", re.IGNORECASE)


def question_ids_are_unique(content: Content) -> Iterator[Problem]:
    """An id names one question on the whole site: links and flashcards keep to it."""
    seen: dict[str, str] = {}
    for _, file in question_files(content):
        for kind, items in file.by_kind():
            for index, question in enumerate(items):
                line = file.line(kind, index, "id")
                first = seen.setdefault(question.id, f"{file.file}:{line}")
                if first != f"{file.file}:{line}":
                    yield Problem(
                        file.file,
                        line,
                        f"question id '{question.id}' stands in {first} already. Choose another.",
                    )


def topics_have_enough_questions(content: Content) -> Iterator[Problem]:
    """A topic has interview questions for every seniority, and a quiz."""
    for _, file in _of_bundles(content):
        interview, quiz = file.questions.interview, file.questions.quiz
        if len(interview) < FEWEST_INTERVIEW:
            yield Problem(
                file.file,
                file.source.line("interview") if file.source else 0,
                f"{len(interview)} of at least {FEWEST_INTERVIEW} interview questions.",
            )
        missing = [name for name in SENIORITIES if all(q.seniority != name for q in interview)]
        if interview and missing:
            yield Problem(
                file.file,
                file.source.line("interview") if file.source else 0,
                f"no interview question for: {', '.join(missing)}.",
            )
        if len(quiz) < FEWEST_QUIZ:
            yield Problem(
                file.file,
                file.source.line("quiz") if file.source else 0,
                f"{len(quiz)} of at least {FEWEST_QUIZ} quiz questions.",
            )


def options_are_distinct(content: Content) -> Iterator[Problem]:
    """A quiz question has no option twice."""
    for _, file in question_files(content):
        for index, question in enumerate(file.questions.quiz):
            seen: set[str] = set()
            for option in (question.right, *question.wrong):
                if option.casefold() in seen:
                    yield _problem(file, "quiz", index, "wrong", f"option '{option}' stands twice.")
                seen.add(option.casefold())


def options_are_whole(content: Content) -> Iterator[Problem]:
    """No option is the rest of another one that YAML split at its comma, as in [No, it fails]."""
    for _, file in question_files(content):
        for index, question in enumerate(file.questions.quiz):
            for before, option in pairwise(question.wrong):
                if before[0].isupper() and _RESTS.match(option):
                    message = (
                        f"'{option}' looks like the rest of '{before}'. Put quotes around an "
                        'option that has a comma; code wants "`backticks`".'
                    )
                    yield _problem(file, "quiz", index, "wrong", message)


def what_happens_is_proven(content: Content) -> Iterator[Problem]:
    """A quiz question about behavior names the test that shows it."""
    for _, file in _of_bundles(content):
        for index, question in enumerate(file.questions.quiz):
            if question.proof is None and _NEEDS_PROOF.match(question.ask):
                yield _problem(
                    file,
                    "quiz",
                    index,
                    "ask",
                    "asks what happens without a proof. Add `proof:` with a gotcha id or a test.",
                )


def proofs_of_questions_exist(content: Content) -> Iterator[Problem]:
    """The proof that a question names is a gotcha, or for a quiz also a test."""
    for bundle, file in question_files(content):
        for index, question in enumerate(file.questions.interview):
            if question.proof is None:
                continue
            bundles = [bundle] if bundle else [content.bundles.get(t) for t in question.topics]
            known = {name for one in bundles if one for name in gotcha_ids(one)}
            if question.proof not in known:
                guess = known_or_guess(question.proof, known)
                yield _problem(
                    file, "interview", index, "proof", f"no gotcha '{question.proof}'.{guess}"
                )
        for index, quiz in enumerate(file.questions.quiz):
            if quiz.proof is None or bundle is None or bundle.test(quiz.proof):
                continue
            known = gotcha_ids(bundle) | set(bundle.tests)
            if quiz.proof in known:
                continue  # a gotcha without its test, which is told where the gotcha stands
            guess = known_or_guess(quiz.proof, known)
            yield _problem(
                file, "quiz", index, "proof", f"no gotcha or test '{quiz.proof}'.{guess}"
            )


def spanning_questions_name_topics(content: Content) -> Iterator[Problem]:
    """Only questions of interview/ name topics, and each of them does."""
    known = {topic.id for topic in content.registry.topics}
    for bundle, file in question_files(content):
        for index, question in enumerate(file.questions.interview):
            if bundle is not None and question.topics:
                yield _problem(
                    file, "interview", index, "topics", "belongs to this topic. Remove `topics`."
                )
            elif bundle is None and not question.topics:
                yield _problem(
                    file, "interview", index, None, "spans no topics. Add `topics: […]`."
                )
            for place, topic_id in enumerate(question.topics):
                if topic_id not in known and file.source is not None:
                    message = f"unknown topic '{topic_id}'.{did_you_mean(topic_id, known)}"
                    yield file.source.problem(
                        f"question '{question.id}': {message}",
                        "interview",
                        index,
                        "topics",
                        place,
                    )


def quizzes_belong_to_topics(content: Content) -> Iterator[Problem]:
    """A quiz question needs a bundle's code and proofs around it."""
    for bundle, file in question_files(content):
        if bundle is None and file.questions.quiz:
            yield Problem(
                file.file, file.line("quiz", 0), "quiz questions belong to a topic's questions.yml."
            )


def _of_bundles(content: Content) -> Iterator[tuple[Bundle, QuestionFile]]:
    for bundle, file in question_files(content):
        if bundle is not None and file.readable:
            yield bundle, file


def _problem(
    file: QuestionFile, kind: Kind, index: int, field: str | None, message: str
) -> Problem:
    items = file.questions.interview if kind == "interview" else file.questions.quiz
    return Problem(
        file.file, file.line(kind, index, field), f"question '{items[index].id}': {message}"
    )


RULES: tuple[Rule, ...] = (
    question_ids_are_unique,
    topics_have_enough_questions,
    options_are_distinct,
    options_are_whole,
    what_happens_is_proven,
    proofs_of_questions_exist,
    spanning_questions_name_topics,
    quizzes_belong_to_topics,
)
