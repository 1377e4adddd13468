"""The files that a reader can take away, by the names under which pages offer them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final


@dataclass(frozen=True)
class Download:
    """A file of the site; `file` is its address, where {name} is the project's name."""

    title: str
    file: str


DOWNLOADS: Final[Mapping[str, Download]] = {
    "book": Download("Book (PDF)", "downloads/{name}.pdf"),
    "cheat-sheet": Download("Interview cheat sheet (PDF)", "downloads/{name}-cheat-sheet.pdf"),
    "epub": Download("Book (EPUB)", "downloads/{name}.epub"),
    "offline": Download("Offline copy (zip)", "downloads/{name}-offline.zip"),
    "llms": Download("Index for language models", "llms.txt"),
    "llms-full": Download("All topics as one Markdown file", "llms-full.txt"),
    "data": Download("Data (JSON)", "downloads/data.json"),
    "schema": Download("Schema of the data", "downloads/data.schema.json"),
}
