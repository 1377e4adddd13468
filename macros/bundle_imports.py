"""Which modules of a bundle reach which others, and what they need from outside."""

from __future__ import annotations

import ast
import sys
from collections.abc import Callable, Iterable, Iterator, Mapping

from macros.python_source import parse


class Trees(Mapping[str, ast.Module | None]):
    """Python files by name, parsed when asked for and not kept: trees are large.

    None where a file does not parse.
    """

    def __init__(self, names: Iterable[str], read: Callable[[str], str | None]) -> None:
        self._names = frozenset(name for name in names if name.endswith(".py"))
        self._read = read

    def __getitem__(self, name: str) -> ast.Module | None:
        text = self._read(name)
        return None if text is None else parse(text, name).tree

    def __contains__(self, name: object) -> bool:
        return name in self._names

    def __iter__(self) -> Iterator[str]:
        return iter(self._names)

    def __len__(self) -> int:
        return len(self._names)


def reached(trees: Trees, roots: Iterable[str]) -> dict[str, set[str]]:
    """Return the files that these files import, directly or not, and they themselves.

    With each come the dotted names that it imports. A string that names a module counts as an
    import of it: servers and tools get their modules as `"real:app"`.
    """
    files = {_dotted(name): name for name in trees}
    found: dict[str, set[str]] = {}
    waiting = [name for name in roots if name in trees]
    while waiting:
        name = waiting.pop()
        if name in found:
            continue
        tree = trees[name]
        found[name] = set(_imported(tree, name)) if tree else set()
        named = {text.split(":")[0] for text in _strings(tree)} if tree else set()
        for module in found[name] | named:
            waiting += [files[part] for part in _prefixes(module) if part in files]
    return found


def third_party(trees: Trees, roots: Iterable[str]) -> set[str]:
    """Return the top-level modules that files need, and neither Python nor the bundle has."""
    own = {name.split("/")[0].removesuffix(".py") for name in trees}
    imported = set().union(*reached(trees, roots).values())
    top = {module.split(".")[0] for module in imported}
    return {module for module in top - own if module not in sys.stdlib_module_names}


def _strings(tree: ast.Module) -> Iterator[str]:
    for node in ast.walk(tree):
        if isinstance(node, ast.Constant) and isinstance(node.value, str):
            yield node.value


def _imported(tree: ast.Module, name: str) -> Iterator[str]:
    """Yield the dotted names a file imports; `from a import b` yields a.b, whatever b is."""
    package = name.split("/")[:-1]
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            base = package[: len(package) - node.level + 1] if node.level else []
            start = [*base, *(node.module or "").split(".")]
            for alias in node.names:
                yield ".".join(part for part in [*start, alias.name] if part)


def _prefixes(module: str) -> Iterator[str]:
    parts = module.split(".")
    for end in range(1, len(parts) + 1):
        yield ".".join(parts[:end])


def _dotted(name: str) -> str:
    return name.removesuffix(".py").removesuffix("/__init__").replace("/", ".")
