"""Write requirements/*.txt: every package with its hashes, and no registry's address."""

from __future__ import annotations

import subprocess
import sys

from macros.project import Project
from macros.tools.environment import GROUPS, OLDEST

COMMON = (
    "--universal",
    f"--python-version={'.'.join(map(str, OLDEST))}",
    "--generate-hashes",
    "--no-header",
    "--no-annotate",
    "--no-emit-index-url",
    "--quiet",
)


def lock(project: Project) -> int:
    """Resolve the widest group first, the others within it; return uv's exit code."""
    widest: str | None = None
    for group in reversed(GROUPS):
        output = f"requirements/{group}.txt"
        within = [f"--constraints={widest}"] if widest else []
        command = [
            sys.executable,
            "-m",
            "uv",
            "pip",
            "compile",
            "pyproject.toml",
            f"--group={group}",
            *COMMON,
            *within,
        ]
        done = subprocess.run([*command, f"--output-file={output}"], cwd=project.root, check=False)
        if done.returncode:
            return done.returncode
        print(f"wrote {output}")
        widest = widest or output
    return 0
