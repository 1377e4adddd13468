"""The text that lies in the offline copy for whoever unpacks it."""

from __future__ import annotations

import textwrap
from typing import Final

from macros.export.edition import Edition

WIDTH: Final = 78
_TEXT: Final = """\
{title}
{line}
The whole site as a folder: no network is needed, and nothing is sent anywhere. \
{notice}

Edition: {stamp}
{proven}
Read
----
Open index.html in your browser, by double click. Search, progress, quizzes, filter and colors \
work.

Run the examples
----------------
A browser does not start what runs the examples from a file. Open a terminal in this folder and \
type:

    python {server}

It serves the folder to this computer only, needs nothing but Python 3.8 or newer, and opens your \
browser. Ctrl+C ends it. "python {server} --help" lists what it can be told. Progress that you \
mark is kept by your browser, apart for the files and for the served address; the page "About" \
exports and imports it.

Licenses
--------
Those of the content, of the code and of every part in here are in licenses.html.
"""


def text(edition: Edition, server: str) -> str:
    """Return the text of README.txt; `server` is the name of the copy's own server."""
    title = f"{edition.title}: offline copy"
    proven = ", ".join(f"{name} {version}" for name, version in edition.proven)
    filled = _TEXT.format(
        title=title,
        line="=" * len(title),
        notice=edition.notice,
        stamp=edition.stamp,
        proven=f"Proven on: {proven}\n" if proven else "",
        server=server,
    )
    return "\n".join(textwrap.fill(line, WIDTH) for line in filled.split("\n"))
