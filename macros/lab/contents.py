"""Which files of the standard library and of a wheel a browser needs."""

from __future__ import annotations

import re
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import Final

# Not site-packages: the runtime would read the metadata of all that lies there, at every start.
SITE: Final = "lib/packages"
# Modules that read their own source; they stay as they are.
SOURCES: Final = frozenset({f"{SITE}/anyio/__init__.py"})
_NEVER = re.compile(
    r"(^|/)(tests?|testing/suite|testing/fixtures|testing/plugin)/"
    r"|\.(pyi|typed|c|h|pxd|pyx|rst|md)$"
    r"|^[^/]+\.dist-info/(?!METADATA|entry_points\.txt)"
    r"|^(pydantic/(mypy|_internal/_git)|httpx2/_main|[^/]+/(cli|__main__))(/|\.py)"
    r"|^(sqlalchemy/(dialects/(mssql|mysql|oracle|postgresql)|cyextension)|packaging/licenses)/"
    r"|^anyio/_backends/_trio\.py$"
)
# Modules of the standard library that need a screen, a terminal, a server or another process.
_NO_USE = re.compile(
    r"^(_pyrepl|curses|ensurepip|idlelib|lib2to3|pydoc_data|site-packages|tkinter|turtledemo|venv"
    r"|xmlrpc|dbm|unittest/test|ctypes/(test|macholib)|asyncio/(windows|proactor)\w*"
    r"|antigravity|this|turtle|pydoc|cProfile|profile|pstats|imaplib|poplib|smtplib|ftplib"
    r"|mailbox|_pydatetime|_pyio|_pydecimal|plistlib|pickletools|pty|tabnanny|zipapp|modulefinder|pyclbr|wave|nturl2path|cgi\w*|webbrowser"
    r"|encodings/(big5\w*|cp(?!1252|437)\w+|euc_\w+|gb\w+|hz|iso2022\w*|iso8859_(?!1\b|15)\w+|johab"
    r"|koi8\w*|mac_\w+|ptcp154|shift_\w+|tis_620|hp_roman8|kz1048|palmos))(/|\.py|$)"
)


def of_wheel(wheel: Path) -> Iterator[tuple[str, bytes]]:
    """Yield the files of a wheel that are kept, by their path below site-packages."""
    with zipfile.ZipFile(wheel) as opened:
        for name in opened.namelist():
            if name.endswith("/") or _NEVER.search(name):
                continue
            data = opened.read(name)
            yield name, _headers(data) if name.endswith("METADATA") else data


def of_standard_library(archive: Path) -> Iterator[tuple[str, bytes]]:
    """Yield the files of the runtime's standard library that are kept."""
    with zipfile.ZipFile(archive) as opened:
        for name in opened.namelist():
            if not name.endswith("/") and not _NO_USE.match(name):
                yield name, opened.read(name)


def _headers(metadata: bytes) -> bytes:
    """Return the name and the version alone: nothing asks for more at run time."""
    lines = metadata.decode().split("\n\n", 1)[0].splitlines()
    kept = [line for line in lines if line.startswith(("Metadata-Version:", "Name:", "Version:"))]
    return ("\n".join(kept) + "\n").encode()
