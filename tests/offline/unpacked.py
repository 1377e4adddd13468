"""The offline copy as a reader has it: unpacked from the zip, as files or served."""

from __future__ import annotations

import contextlib
import re
import subprocess
import sys
import zipfile
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlsplit
from urllib.request import url2pathname

from macros.export.job import DOWNLOADS
from macros.project import Project


def unpack(project: Project, into: Path) -> Path:
    """Unpack the zip of the built site; return the copy's folder."""
    with zipfile.ZipFile(zip_of(project)) as archive:
        archive.extractall(into)
    [copy] = into.iterdir()
    return copy


def zip_of(project: Project) -> Path:
    """Return the zip of the built site."""
    zips = sorted((project.site / DOWNLOADS).glob("*-offline.zip"))
    assert zips, "Run `make export` first."
    return zips[0]


def address_of(root: str, path: str) -> str:
    """Return the address of a page below the root; files have names and no default page."""
    if not root.startswith("file:"):
        return root + path
    [(name, rest)] = re.findall(r"^([^?#]*)(.*)$", path)
    folder = Path(url2pathname(urlsplit(root).path))
    if not name or (folder / name / "index.html").is_file():
        return f"{root}{name}index.html{rest}"
    return f"{root}{name.removesuffix('/')}{'.html' * name.endswith('/')}{rest}"


@contextlib.contextmanager
def serving_copy(copy: Path, *options: str) -> Iterator[str]:
    """Start the copy's own server on a free port; yield the address that it prints."""
    command = [sys.executable, str(copy / "serve.py"), "--no-open", "--port", "0", *options]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as server:
        assert server.stdout is not None
        try:
            said = server.stdout.readline()
            found = re.search(r"http://127\.0\.0\.1:\d+/", said)
            assert found, said
            yield found[0]
        finally:
            server.terminate()
