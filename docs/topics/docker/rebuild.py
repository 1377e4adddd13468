"""What a builder runs again after a change, by the rules that Docker publishes.

A step is taken from the cache if its text and its parent are the same, and, for
COPY, the bytes of the files that it copies. No builder runs here.
"""

import hashlib
import json
import re
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class Step:
    word: str
    rest: str

    def __str__(self) -> str:
        text = re.sub(r"--mount=\S+\s+|/opt/venv/bin/(?=pip)", "", self.rest)
        return f"{self.word} {text}"


def steps(dockerfile: str) -> list[Step]:
    joined = re.sub(r"\\\n\s*", "", dockerfile)
    lines = (line.strip() for line in joined.splitlines())
    split = (line.split(maxsplit=1) for line in lines if line and line[0] != "#")
    return [Step(word, rest) for word, rest in split]


def command(dockerfile: str, word: str = "CMD") -> list[str]:
    """Return the exec form of the last CMD, or of the command in HEALTHCHECK."""
    last = [step.rest for step in steps(dockerfile) if step.word == word][-1]
    return json.loads(last[last.index("[") :])


def environment(dockerfile: str) -> dict[str, str]:
    pairs = (step.rest.split() for step in steps(dockerfile) if step.word == "ENV")
    return dict(pair.split("=", 1) for line in pairs for pair in line)


def sent(files: dict[str, str], dockerignore: str) -> dict[str, str]:
    """Return the files that reach the builder; the last fitting pattern decides."""
    patterns = [line for line in dockerignore.splitlines() if line.strip()]

    def ignored(name: str) -> bool:
        found = False
        parts = Path(name).parts
        ways = ["/".join(parts[: end + 1]) for end in range(len(parts))]
        for pattern in patterns:
            fits = re.compile(_regex(pattern.removeprefix("!").strip("/")))
            if any(fits.fullmatch(way) for way in ways):
                found = not pattern.startswith("!")
        return found

    return {name: text for name, text in files.items() if not ignored(name)}


def runs_again(
    dockerfile: str,
    before: dict[str, str],
    after: dict[str, str],
    changed: str = "",
) -> list[str]:
    """Return the RUN and COPY steps that a change repeats."""
    old, new = keys(dockerfile, before), keys(changed or dockerfile, after)
    now = zip(steps(changed or dockerfile), old, new, strict=True)
    return [str(step) for step, a, b in now if a != b and step.word in WORK]


WORK = {"RUN", "COPY"}


def keys(dockerfile: str, files: dict[str, str]) -> list[str]:
    """Return what identifies the result of each step."""
    found: list[str] = []
    stages: dict[str, str] = {}
    stage = parent = ""
    for step in steps(dockerfile):
        if step.word == "FROM":
            stage, parent = step.rest.rpartition(" AS ")[2], ""
        seen = [parent, step.word, step.rest]
        if step.word == "COPY":
            options = [
                one for one in step.rest.split() if one.startswith("--from=")
            ]
            seen += [stages[one.removeprefix("--from=")] for one in options]
            seen += [] if options else _copied(step.rest, files)
        parent = stages[stage] = hashlib.sha256(
            "\0".join(seen).encode()
        ).hexdigest()
        found.append(parent)
    return found


def _copied(rest: str, files: dict[str, str]) -> list[str]:
    *sources, _ = [one for one in rest.split() if not one.startswith("--")]
    return [
        f"{name}={text}"
        for name, text in sorted(files.items())
        if any(one in {".", name} or name.startswith(f"{one}/") for one in sources)
    ]


def _regex(pattern: str) -> str:
    kinds = {"**/": "(.*/)?", "**": ".*", "*": "[^/]*", "?": "[^/]"}
    parts = re.split(r"(\*\*/|\*\*|\*|\?)", pattern)
    return "".join(kinds.get(part, re.escape(part)) for part in parts)
