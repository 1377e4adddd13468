"""Runs pandoc, two processes at a time."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor

import pypandoc

from macros.export.job import ExportError


def convert(
    texts: Iterable[str], options: Sequence[str], done: Callable[[], None] = lambda: None
) -> list[str]:
    """Return each HTML text converted as the options say, in order; call `done` after each."""

    def one(text: str) -> str:
        made = run(text, options)
        done()
        return made

    with ThreadPoolExecutor(os.cpu_count()) as pool:
        return list(pool.map(one, texts))


def run(text: str, options: Sequence[str]) -> str:
    """Return what pandoc makes of one HTML text; a warning of pandoc's is an error too."""
    command = [pypandoc.get_pandoc_path(), "--from=html", "--fail-if-warnings", *options]
    ended = subprocess.run(command, input=text, capture_output=True, text=True, check=False)
    if ended.returncode:
        raise ExportError(f"pandoc failed: {ended.stderr.strip()[:400]}")
    return ended.stdout
