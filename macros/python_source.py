"""What the Python files of a bundle contain, by their syntax tree; nothing is imported."""

from __future__ import annotations

import ast
import warnings
from collections.abc import Iterator
from dataclasses import dataclass

from macros.problems import Problem
from macros.regions import Marked


@dataclass(frozen=True)
class Test:
    """One test function as shown: `first_line` counts without markers, `line` on disk."""

    __test__ = False  # pytest collects classes of this name

    name: str
    file: str
    first_line: int
    source: str
    is_async: bool
    line: int


@dataclass(frozen=True)
class Parsed:
    """A Python file: its tree, None where it has a syntax error."""

    tree: ast.Module | None
    problems: tuple[Problem, ...] = ()


def parse(text: str, file: str) -> Parsed:
    """Parse a file as it is on disk; a syntax error becomes a problem."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            return Parsed(ast.parse(text))
    except SyntaxError as error:
        message = (
            f"not valid Python: {error.msg}. Python cannot read the file until this is mended."
        )
        return Parsed(None, (Problem(file, error.lineno or 0, message),))
    except (ValueError, RecursionError) as error:
        return Parsed(None, (Problem(file, 0, f"not valid Python: {error}."),))


def tests(tree: ast.Module, text: str, marked: Marked, file: str) -> Iterator[Test]:
    """Yield the test functions of a file, given as on disk and taken apart."""
    lines = text.split("\n")
    shown = {disk: number for number, disk in enumerate(marked.kept, start=1)}
    for node in tree.body:
        if not isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            continue
        if not node.name.startswith("test"):
            continue
        first = min([node.lineno, *(item.lineno for item in node.decorator_list)])
        last = node.end_lineno or node.lineno
        source = "\n".join(lines[n - 1] for n in range(first, last + 1) if n in shown)
        yield Test(
            name=node.name,
            file=file,
            first_line=shown.get(first, first),
            source=source + "\n",
            is_async=isinstance(node, ast.AsyncFunctionDef),
            line=node.lineno,
        )
