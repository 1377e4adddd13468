"""Runs the measure.py of every bundle that has one, and keeps its figures in the bundle."""

from __future__ import annotations

import subprocess
import sys
from datetime import UTC, datetime
from importlib import metadata
from platform import python_version

from pydantic import ValidationError

from macros.measured import FILE, SCRIPT, Measured, Printed
from macros.project import Project
from macros.registry import load


def measure(project: Project) -> list[list[object]]:
    """Return a row a figure, after writing each bundle's measured.json."""
    loaded, problems = load(project)
    if loaded is None:
        raise SystemExit("\n".join(map(str, problems)))
    versions = {name: metadata.version(name) for name in loaded.registry.subject.stamp}
    rows: list[list[object]] = [["figure", "value", "unit"]]
    for script in sorted(project.topics.glob(f"*/{SCRIPT}")):
        print(f"  {script.parent.name} …", flush=True)
        done = subprocess.run(
            [sys.executable, "-B", SCRIPT],
            cwd=script.parent,
            capture_output=True,
            text=True,
            check=False,
        )
        where = project.relative(script)
        if done.returncode:
            raise SystemExit(f"{where} failed:\n{done.stderr[-2000:]}")
        try:
            printed = Printed.model_validate_json(done.stdout)
        except ValidationError as error:
            raise SystemExit(f"{where} has to print one JSON object: {error}") from None
        kept = Measured(
            **printed.model_dump(),
            date=datetime.now(UTC).date().isoformat(),
            python=python_version(),
            versions=versions,
        )
        text = kept.model_dump_json(indent=2) + "\n"
        (script.parent / FILE).write_text(text, encoding="utf-8")
        rows += [[f"{script.parent.name}: {row.name}", row.value, kept.unit] for row in kept.rows]
    return rows
