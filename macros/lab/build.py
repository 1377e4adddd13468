"""Builds the lab into `overrides/assets/lab/`: once for each state of what it is made of."""

from __future__ import annotations

import hashlib
import json
import shutil
import subprocess
import tempfile
import zipfile
from collections.abc import Callable, Iterator, Mapping
from dataclasses import asdict
from io import BytesIO
from pathlib import Path
from typing import Any, Final

from macros.lab import archive, contents, editor, frame, own, wheels
from macros.lab.extras import split
from macros.lab.paths import built_lab, manifest
from macros.lab.wheels import LabError
from macros.project import Project
from macros.registry import load
from macros.tools import node

HERE: Final = Path(__file__).parent


def build(project: Project, say: Callable[[str], object]) -> bool:
    """Build the lab unless it is there already; return whether there was anything to do."""
    key = _key(project)
    if _built_key(project) == key:
        return False
    node.install(project)
    into = built_lab(project)
    with tempfile.TemporaryDirectory(prefix="lab-") as folder:
        made = Path(folder) / "lab"
        made.mkdir()
        facts = _Build(project, made, say).run()
        facts["build"] = key
        editor.build(project, made)
        frame.write(made)
        (made / "manifest.json").write_text(json.dumps(facts, indent=1) + "\n", encoding="utf-8")
        shutil.rmtree(into, ignore_errors=True)
        shutil.copytree(made, into)
    later = sum(each["bytes"] for each in facts["parts"].values()) - facts["bytes"]
    say(f"  {facts['bytes'] / 1e6:.2f} MB compressed, {later / 1e6:.2f} MB more where needed")
    return True


class _Build:
    """One build: each step writes what it made and says so."""

    def __init__(self, project: Project, into: Path, say: Callable[[str], object]) -> None:
        self.project = project
        self.into = into
        self.say = say
        self.runtime = project.root / "node_modules" / "pyodide"

    def run(self) -> dict[str, Any]:
        """Return what the manifest says, but for the key of the build."""
        loaded, problems = load(self.project)
        if loaded is None:
            raise LabError(str(problems[0]))
        blocks = wheels.locked(self.project.lock, loaded.registry.subject.lab)
        found = wheels.download(blocks, self.project.root / ".cache" / "wheels")
        if missing := list(wheels.unmet(found)):
            raise LabError("\n".join(missing))
        self.say(f"  {len(found)} wheels")
        files, libraries = self._compiled(found)
        self.say(f"  {len(files)} files compiled")
        files, extras = split(files, found, loaded.registry.subject.stamp)
        runtime = (self.runtime / "pyodide.asm.wasm").read_bytes()
        engine = bundle(self.project, "worker.js")
        parts = {"runtime": {"kind": "runtime", **self._write("runtime.wasm", runtime)}}
        for number, (path, data) in enumerate(sorted(libraries.items())):
            part = self._write(f"library{number}.wasm", data)
            parts[f"library{number}"] = {"kind": "library", "path": path, **part}
        parts["archive"] = {"kind": "archive", **self._write("python", archive.pack(files))}
        parts["engine"] = {"kind": "engine", **self._write("engine.js", engine)}
        at_first = sum(part["bytes"] for part in parts.values())
        for name, extra in extras.items():
            part = self._write(name, archive.pack(extra.files))
            parts[name] = {"kind": "extra", "modules": sorted(extra.modules), **part}
        return {
            "bytes": at_first,
            "versions": wheels.versions(blocks),
            "python": wheels.ENVIRONMENT["python_full_version"],
            "preload": preload(self.project, [t.id for t in loaded.registry.topics], files),
            "parts": parts,
        }

    def _write(self, name: str, data: bytes) -> dict[str, Any]:
        return asdict(archive.write(self.into, name, data))

    def _compiled(self, found: list[Path]) -> tuple[dict[str, bytes], dict[str, bytes]]:
        """Return the files of the archive and the libraries, by their paths in the browser."""
        site, standard = contents.SITE, "lib/python314.zip"
        sources = {f"{standard}/{name}": data for name, data in self._standard()}
        for wheel in found:
            sources |= {f"{site}/{name}": data for name, data in contents.of_wheel(wheel)}
        sources |= {f"{site}/{name}": data for name, data in own.files(self.project, found)}
        libraries = {name: data for name, data in sources.items() if name.endswith(".so")}
        as_they_are = libraries.keys() | contents.SOURCES
        compiled = self._compile({k: v for k, v in sources.items() if k not in as_they_are})
        compiled |= {name: sources[name] for name in contents.SOURCES}
        # A library is linked under its path, and Python looks whether there is such a file.
        files = dict.fromkeys(libraries, b"")
        inside = {}
        for name, data in sorted(compiled.items()):
            if name.startswith(f"{standard}/"):
                inside[name.removeprefix(f"{standard}/")] = data
            else:
                files[name] = data
        files["lib/lab/pytest.toml"] = own.pytest_settings(self.project)
        return {standard: _stored(inside), **files}, libraries

    def _standard(self) -> Iterator[tuple[str, bytes]]:
        return contents.of_standard_library(self.runtime / "python_stdlib.zip")

    def _compile(self, sources: Mapping[str, bytes]) -> dict[str, bytes]:
        with tempfile.TemporaryDirectory(prefix="lab-sources-") as folder:
            root = Path(folder)
            for name, data in sources.items():
                path = root / name
                path.parent.mkdir(parents=True, exist_ok=True)
                path.write_bytes(data)
            run_node(self.project, "compile.mjs", self.runtime, root, HERE / "bytecode.py")
            return {
                path.relative_to(root).as_posix(): path.read_bytes()
                for path in sorted(root.rglob("*"))
                if path.is_file()
            }


