"""Reads a topic's folder whole; a file that cannot be read is a problem, never an exception."""

from __future__ import annotations

from pathlib import Path
from typing import Final

from macros import answers_file, bundle_files, python_source, regions
from macros.bundle_files import Entry
from macros.bundle_model import Bundle, is_test_file, proof_name, python_name
from macros.model import BundleSettings
from macros.page import Page, read_page
from macros.problems import Problem
from macros.project import Project
from macros.python_source import Test
from macros.questions import QuestionFile, load_questions
from macros.regions import Snippet
from macros.yaml_source import Source, load_yaml, validate

__all__ = ["Bundle", "Test", "is_test_file", "proof_name", "python_name", "read_bundle"]

PAGE: Final = "index.md"
SETTINGS: Final = "bundle.yml"
QUESTIONS: Final = "questions.yml"
OUTPUTS: Final = "outputs/"
_MACHINE_FILES = frozenset({SETTINGS, QUESTIONS, answers_file.FILE})

_Stamp = tuple[tuple[str, int, int], ...]
_CACHE: dict[Path, tuple[_Stamp, Bundle]] = {}


def read_bundle(project: Project, topic_id: str) -> Bundle:
    """Return a topic's bundle; read again only when a file in its folder changed."""
    folder = project.bundle(topic_id)
    entries = bundle_files.scan(folder)
    stamp = tuple(entry.stamp for entry in entries)
    known = _CACHE.get(folder)
    if known is None or known[0] != stamp:
        known = _CACHE[folder] = (stamp, _Reader(project, topic_id, entries).bundle())
    return known[1]


class _Reader:
    """Reads the files of one bundle and gathers what is wrong with them."""

    def __init__(self, project: Project, topic_id: str, entries: tuple[Entry, ...]) -> None:
        self.project = project
        self.topic_id = topic_id
        self.where = project.relative(project.bundle(topic_id))
        self.entries = entries
        self.problems: list[Problem] = []
        self.files: dict[str, str] = {}
        self.regions: dict[tuple[str, str], Snippet] = {}
        self.region_lines: dict[tuple[str, str], int] = {}
        self.tests: dict[str, Test] = {}
        self.modules: dict[str, bool] = {}
        self.pages: dict[str, Page] = {}
        self.outputs: dict[str, str] = {}
        self.diagrams: dict[str, str] = {}
        self.texts: dict[str, str] = {}

    def bundle(self) -> Bundle:
        for entry in self.entries:
            self._read(entry)
        settings, settings_source = self._settings()
        answers = None
        if (text := self.texts.get(answers_file.FILE)) is not None:
            answers, problems = answers_file.parse(text, self._path(answers_file.FILE))
            self.problems += problems
        questions = self._questions()
        return Bundle(
            topic_id=self.topic_id,
            folder=self.project.bundle(self.topic_id),
            where=self.where,
            entries=self.entries,
            settings=settings,
            settings_source=settings_source,
            page=self.pages.pop(PAGE, None),
            subpages=self.pages,
            files=self.files,
            regions=self.regions,
            region_lines=self.region_lines,
            tests=self.tests,
            modules=self.modules,
            question_file=questions,
            answers=answers,
            outputs=self.outputs,
            diagrams=self.diagrams,
            problems=tuple(sorted(set(self.problems))),
        )

    def _read(self, entry: Entry) -> None:
        name = entry.name
        if name.endswith(".md"):
            page = read_page(self.project, entry.path)
            self.pages[name] = page
            self.problems += page.problems
            return
        text = bundle_files.read_text(entry)
        if text is None:
            return
        if name in _MACHINE_FILES:
            self.texts[name] = text
        elif name.startswith(OUTPUTS):
            self.outputs[name.removeprefix(OUTPUTS).removesuffix(".txt")] = text
        elif name.endswith(".svg"):
            self.diagrams[name.removesuffix(".svg")] = text
        else:
            self._code(name, text)

    def _code(self, name: str, text: str) -> None:
        marked = regions.take_apart(text, self._path(name), shown_as=name)
        self.problems += marked.problems
        self.files[name] = marked.text
        for region, snippet in marked.regions.items():
            self.regions[name, region] = snippet
            self.region_lines[name, region] = marked.marker_lines[region]
        if not name.endswith(".py"):
            return
        parsed = python_source.parse(text, self._path(name))
        self.modules[name] = parsed.tree is not None
        self.problems += parsed.problems
        if parsed.tree is not None and is_test_file(name):
            for test in python_source.tests(parsed.tree, text, marked, name):
                self._add(test)

    def _add(self, test: Test) -> None:
        other = self.tests.setdefault(test.name, test)
        if other is not test:
            message = (
                f"test '{test.name}' exists already in {self._path(other.file)}:{other.line}. "
                "Give it another name."
            )
            self.problems.append(Problem(self._path(test.file), test.line, message))

    def _settings(self) -> tuple[BundleSettings, Source | None]:
        text = self.texts.get(SETTINGS)
        if text is None:
            return BundleSettings(), None
        source, problems = load_yaml(text, self._path(SETTINGS))
        self.problems += problems
        if source is None:
            return BundleSettings(), None
        settings, problems = validate(BundleSettings, source)
        self.problems += problems
        return settings or BundleSettings(), source

    def _questions(self) -> QuestionFile | None:
        if QUESTIONS not in self.texts:
            return None
        path = self.project.bundle(self.topic_id) / QUESTIONS
        questions = load_questions(self.project, path)
        self.problems += questions.problems
        return questions

    def _path(self, name: str) -> str:
        return f"{self.where}/{name}"
