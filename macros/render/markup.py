"""The few shapes all pages are made of: escaped text, code fences, blocks, folds."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from html import escape as _escape
from typing import Any

_CODE = re.compile(r"(?<!`)(`+)(?!`)(.+?)(?<!`)\1(?!`)")
_TICKS = re.compile(r"^\s*(`{3,})", re.MULTILINE)
_SLASHES = re.compile(r"^(/{3,})", re.MULTILINE)
_LANGUAGES = {
    ".py": "python",
    ".toml": "toml",
    ".cfg": "ini",
    ".conf": "nginx",
    ".ini": "ini",
    ".yml": "yaml",
    ".yaml": "yaml",
    ".json": "json",
    ".sql": "sql",
    ".sh": "sh",
    ".html": "html",
    ".js": "js",
    ".css": "css",
    ".mako": "mako",
    ".http": "http",
    ".proto": "proto",
}
_NAMED = {"Dockerfile": "docker", "Makefile": "make"}


def escape(text: object) -> str:
    """Return text for HTML, in an element or in a quoted attribute."""
    return _escape(str(text), quote=True)


def inline(text: str) -> str:
    """Return one line as HTML, where only `code` is marked up."""
    parts: list[str] = []
    end = 0
    for found in _CODE.finditer(text):
        parts.append(escape(text[end : found.start()]))
        parts.append(f"<code>{escape(found[2].strip())}</code>")
        end = found.end()
    parts.append(escape(text[end:]))
    return "".join(parts)


def plain(text: str) -> str:
    """Return one line without the marks of `code`."""
    return _CODE.sub(lambda found: found[2].strip(), text)


def attributes(values: Mapping[str, object]) -> str:
    """Return HTML attributes, each with a space before it; True is bare, None and False absent."""
    written: list[str] = []
    for name, value in values.items():
        if value is True:
            written.append(f" {name}")
        elif value is not None and value is not False:
            written.append(f' {name}="{escape(value)}"')
    return "".join(written)


def language_of(file: str) -> str:
    """Return the name of the highlighter for a file."""
    name = file.rsplit("/", 1)[-1]
    for known, language in _NAMED.items():
        if name == known or name.startswith(known + "."):
            return language
    return _LANGUAGES.get("." + name.rsplit(".", 1)[-1], "text")


def fence(
    text: str,
    language: str,
    *,
    title: str | None = None,
    first_line: int | None = None,
    data: Mapping[str, str] | None = None,
) -> str:
    """Return code as a fenced block that nothing inside it can end."""
    ticks = "`" * (max([3, *(len(found[1]) for found in _TICKS.finditer(text))]) + 1)
    options = [f".{language}"]
    if title:
        options.append(f'title="{escape(title)}"')
    if first_line is not None:
        options.append(f'linenums="{first_line}"')
    options += [f'{name}="{escape(value)}"' for name, value in (data or {}).items()]
    body = text.rstrip("\n")
    return f"{ticks} {{ {' '.join(options)} }}\n{body}\n{ticks}"


def block(kind: str, argument: str, body: str, **options: Any) -> str:
    """Return a Markdown block, such as a fold, around Markdown that may hold blocks itself."""
    slashes = "/" * (max([2, *(len(found[1]) for found in _SLASHES.finditer(body))]) + 1)
    head = f"{slashes} {kind} | {one_line(argument)}"
    rows = [f"    {name}: {_yaml(value)}" for name, value in options.items() if value]
    return "\n".join([head, *rows, "", body.strip("\n"), slashes])


def fold(title: str, body: str, *, css: str, anchor: str, **data: str) -> str:
    """Return a closed fold; the title is Markdown, the body Markdown with blocks."""
    attrs = {"id": anchor, "class": css}
    attrs |= {f"data-{name}": value for name, value in data.items()}
    return block("details", title, body, attrs=attrs)


def box(selector: str, body: str) -> str:
    """Return an element, written like a CSS selector, around Markdown."""
    return block("html", selector, body)


def one_line(text: str) -> str:
    """Return text with every run of white space as one space."""
    return " ".join(text.split())


def paragraphs(parts: Iterable[str]) -> str:
    """Return the parts that are there, each as a block of its own."""
    return "\n\n".join(part for part in parts if part)


def _yaml(value: Any) -> str:
    if isinstance(value, Mapping):
        return "{" + ", ".join(f"{name}: {_yaml(each)}" for name, each in value.items()) + "}"
    return "'" + str(value).replace("'", "''") + "'"
