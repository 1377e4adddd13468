"""What serves the site runs with the packages of the group `site`, and none besides."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
# Everything that `make serve` loads, in a process where all that other
# groups install cannot be imported.
PROGRAM = """
import importlib, re, sys
from importlib.metadata import packages_distributions
from pathlib import Path

def normal(name):
    return re.sub(r"[-_.]+", "-", name).lower()

locked = Path("requirements/site.txt").read_text(encoding="utf-8")
site = {normal(name) for name in re.findall(r"^([A-Za-z0-9._-]+)==", locked, re.MULTILINE)}
site |= {"fastapi-knowledge-map", "pip", "setuptools"}
refused = {
    module
    for module, owners in packages_distributions().items()
    if not {normal(owner) for owner in owners} & site
}

class Refuse:
    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] in refused:
            raise ModuleNotFoundError(f"{name} is not in the group site")

sys.meta_path.insert(0, Refuse())
assert "fastapi" in refused and "pytest" in refused
for name in sys.argv[1:]:
    importlib.import_module(name)
"""
MODULES = ("macros.cli", "macros.site", "macros.tools.serve")


def test_serving_needs_no_package_of_the_proofs() -> None:
    done = subprocess.run(
        [sys.executable, "-c", PROGRAM, *MODULES],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
