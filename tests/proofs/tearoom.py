"""Small projects about tea, with plain ASGI apps: the machine knows no framework."""

from __future__ import annotations

import os
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from textwrap import dedent

from macros.project import Project

REGISTRY = """\
subject: {name: Tea, stamp: [pytest]}
levels:
  - {id: cup, title: Cup, tagline: Start, summary: The first cup.}
topics:
  - id: green-tea
    number: 1
    title: Green tea
    level: cup
    summary: Not too hot.
  - id: black-tea
    number: 2
    title: Black tea
    level: cup
    summary: Hot.
    requires: {green-tea: one leaf makes both}
"""

# Answers with what it was asked; counts its visitors; knows what its lifespan told it.
MAIN = """\
import json

from leaf import LEAF

visitors = 0


async def app(scope, receive, send):
    if scope["type"] == "lifespan":
        await receive()
        scope["state"]["kettle"] = "hot"
        await send({"type": "lifespan.startup.complete"})
        await receive()
        await send({"type": "lifespan.shutdown.complete"})
        return
    global visitors
    visitors += 1
    message = await receive()
    body = message["body"]
    while message.get("more_body"):
        message = await receive()
        body += message["body"]
    if scope["path"] == "/spill":
        raise RuntimeError("hot tea everywhere")
    headers = {name.decode(): value.decode("latin-1") for name, value in scope["headers"]}
    answer = {
        "leaf": LEAF,
        "kettle": scope["state"]["kettle"],
        "method": scope["method"],
        "path": scope["path"],
        "query": scope["query_string"].decode(),
        "headers": headers,
        "body": body.decode("latin-1"),
        "visitor": visitors,
    }
    kind = headers.get("accept", "*/*")
    content = json.dumps(answer).encode()
    if kind == "image/png":
        content = b"\\x89PNG\\xff"
    elif kind == "text/plain":
        content = "green and black".encode()
    else:
        kind = "application/json"
    start = [
        (b"content-type", kind.encode()),
        (b"location", b"/cups/%d" % visitors),
        (b"set-cookie", b"a=1"),
        (b"set-cookie", b"b=2"),
    ]
    await send({"type": "http.response.start", "status": 201, "headers": start})
    if scope["method"] != "HEAD":
        await send({"type": "http.response.body", "body": content})
    else:
        await send({"type": "http.response.body", "body": b""})
"""


@dataclass(frozen=True)
class Tearoom:
    """A mini project in a temporary folder."""

    project: Project

    def add(self, topic: str, **files: str) -> Path:
        """Write a bundle with an app; `test_main_py="…"` adds test_main.py, and so on."""
        written = {"main_py": MAIN, "leaf_py": f'LEAF = "{topic}"\n', **files}
        for key, text in written.items():
            name, _, ending = key.rpartition("_")
            self.write(topic, f"{name}.{ending}", text)
        return self.project.bundle(topic)

    def write(self, topic: str, name: str, text: str) -> Path:
        """Write one file of a bundle."""
        path = self.project.bundle(topic) / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(dedent(text), encoding="utf-8")
        return path

    def pytest(self, *arguments: str, folder: Path | None = None, **environment: str) -> Run:
        """Run pytest as a person does, in the project or in a folder of it."""
        options = ("--import-mode=importlib", "-p", "no:cacheprovider", "-q")
        clean = {name: value for name, value in os.environ.items() if name != "CI"}
        done = subprocess.run(
            [sys.executable, "-m", "pytest", *options, *arguments],
            cwd=folder or self.project.root,
            env={**clean, **environment},
            capture_output=True,
            text=True,
            check=False,
        )
        return Run(done.returncode, done.stdout + done.stderr)

    def files(self) -> set[str]:
        """Return every file below docs/, as a path from the project."""
        return {
            self.project.relative(path) for path in self.project.docs.rglob("*") if path.is_file()
        }


@dataclass(frozen=True)
class Run:
    """How a run of pytest ended, and what it printed."""

    code: int
    text: str


def open_tearoom(folder: Path) -> Tearoom:
    """Return an empty project with a registry."""
    project = Project(folder)
    project.topics.mkdir(parents=True)
    project.registry.write_text(REGISTRY, encoding="utf-8")
    (folder / "pytest.ini").write_text("[pytest]\nfilterwarnings = error\n", encoding="utf-8")
    return Tearoom(project)
