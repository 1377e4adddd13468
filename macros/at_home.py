"""How a topic's smallest app is installed, started and asked on the reader's own machine."""

from __future__ import annotations

from collections.abc import Iterable

from macros import locked
from macros.bundle import Bundle
from macros.bundle_model import REQUESTS
from macros.problems import Problem
from macros.project import Project
from macros.proofs import curl, http_dialect

SERVER = "uvicorn"


def requirements(project: Project, bundle: Bundle, modules: Iterable[str]) -> list[str]:
    """Return what to install, pinned: these modules, what the bundle needs, and the server."""
    return locked.requirements(project, modules, (*bundle.settings.needs, SERVER))


def start(bundle: Bundle) -> str:
    """Return the command that starts the app."""
    module = bundle.main.removesuffix(".py").replace("/", ".")
    return f"python -m {SERVER} {module}:app"


def asking(bundle: Bundle) -> tuple[list[str], list[Problem]]:
    """Return the commands that send the bundle's requests, and what is wrong with its file."""
    if bundle.requests_text is None:
        return [], []
    requests, problems = http_dialect.parse(bundle.requests_text, bundle.path(REQUESTS))
    return [curl.as_curl(request, requests) for request in requests], problems
