"""Serve the site while it is written: MkDocs' own server, told to go on after mistakes."""

from __future__ import annotations

import os
import subprocess
import sys
import threading

from macros import nav
from macros.lab.paths import manifest
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
    if not manifest(project).is_file():
        print("The pages have no Run buttons yet; `make lab` builds what they need.", flush=True)
    print(f"Building; then open http://127.0.0.1:{port}/ (Ctrl+C ends)", flush=True)
    ended = threading.Event()
    threading.Thread(target=_keep_payloads, args=(project, ended), daemon=True).start()
    try:
        return subprocess.run(command, cwd=project.root, env=environment, check=False).returncode
    except KeyboardInterrupt:
        return 0
    finally:
        ended.set()


def _keep_payloads(project: Project, ended: threading.Event) -> None:
    """Write what the lab knows of the topics, and again whenever a topic changes."""
    if not manifest(project).is_file():
        return
    # It needs the packages of the proofs, which a preview without the lab does not have.
    from macros.lab import payload

    payload.write(project)
    while not ended.wait(1):
        payload.write(project)