def preload(project: Project, ids: list[str], files: Mapping[str, bytes]) -> list[str]:
    """Return the modules that a snapshot holds: the driver, and what many topics import."""
    from macros.bundle import read_bundle

    counts: dict[str, int] = {}
    bundles = [read_bundle(project, each) for each in ids if project.bundle(each).is_dir()]
    for bundle_ in bundles:
        for name in bundle_.imports():
            counts[name] = counts.get(name, 0) + 1
    often = [name for name, count in sorted(counts.items()) if count * 4 >= len(bundles)]
    there = [
        name for name in often if f"{contents.SITE}/{name.replace('.', '/')}/__init__.pyc" in files
    ]
    return ["lab.server", *there]


def bundle(project: Project, entry: str) -> bytes:
    """Return a module of `web/` with all that it imports, as one file."""
    with tempfile.TemporaryDirectory(prefix="lab-bundle-") as folder:
        options = {
            "entryPoints": [str(HERE / "web" / entry)],
            "outfile": str(Path(folder) / entry),
            "bundle": True,
            "minify": True,
            # A classic script: Chromium starts no module worker in a sandbox of opaque origin.
            "format": "iife",
            "define": {"import.meta.url": '"https://lab.invalid/engine.js"'},
            "target": "es2022",
            "charset": "utf8",
            "external": ["node:*", "ws"],
            "legalComments": "none",
            "logLevel": "error",
            "nodePaths": [str(project.root / "node_modules")],
        }
        script = 'import("esbuild").then(({ buildSync }) => buildSync(JSON.parse(process.argv[1])))'
        command = [node.node(), "--eval", script, json.dumps(options)]
        _run(project, command)
        return (Path(folder) / entry).read_bytes()


def run_node(project: Project, script: str, *arguments: Path | str) -> str:
    """Run a script of this folder under Node; return what it printed, LabError if it failed."""
    return _run(project, [node.node(), str(HERE / script), *map(str, arguments)])


def _run(project: Project, command: list[str]) -> str:
    done = subprocess.run(command, cwd=project.root, capture_output=True, text=True, check=False)
    if done.returncode:
        # Node shows the line that failed, and a minified file has only one.
        said = "\n".join(line[:300] for line in done.stderr.splitlines() if line.strip())
        raise LabError(f"{Path(command[1]).name} failed:\n{said[-3000:]}")
    return done.stdout


def _stored(files: Mapping[str, bytes]) -> bytes:
    """Return a zip file without compression: the archive around it is compressed as a whole."""
    out = BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_STORED) as opened:
        for name, data in files.items():
            opened.writestr(zipfile.ZipInfo(name), data)
    return out.getvalue()


def _key(project: Project) -> str:
    """Return a hash of everything that the lab is made of."""
    digest = hashlib.sha256()
    sources = [path for path in sorted(HERE.rglob("*")) if path.suffix in {".py", ".js", ".mjs"}]
    more = [
        project.lock,
        project.root / "pyproject.toml",
        *editor.inputs(project),
        *(project.root / name for name in own.SHARED),
    ]
    loaded, _ = load(project)
    for path in [*sources, *more]:
        digest.update(path.name.encode() + b"\0" + path.read_bytes())
    digest.update(repr(loaded.registry.subject.lab if loaded else "").encode())
    return digest.hexdigest()


def _built_key(project: Project) -> str | None:
    path = manifest(project)
    if not path.is_file():
        return None
    return str(json.loads(path.read_text(encoding="utf-8")).get("build"))
