"""Interview and quiz questions as written in YAML, with the line of every field."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Final, Literal

from macros.file_cache import FileCache, text_of
from macros.markdown_scan import Prose, scan
from macros.model import Question, Questions, QuizQuestion
from macros.problems import Problem
from macros.project import Project
from macros.yaml_source import Source, load_yaml, validate

Kind = Literal["interview", "quiz"]
MARKDOWN_FIELDS: Final[Mapping[Kind, tuple[str, ...]]] = {
    "interview": ("ask", "answer", "deeper", "listen_for", "red_flag", "dated_answer"),
    "quiz": ("ask", "right", "why"),
}
_BLOCK_STYLE = re.compile(r":\s*[|>][+-]?\d?\s*(#.*)?$")


@dataclass(frozen=True)
class Field:
    """The Markdown of one field of one question; `line` is where its text starts."""

    question_id: str
    name: str
    text: str
    line: int

    @cached_property
    def prose(self) -> Prose:
        """The text taken apart, with the lines of the file."""
        return scan(self.text, self.line)


@dataclass(frozen=True)
class QuestionFile:
    """A file of questions; `readable` is False where it is not what the model asks for."""

    file: str
    text: str
    questions: Questions
    source: Source | None
    problems: tuple[Problem, ...]
    readable: bool

    def line(self, kind: Kind, index: int, field: str | None = None) -> int:
        """Return the line of a question, or of one of its fields."""
        if self.source is None:
            return 0
        path: tuple[str | int, ...] = (kind, index) if field is None else (kind, index, field)
        return self.source.line(*path)

    @cached_property
    def lines(self) -> Mapping[str, int]:
        """The line of every question by its id."""
        return {
            item.id: self.line(kind, index, "id")
            for kind, items in self.by_kind()
            for index, item in enumerate(items)
        }

    def by_kind(self) -> Iterator[tuple[Kind, Sequence[Question | QuizQuestion]]]:
        """Yield the interview questions, then the quiz questions."""
        yield "interview", self.questions.interview
        yield "quiz", self.questions.quiz

    @cached_property
    def markdown(self) -> tuple[Field, ...]:
        """Every field that is rendered as Markdown."""
        return tuple(self._markdown())

    def _markdown(self) -> Iterator[Field]:
        rows = self.text.split("\n")
        for kind, items in self.by_kind():
            for index, item in enumerate(items):
                for name in MARKDOWN_FIELDS[kind]:
                    text = getattr(item, name)
                    if text is None:
                        continue
                    line = self.line(kind, index, name)
                    if 0 < line <= len(rows) and _BLOCK_STYLE.search(rows[line - 1]):
                        line += 1
                    yield Field(item.id, name, text, line)


def options(question: QuizQuestion) -> list[str]:
    """Return right and wrong answers in an order that gives nothing away and never changes."""

    def place(option: str) -> str:
        return hashlib.sha256((question.id + option).encode()).hexdigest()

    return sorted((question.right, *question.wrong), key=place)


def parse(text: str, file: str) -> QuestionFile:
    """Return the questions of a YAML text; its problems include fences left open in a field."""
    source, problems = load_yaml(text, file)
    questions: Questions | None = None
    if source is not None:
        questions, invalid = validate(Questions, source)
        problems = [*problems, *invalid]
    read = QuestionFile(
        file=file,
        text=text,
        questions=questions or Questions(),
        source=source,
        problems=(),
        readable=questions is not None,
    )
    problems = [*problems, *_open_fences(read)]
    return QuestionFile(file, text, read.questions, source, tuple(problems), read.readable)


_CACHE = FileCache[QuestionFile]()


def load_questions(project: Project, path: Path) -> QuestionFile:
    """Return the questions of a file; read again only when the file changed."""
    return _CACHE.get(path, lambda: parse(text_of(path), project.relative(path)))


def interview_files(project: Project) -> tuple[QuestionFile, ...]:
    """Return the question files that span topics, sorted by name."""
    return tuple(load_questions(project, path) for path in sorted(project.interview.glob("*.yml")))


def _open_fences(read: QuestionFile) -> Iterator[Problem]:
    for field in read.markdown:
        for fence in field.prose.fences:
            if not fence.closed:
                yield Problem(
                    read.file,
                    fence.line,
                    f"question '{field.question_id}': a fence in '{field.name}' is never closed "
                    "and would swallow what follows. Close it.",
                )
