"""The browser modules of the offline copy as one classic script: files load no modules."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path
from typing import Final

from macros.project import Project
from macros.tools import node

WEB: Final = Path(__file__).parent / "web"
FOLDER: Final = "assets/js"
NAME: Final = "offline.js"
WORKER: Final = "assets/javascripts/workers/search.*.js"


def write(project: Project, copy: Path) -> None:
    """Write the script beside the modules, which the lab still needs where it is served."""
    [worker] = copy.glob(WORKER)
    node.install(project)
    settings = {
        "entry": str(WEB / "main.js"),
        "main": str(copy / FOLDER / "main.js"),
        "lab": str(WEB / "lab.js"),
        "worker": str(worker),
        "into": str(copy / FOLDER / NAME),
    }
    done = subprocess.run(
        [node.node(), str(WEB / "bundle.mjs"), json.dumps(settings)],
        cwd=project.root,
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode:
        raise node.NodeError(done.stderr)
