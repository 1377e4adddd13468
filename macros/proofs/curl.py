"""Write a request as a command that a reader can paste into a shell."""

from __future__ import annotations

import json
import re
import shlex
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Final

from macros.proofs.http_dialect import Reference, Request, pieces

BASE: Final = "http://127.0.0.1:8000"
_WIDTH = 88


def as_curl(request: Request, requests: Sequence[Request] = (), base: str = BASE) -> str:
    """Return the command for a request out of those of its file.

    What later requests need of the answer is put into shell variables, so that the commands of a
    file work when they are pasted in their order.
    """
    names = _Names(requests or (request,))
    command = _Command(request, names, base)
    wanted = names.wanted_of(request)
    if not wanted:
        return command.text()
    answer = _variable(request.name)
    option = "-s -D headers.txt" if any(each.path[0] == "headers" for each in wanted) else "-s"
    lines = [f"{answer}=$({command.text(option)})", f'echo "${answer}"']
    return "\n".join(lines + [f"{names.of(each)}=$({_extract(each, answer)})" for each in wanted])


class _Names:
    """The shell variables of a file: short where that is clear, else with the request's name."""

    def __init__(self, requests: Iterable[Request]) -> None:
        found = [each for request in requests for each in request.references]
        self._references = list(dict.fromkeys(found))
        self._answers = {_variable(each.request) for each in self._references}

    def of(self, reference: Reference) -> str:
        alike = [each for each in self._references if _last_key(each) == _last_key(reference)]
        short = _variable(_last_key(reference))
        if len(alike) <= 1 and short not in self._answers | {"PATH", "HOME", "USER", "IFS", "PWD"}:
            return short
        return _variable("-".join([reference.request, *map(str, reference.path[1:])]))

    def wanted_of(self, request: Request) -> list[Reference]:
        return [each for each in self._references if each.request == request.name]


@dataclass(frozen=True)
class _Command:
    request: Request
    names: _Names
    base: str

    def text(self, more: str = "") -> str:
        address = self._quote(self.base + self.request.url, plain_is_bare=True)
        parts = [part for part in (more, self._globbing(), self._method(), address) if part]
        start = " ".join(["curl", *parts])
        options = [*self._headers(), *self._body()]
        line = " ".join([start, *options])
        if len(line) <= _WIDTH and "\n" not in line:
            return line
        return " \\\n  ".join([start, *options])

    def _globbing(self) -> str:
        options = ["-g"] if set("[]{}") & set(self._literal(self.request.url)) else []
        if re.search(r"/\.\.?(/|$)", self.request.url.split("?")[0]):
            options.append("--path-as-is")
        return " ".join(options)

    def _method(self) -> str:
        method = self.request.method
        if method == "HEAD":
            return "-I"
        implied = "GET" if self.request.body is None else "POST"
        return "" if method == implied else f"-X {method}"

    def _headers(self) -> list[str]:
        kept = []
        for name, value in self.request.headers:
            if name.lower() == "content-type" and self._kind() in ("json", "form", "multipart"):
                continue
            if name.lower() == "cookie":
                kept.append(f"-b {self._quote(value)}")
            elif value:
                kept.append(f"-H {self._quote(f'{name}: {value}')}")
            else:
                kept.append(f"-H {self._quote(f'{name};')}")  # curl drops a header without value
        if self.request.body is not None and self.request.header("content-type") is None:
            kept.append("-H 'Content-Type:'")  # curl would send one of its own
        return kept

    def _body(self) -> list[str]:
        body = self.request.body
        if body is None:
            return []
        kind = self._kind()
        if kind == "multipart":
            return [f"-F {self._quote(part)}" for part in self._form_parts(body)]
        option = {"json": "--json", "form": "-d"}.get(kind, "--data-binary")
        return [f"{option} {self._quote(body)}"]

    def _kind(self) -> str:
        content_type = (self.request.header("content-type") or "").lower()
        body = self.request.body
        if body is None:
            return ""
        if content_type == "application/json" and _is_json(body):
            return "json"
        if content_type == "application/x-www-form-urlencoded" and not body.startswith("@"):
            return "form"
        if content_type.startswith("multipart/form-data"):
            return "multipart"
        return "other"

    def _form_parts(self, body: str) -> list[str]:
        match = re.search(r'boundary="?([^";]+)', self.request.header("content-type") or "")
        parts = []
        for part in body.split(f"--{match[1]}" if match else "--")[1:]:
            head, _, content = part.strip("\n").partition("\n\n")
            fields = dict(re.findall(r'(\w+)="([^"]*)"', head))
            if "name" not in fields:
                continue
            kind = re.search(r"(?im)^content-type:\s*(\S+)", head)
            # Quoted, because curl ends an unquoted value at a semicolon or reads a file for an @.
            special = "filename" in fields or kind or re.search(r'[;,"@<]', content)
            escaped = content.replace("\\", "\\\\").replace('"', '\\"')
            text = f'{fields["name"]}="{escaped}"' if special else f"{fields['name']}={content}"
            text += f";filename={fields['filename']}" if "filename" in fields else ""
            parts.append(text + (f";type={kind[1]}" if kind else ""))
        return parts

    def _literal(self, text: str) -> str:
        return "".join(piece for piece in pieces(text) if isinstance(piece, str))

    def _quote(self, text: str, *, plain_is_bare: bool = False) -> str:
        parts = list(pieces(text))
        if all(isinstance(part, str) for part in parts):
            quoted = shlex.quote(text)
            return quoted if plain_is_bare or quoted.startswith("'") else f"'{text}'"
        return '"' + "".join(self._in_double_quotes(part) for part in parts) + '"'

    def _in_double_quotes(self, part: str | Reference) -> str:
        if isinstance(part, Reference):
            return f"${{{self.names.of(part)}}}"
        return re.sub(r'([\\"$`])', r"\\\1", part)


def _extract(reference: Reference, answer: str) -> str:
    if reference.path[0] == "headers":
        return f"sed -n 's/^{reference.path[1]}: //p' headers.txt | tr -d '\\r'"
    keys = "".join(f"[{json.dumps(step)}]" for step in reference.path[1:])
    program = f"import json, sys; print(json.loads(sys.argv[1]){keys})"
    return f'python -c {shlex.quote(program)} "${answer}"'


def _last_key(reference: Reference) -> str:
    return next(step for step in reversed(reference.path) if isinstance(step, str))


def _variable(text: str) -> str:
    name = re.sub(r"\W+", "_", text).strip("_").upper()
    return f"_{name}" if name[:1].isdigit() else name or "VALUE"


def _is_json(text: str) -> bool:
    try:
        json.loads(text)
    except ValueError:
        # Variables stand outside or inside of strings; either way the text is meant as JSON.
        return "{{" in text
    return True
