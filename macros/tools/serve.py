"""Serve the site while it is written: MkDocs' own server, told to go on after mistakes."""

from __future__ import annotations

import os
import subprocess
import sys

from macros import nav
from macros.project import Project
from macros.registry import load


def serve(project: Project, port: int) -> int:
    """Serve on loopback until interrupted; return the server's exit code."""
    loaded, _ = load(project)
    if loaded is not None:
        nav.write(project, loaded.registry)
    command = [
        sys.executable,
        "-m",
        "mkdocs",
        "serve",
        "--no-strict",
        "--livereload",
        f"--dev-addr=127.0.0.1:{port}",
    ]
    environment = {**os.environ, "NO_MKDOCS_2_WARNING": "1"}
    print(f"Building; then open http://127.0.0.1:{port}/ (Ctrl+C ends)", flush=True)
    try:
        return subprocess.run(command, cwd=project.root, env=environment, check=False).returncode
    except KeyboardInterrupt:
        return 0
