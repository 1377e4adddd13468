"""The list of files to take away; their sizes are filled in when the files are made."""

from __future__ import annotations

from macros.downloads import DOWNLOADS
from macros.render.markup import escape, inline
from macros.render.view import ContentError, View
from macros.suggest import did_you_mean

MISSING = "not in this build: run <code>make export</code>"


def downloads(view: View, **purposes: str) -> str:
    """Return a list of files, each with what it is for; a name's hyphens are underscores here."""
    rows = []
    for key, purpose in purposes.items():
        name = key.replace("_", "-")
        if name not in DOWNLOADS:
            raise ContentError(f"no download '{key}'.{did_you_mean(name, DOWNLOADS)}")
        rows.append(
            f'<li class="km-download" data-download="{escape(name)}">'
            f'<p class="km-download-title">{escape(DOWNLOADS[name].title)}</p>'
            f"<p>{inline(purpose)}</p>"
            f'<p class="km-download-file"><span data-download-size>{MISSING}</span></p></li>'
        )
    return "\n".join(['<ul class="km-downloads">', *rows, "</ul>"])
