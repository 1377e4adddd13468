"""The `api` names of the registry import on the locked versions."""

from __future__ import annotations

import hashlib
import json
import subprocess
import sys
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Final

from macros.problems import Problem
from macros.project import Project
from macros.rules.content import Content, Rule

_SECONDS: Final = 120
# Reads dotted names from stdin; writes those that fail, each with its reason.
_PROGRAM: Final = """
import contextlib, importlib, json, os, sys, warnings
warnings.simplefilter("ignore")
names = json.load(sys.stdin)
failed = {}
with open(os.devnull, "w") as nowhere, contextlib.redirect_stdout(nowhere):
    for name in names:
        parts = name.split(".")
        found, reason = None, ""
        for end in range(len(parts), 0, -1):
            module = ".".join(parts[:end])
            try:
                found = importlib.import_module(module)
            except ModuleNotFoundError as error:
                missing = error.name or ""
                if module == missing or module.startswith(missing + "."):
                    reason = f"no module '{missing}'"
                    continue
                reason = f"{module} needs '{missing}', which is not installed"
                break
            except BaseException as error:
                reason = f"{module} raises {type(error).__name__}: {error}"
                break
            for part in parts[end:]:
                if not hasattr(found, part):
                    kind = getattr(found, "__name__", type(found).__name__)
                    reason = f"'{kind}' has no '{part}'"
                    found = None
                    break
                found = getattr(found, part)
            break
        if found is None:
            failed[name] = reason
json.dump(failed, sys.stdout)
"""


def api_names_import(content: Content) -> Iterator[Problem]:
    """What a topic names can be imported by a reader."""
    names = {name for topic in content.registry.topics for name in topic.api}
    failed = failing(content.project, names)
    for topic in content.registry.topics:
        for index, name in enumerate(topic.api):
            if name in failed:
                yield Problem(
                    content.loaded.source.file,
                    content.loaded.line_of_topic(topic.id, "api", index),
                    f"{topic.id}: '{name}' cannot be imported: {failed[name]}. "
                    "Name what exists on the locked versions.",
                )


def failing(project: Project, names: Iterable[str]) -> Mapping[str, str]:
    """Return the names that do not import, with the reason.

    Names that import are remembered below .cache/ for as long as lock and Python stay the same,
    so that an ordinary check starts no process.
    """
    cache = project.root / ".cache" / "api-names.json"
    key = _key(project)
    good = _remembered(cache, key)
    asked = sorted(set(names) - good)
    if not asked:
        return {}
    failed = _ask(asked)
    if good | (set(asked) - failed.keys()) != good:
        _remember(cache, key, good | (set(asked) - failed.keys()))
    return failed


def _ask(names: list[str]) -> Mapping[str, str]:
    try:
        done = subprocess.run(
            [sys.executable, "-c", _PROGRAM],
            input=json.dumps(names),
            capture_output=True,
            text=True,
            timeout=_SECONDS,
            check=False,
        )
        failed: dict[str, str] = json.loads(done.stdout)
    except subprocess.TimeoutExpired:
        return dict.fromkeys(names, f"importing took more than {_SECONDS} s")
    except ValueError:
        last = (done.stderr.strip().splitlines() or ["no message"])[-1]
        return dict.fromkeys(names, f"Python stopped while importing: {last}")
    return failed


def _key(project: Project) -> str:
    lock = project.lock.read_bytes() if project.lock.is_file() else b""
    return hashlib.sha256(lock + sys.version.encode() + sys.executable.encode()).hexdigest()


def _remembered(cache: Path, key: str) -> set[str]:
    try:
        data = json.loads(cache.read_text(encoding="utf-8"))
        return set(data["names"]) if data["key"] == key else set()
    except (OSError, ValueError, KeyError, TypeError):
        return set()


def _remember(cache: Path, key: str, names: set[str]) -> None:
    cache.parent.mkdir(exist_ok=True)
    text = json.dumps({"key": key, "names": sorted(names)}, indent=1)
    cache.write_text(text + "\n", encoding="utf-8")


RULES: tuple[Rule, ...] = (api_names_import,)
