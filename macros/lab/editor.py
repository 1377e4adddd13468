"""Bundles the lab's editor and copies the API browser: third-party code, from npm, for a page."""

from __future__ import annotations

import json
import shutil
import subprocess
from pathlib import Path
from typing import Final

from macros.project import Project
from macros.tools import node

SOURCE: Final = "macros/lab/editor.mjs"
EDITOR: Final = "editor.js"
API_BROWSER: Final = ("swagger-ui-bundle.js", "swagger-ui.css")
FRAME: Final = ("docs.htm", "docs.js", "docs.css")  # in macros/lab/web
# Its module, for the command is a binary or a script, depending on how it was installed.
_BUNDLE: Final = 'import("esbuild").then(({ buildSync }) => buildSync(JSON.parse(process.argv[1])))'


def inputs(project: Project) -> list[Path]:
    """Return the files that what is built here depends on."""
    return [
        project.root / SOURCE,
        *(Path(__file__).parent / "web" / name for name in FRAME),
        project.root / "package-lock.json",
    ]


def build(project: Project, into: Path) -> list[str]:
    """Write the editor and the API browser into a folder; return the names of the files."""
    node.install(project)
    into.mkdir(parents=True, exist_ok=True)
    options = {
        "entryPoints": [SOURCE],
        "outfile": str(into / EDITOR),
        "bundle": True,
        "minify": True,
        "format": "esm",
        "target": "es2022",
        "charset": "utf8",
        "legalComments": "none",  # licenses.html names them
        "logLevel": "error",
    }
    done = subprocess.run(
        [node.node(), "--eval", _BUNDLE, json.dumps(options)],
        cwd=project.root,
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode:
        raise node.NodeError(f"esbuild failed:\n{done.stderr}")
    package = project.root / "node_modules" / "swagger-ui-dist"
    for name in API_BROWSER:
        shutil.copyfile(package / name, into / name)
    for name in FRAME:
        shutil.copyfile(Path(__file__).parent / "web" / name, into / name)
    return [EDITOR, *API_BROWSER, *FRAME]
