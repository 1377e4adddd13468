"""The macro calls of a page, found the way the site finds them: by the template parser."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from jinja2 import Environment, TemplateSyntaxError, nodes

from macros.problems import Problem

# `{#` opens a heading id in Markdown, so the site moves template comments out of its way.
COMMENT_START: Final = "{##"
COMMENT_END: Final = "##}"

_ENVIRONMENT = Environment(
    comment_start_string=COMMENT_START,
    comment_end_string=COMMENT_END,
    keep_trailing_newline=True,
)


class Computed:
    """Stands for an argument that is not written out in the page."""

    def __repr__(self) -> str:
        return "(computed)"


COMPUTED: Final = Computed()


@dataclass(frozen=True)
class Call:
    """One macro call with the arguments as written; a computed one is COMPUTED."""

    name: str
    args: tuple[Any, ...]
    kwargs: Mapping[str, Any] = field(default_factory=dict)
    line: int = 0

    @property
    def literal(self) -> bool:
        """Whether every argument is written out, so that it can be checked here."""
        return COMPUTED not in self.args and COMPUTED not in self.kwargs.values()

    def argument(self, position: int, name: str, default: Any = None) -> Any:
        """Return an argument given by position or by name."""
        if position < len(self.args):
            return self.args[position]
        return self.kwargs.get(name, default)

    def text(self, position: int, name: str, default: str | None = None) -> str | None:
        """Return an argument that is text; the default where it is absent or anything else."""
        value = self.argument(position, name, default)
        return value if isinstance(value, str) else default


def find_calls(text: str, file: str) -> tuple[tuple[Call, ...], list[Problem]]:
    """Return the macro calls of a page in order, or the problem that stops its template."""
    try:
        tree = _ENVIRONMENT.parse(text)
    except TemplateSyntaxError as error:
        message = (
            f"this is not a macro call the site understands: {error.message}. Check the braces."
        )
        return (), [Problem(file, error.lineno, message)]
    calls = [_call(node) for node in tree.find_all(nodes.Call) if isinstance(node.node, nodes.Name)]
    return tuple(sorted(calls, key=lambda call: call.line)), []


def _call(node: nodes.Call) -> Call:
    assert isinstance(node.node, nodes.Name)
    return Call(
        name=node.node.name,
        args=tuple(_literal(argument) for argument in node.args)
        + ((COMPUTED,) if node.dyn_args is not None else ()),
        kwargs={item.key: _literal(item.value) for item in node.kwargs}
        | ({"**": COMPUTED} if node.dyn_kwargs is not None else {}),
        line=node.lineno,
    )


def _literal(node: nodes.Expr) -> Any:
    if isinstance(node, nodes.Name):
        return COMPUTED
    try:
        value = node.as_const()
    except nodes.Impossible:
        return COMPUTED
    return tuple(value) if isinstance(value, list) else value
