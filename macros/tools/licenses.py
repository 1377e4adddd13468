"""The page licenses.html: every third-party part that is shipped, and what the build stands on."""

from __future__ import annotations

import html
import json
import re
from collections.abc import Iterator
from dataclasses import dataclass, replace
from importlib.metadata import Distribution, PackageNotFoundError, distribution
from pathlib import Path

from macros.lab.paths import manifest
from macros.problems import Problem
from macros.project import Project

THEME = "mkdocs-material"
FONTS = "overrides/assets/fonts"
OWN = ("LICENSE", "LICENSE-CONTENT")
LAB_NPM = (
    *("@codemirror/*", "@lezer/*", "@marijn/*", "crelt", "style-mod", "w3c-keyname"),
    *("pyodide", "swagger-ui-dist"),
)
NOTICE = (
    "This package comes without its license's text. It is under {license}, and unchanged but for "
    "bundling; its source is that of version {version} in its own public repository."
)


@dataclass(frozen=True)
class Part:
    """A third-party part: its license by name, and the license texts where they were found."""

    name: str
    version: str
    license: str
    texts: tuple[str, ...] = ()


def write_page(project: Project, site: Path) -> list[Problem]:
    """Write licenses.html into the site; return a problem for each shipped part without one."""
    shipped = list(shipped_parts(project))
    problems = [
        Problem("pyproject.toml", 0, f"{part.name} is shipped, but its license was not found.")
        for part in shipped
        if not part.license or not part.texts
    ]
    if not problems:
        built_with = list(locked_parts(project))
        (site / "licenses.html").write_text(_page(project, shipped, built_with), encoding="utf-8")
    return problems


def shipped_parts(project: Project) -> Iterator[Part]:
    """Yield what ends up in a reader's browser: theme, npm's run-time packages, fonts."""
    yield of_distribution(THEME)
    lock = project.root / "package-lock.json"
    if lock.is_file():
        packages = json.loads(lock.read_text(encoding="utf-8"))["packages"]
        for path, entry in packages.items():
            if path and not entry.get("dev"):
                yield _of_npm(project.root / path, entry)
    yield from lab_parts(project)
    fonts = project.root / FONTS
    if fonts.is_dir() and any(fonts.glob("*.woff2")):
        yield _of_fonts(fonts)


def lab_parts(project: Project) -> Iterator[Part]:
    """Yield what the lab consists of: packages of npm, Python itself, and its packages."""
    if not manifest(project).is_file():
        return
    modules = project.root / "node_modules"
    lock = json.loads((project.root / "package-lock.json").read_text(encoding="utf-8"))["packages"]
    for pattern in LAB_NPM:
        for folder in sorted(modules.glob(pattern)):
            entry = lock[f"node_modules/{folder.relative_to(modules).as_posix()}"]
            part = _of_npm(folder, entry)
            name = folder.relative_to(modules).as_posix()
            yield replace(part, name=name, texts=part.texts or (NOTICE.format(**entry),))
    facts = json.loads(manifest(project).read_text(encoding="utf-8"))
    python = of_distribution("typing_extensions")  # under Python's own license
    yield replace(python, name="Python", version=facts["python"])
    for name in facts["versions"]:
        yield of_distribution(name)


def locked_parts(project: Project) -> Iterator[Part]:
    """Yield every distribution of the lock file that is installed here."""
    locked = project.lock.read_text(encoding="utf-8")
    for name in re.findall(r"^([A-Za-z0-9._-]+)==", locked, re.MULTILINE):
        try:
            yield of_distribution(name)
        except PackageNotFoundError:
            continue  # locked for another platform


def of_distribution(name: str) -> Part:
    """Return an installed distribution's part; PackageNotFoundError if it is not installed."""
    found = distribution(name)
    meta = found.metadata
    classifiers = meta.get_all("Classifier") or []
    by_classifier = [one.split(" :: ")[-1] for one in classifiers if one.startswith("License ::")]
    written = _field(found, "License").strip().splitlines()
    license_name = _field(found, "License-Expression") or ", ".join(by_classifier)
    if not license_name and written and len(written[0]) <= 60:
        license_name = written[0]
    return Part(meta["Name"], found.version, license_name, tuple(_texts(found)))


def _field(found: Distribution, name: str) -> str:
    return str((found.metadata.get_all(name) or [""])[0])


def _texts(found: Distribution) -> Iterator[str]:
    for file in found.files or []:
        is_license = re.search(r"(?i)^(licen[cs]e|copying|notice)", file.name)
        if is_license and ".dist-info" in str(file):
            yield file.read_text(encoding="utf-8")


def _of_npm(folder: Path, entry: dict[str, str]) -> Part:
    found = sorted(folder.glob("[Ll][Ii][Cc][Ee][Nn][CcSs][Ee]*")) if folder.is_dir() else []
    texts = tuple(path.read_text(encoding="utf-8") for path in found if path.is_file())
    return Part(folder.name, entry.get("version", ""), str(entry.get("license", "")), texts)


def _of_fonts(folder: Path) -> Part:
    names = ", ".join(path.stem for path in sorted(folder.glob("*.woff2")))
    texts = tuple(path.read_text(encoding="utf-8") for path in sorted(folder.glob("*.txt")))
    is_ofl = all("SIL OPEN FONT LICENSE" in text.upper() for text in texts)
    return Part(f"fonts {names}", "", "OFL-1.1" if texts and is_ofl else "", texts)


def _page(project: Project, shipped: list[Part], built_with: list[Part]) -> str:
    own = "".join(_own(project.root / name) for name in OWN if (project.root / name).is_file())
    rows = "".join(
        f"<tr><td>{html.escape(part.name)}</td><td>{html.escape(part.version)}</td>"
        f"<td>{html.escape(part.license or 'see its own page')}</td></tr>"
        for part in sorted(built_with, key=lambda part: part.name.lower())
    )
    return f"""<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>Licenses</title>
<meta name="description" content="The licenses of this site and of every part it ships.">
<link rel="stylesheet" href="assets/css/plain.css">
</head>
<body>
<main>
<p><a href="./">Back to the map</a></p>
<h1>Licenses</h1>
<h2>This site</h2>
{own}
<h2>Shipped to your browser</h2>
{"".join(_shipped(part) for part in shipped)}
<h2>Used to build and to prove</h2>
<p>None of these is shipped; the versions are those of the lock file.</p>
<table>
<thead><tr><th scope="col">Package</th><th scope="col">Version</th><th scope="col">License</th></tr>
</thead>
<tbody>{rows}</tbody>
</table>
</main>
</body>
</html>
"""


def _own(path: Path) -> str:
    text = html.escape(path.read_text(encoding="utf-8").strip())
    first = text.splitlines()[0]
    return f'<details><summary>{first}</summary><pre tabindex="0">{text}</pre></details>\n'


def _shipped(part: Part) -> str:
    title = html.escape(f"{part.name} {part.version}".strip())
    text = html.escape("\n\n".join(part.texts).strip())
    return (
        f"<details><summary>{title}: {html.escape(part.license)}</summary>"
        f'<pre tabindex="0">{text}</pre></details>\n'
    )
