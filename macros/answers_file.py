"""The recorded answers of a bundle: the format of responses.json."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from macros.bundle_files import read_text, scan
from macros.bundle_imports import Trees, reached
from macros.problems import Problem
from macros.project import Project

FILE = "responses.json"
_SETTINGS = ("requests.http", "bundle.yml")


@dataclass(frozen=True)
class SentRequest:
    """A request as it went out, its variables filled in."""

    method: str
    url: str
    headers: Mapping[str, str]
    body: str | None


@dataclass(frozen=True)
class Answer:
    """What an app answered; `body` when it is JSON (`is_json`), else `text`."""

    name: str
    title: str
    request: SentRequest
    status: int
    headers: Mapping[str, str]
    body: Any
    text: str | None
    is_json: bool


@dataclass(frozen=True)
class Answers:
    """All answers of a bundle and the hash of the files that they came from."""

    inputs: str
    answers: tuple[Answer, ...]

    @property
    def names(self) -> tuple[str, ...]:
        """The request names, in the order they were sent."""
        return tuple(answer.name for answer in self.answers)

    def get(self, name: str) -> Answer:
        """Return the answer to the request of this name; KeyError with what exists."""
        for answer in self.answers:
            if answer.name == name:
                return answer
        raise KeyError(f"no answer named '{name}'. There are: {', '.join(self.names) or 'none'}.")


def parse(text: str, file: str) -> tuple[Answers | None, list[Problem]]:
    """Return the recorded answers; a file that is not in the format is a problem."""
    try:
        data = json.loads(text)
        answers = tuple(_answer(item) for item in data["answers"])
        return Answers(inputs=str(data["inputs"]), answers=answers), []
    except json.JSONDecodeError as error:
        line = error.lineno
    except (KeyError, TypeError, ValueError, AttributeError):
        line = 0
    return None, [
        Problem(file, line, "not a recording of answers. Run `make fix` to write it anew.")
    ]


def inputs_hash(project: Project, folder: Path) -> str:
    """Return the hash of the files of a bundle that decide its answers, and of the lock.

    These are the app, all modules of the bundle that it imports, requests and settings.
    """
    entries = {entry.name: entry for entry in scan(folder)}
    roots = [name for name in entries if name == "main.py" or name.startswith("app/")]
    names = {
        *reached(Trees(entries, lambda name: read_text(entries[name])), roots),
        *roots,
        *({*_SETTINGS} & entries.keys()),
    }
    digest = hashlib.sha256()
    for name in sorted(names):
        digest.update(name.encode() + b"\0" + entries[name].path.read_bytes() + b"\0")
    if project.lock.is_file():
        digest.update(project.lock.read_bytes())
    return digest.hexdigest()


def _answer(item: Mapping[str, Any]) -> Answer:
    request = item["request"]
    return Answer(
        name=str(item["name"]),
        title=str(item.get("title") or item["name"]),
        request=SentRequest(
            method=str(request["method"]),
            url=str(request["url"]),
            headers=dict(request.get("headers") or {}),
            body=request.get("body"),
        ),
        status=int(item["status"]),
        headers={
            str(key).lower(): str(value) for key, value in (item.get("headers") or {}).items()
        },
        body=item.get("body"),
        text=item.get("text"),
        is_json="body" in item and item.get("text") is None,
    )
