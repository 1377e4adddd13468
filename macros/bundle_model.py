"""What a topic's folder holds: page, code, proofs, questions, recorded answers and outputs."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path

from macros import bundle_files, bundle_imports
from macros.answers_file import Answers
from macros.bundle_files import Entry
from macros.model import BundleSettings, Questions
from macros.page import Page
from macros.problems import Problem
from macros.python_source import Test
from macros.questions import QuestionFile
from macros.regions import Snippet
from macros.yaml_source import Source

REQUESTS = "requests.http"
# An id given in Markdown: {#id}, {: #id }, or id: of a block's attributes.
_ID = re.compile(r"(?:\{:?[^{}]*?#|\bid: ?)([\w-]+)")
_QUOTED = re.compile(r"""["']([\w.-]{6,})["']""")
_IS_TEST = re.compile(r"(?:.*/)?(?:test_\w+|conftest)\.py")


def python_name(topic_or_gotcha_id: str) -> str:
    """Return an id as Python spells it."""
    return topic_or_gotcha_id.replace("-", "_")


def proof_name(gotcha_id: str) -> str:
    """Return the name of the test function that proves a gotcha."""
    return "test_" + python_name(gotcha_id)


def is_test_file(name: str) -> bool:
    """Whether a file of a bundle belongs to its proofs."""
    return _IS_TEST.fullmatch(name) is not None


def is_proof_file(name: str) -> bool:
    """Whether a file of a bundle runs to find out what is true: a test or a measurement."""
    return is_test_file(name) or name == "measure.py"


@dataclass(frozen=True)
class Bundle:
    """Everything in one topic's folder; file names are relative to it, with forward slashes."""

    topic_id: str
    folder: Path
    where: str
    """The folder as messages name it."""
    entries: tuple[Entry, ...]
    settings: BundleSettings
    settings_source: Source | None
    page: Page | None
    subpages: Mapping[str, Page]
    files: Mapping[str, str]
    regions: Mapping[tuple[str, str], Snippet]
    region_lines: Mapping[tuple[str, str], int]
    tests: Mapping[str, Test]
    modules: Mapping[str, bool]
    """The Python files, and whether each one parses."""
    question_file: QuestionFile | None
    answers: Answers | None
    outputs: Mapping[str, str]
    diagrams: Mapping[str, str]
    problems: tuple[Problem, ...] = field(default=())

    @property
    def questions(self) -> Questions:
        """The questions; none where the file is missing or unreadable."""
        return self.question_file.questions if self.question_file else Questions()

    @property
    def question_lines(self) -> Mapping[str, int]:
        """The line of every question by its id."""
        return self.question_file.lines if self.question_file else {}

    @property
    def requests_text(self) -> str | None:
        """The requests to send to the app, if there are any."""
        return self.files.get(REQUESTS)

    @property
    def pages(self) -> tuple[Page, ...]:
        """The topic's page and its subpages."""
        return ((self.page,) if self.page else ()) + tuple(self.subpages.values())

    @property
    def main(self) -> str:
        """The file that holds the smallest app: main.py, or main.py of the folder app."""
        return "app/main.py" if "main.py" not in self.files and self.has_app else "main.py"

    @property
    def has_app(self) -> bool:
        """Whether the topic needs a folder of modules to show its app."""
        return any(name.startswith("app/") for name in self.files)

    def path(self, name: str) -> str:
        """Return a file of the bundle as messages name it."""
        return f"{self.where}/{name}"

    def snippet(self, file: str, region: str | None = None) -> Snippet:
        """Return a file or one region of it; KeyError with what exists."""
        if file not in self.files:
            exist = ", ".join(sorted(self.files)) or "none"
            raise KeyError(f"no file '{file}' in {self.where}. There are: {exist}.")
        if region is None:
            return Snippet(file, None, self.files[file], 1)
        try:
            return self.regions[file, region]
        except KeyError:
            exist = ", ".join(name for owner, name in self.regions if owner == file) or "none"
            raise KeyError(
                f"no region '{region}' in {self.path(file)}. There are: {exist}."
            ) from None

    def proof(self, gotcha_id: str) -> Test:
        """Return the test that proves a gotcha; KeyError with the name it must have."""
        try:
            return self.tests[proof_name(gotcha_id)]
        except KeyError:
            raise KeyError(
                f"gotcha '{gotcha_id}' has no test. "
                f"Add {proof_name(gotcha_id)} to {self.path('test_main.py')}."
            ) from None

    def test(self, name: str) -> Test | None:
        """Return the test that a gotcha id or the name of a test function refers to."""
        return self.tests.get(name) or self.tests.get(proof_name(name))

    @cached_property
    def app_files(self) -> tuple[str, ...]:
        """The Python files that the smallest app consists of, the one that is run first."""
        app = [name for name in self.modules if name.startswith("app/")]
        roots = app if self.main.startswith("app/") else [self.main, *app]
        found = bundle_imports.reached(self._trees, roots)
        return tuple(sorted(found, key=lambda name: (name != self.main, name)))

    def imports(self) -> set[str]:
        """Return the third-party modules that the smallest app needs."""
        return self.imports_of(*self.app_files)

    def imports_of(self, *names: str) -> set[str]:
        """Return the third-party modules that these files of the bundle need."""
        return bundle_imports.third_party(self._trees, names)

    def names_in_tests(self, text: str) -> bool:
        """Whether a proof or measurement holds exactly this text in quotes."""
        return f'"{text}"' in self._proofs or f"'{text}'" in self._proofs

    def used_by_tests(self, name: str) -> bool:
        """Whether the proofs import a Python file, or name it in whatever way they start it."""
        stem = name.rsplit("/", 1)[-1].removesuffix(".py")
        return (
            stem in self._proofs
            or any(stem.startswith(text) for text in _QUOTED.findall(self._proofs))
            or name in self._imported_by_tests
        )

    @cached_property
    def _imported_by_tests(self) -> frozenset[str]:
        roots = [name for name in self.modules if is_proof_file(name)]
        if re.search(r"\bclient\b", self._proofs):
            roots.append(self.main)  # this fixture imports it
        return frozenset(bundle_imports.reached(self._trees, roots))

    @cached_property
    def _proofs(self) -> str:
        return "".join(self.files[name] for name in self.modules if is_proof_file(name))

    @property
    def _trees(self) -> bundle_imports.Trees:
        return bundle_imports.Trees(self.modules, self.files.get)

    @cached_property
    def anchors(self) -> frozenset[str]:
        """Every id on the topic's page that a link can point to."""
        ids = {heading.id for heading in self.page.headings if heading.id} if self.page else set()
        ids |= {
            f"proof-{call.args[0]}"
            for call in (self.page.named("proof") if self.page else ())
            if call.args
        }
        for page in self.pages[:1]:
            ids |= {f"output-{call.args[0]}" for call in page.named("output") if call.args}
            ids |= {found[1] for _, line in page.prose.lines for found in _ID.finditer(line)}
        ids |= {f"q-{question.id}" for question in self.questions.interview}
        ids |= {f"quiz-{question.id}" for question in self.questions.quiz}
        ids |= {f"answer-{name}" for name in (self.answers.names if self.answers else ())}
        return frozenset(ids)

    def fingerprint(self) -> str:
        """Return a hash of the names and bytes of all files of the bundle."""
        return bundle_files.fingerprint(self.entries)
