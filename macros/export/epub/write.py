"""Makes the EPUB from the chapters."""

from __future__ import annotations

import os
import subprocess
import uuid
from pathlib import Path

import pypandoc
import typst

from macros.export.book import source as book
from macros.export.book.typesetting import fonts
from macros.export.epub import headings
from macros.export.epub.source import document
from macros.export.job import ExportError, Job
from macros.export.steps import Step

HERE = Path(__file__).parent
COVER = "epub-cover"
ACCESSIBLE = (
    "Headings, lists and tables are marked up as what they are, code is text that wraps, and every "
    "picture has a description. Colors have enough contrast, and nothing is said by color alone."
)


def write(job: Job, step: Step) -> None:
    """Write `downloads/<name>.epub`, with the cover of the book."""
    step.of(2)
    cover = _cover(job)
    step.advance()
    edition = job.edition
    text = job.work / "epub.html"
    text.write_text(document(edition.title, job.chapters), encoding="utf-8")
    name = uuid.uuid5(uuid.NAMESPACE_URL, f"{edition.name}:{edition.stamp}")
    metadata = {
        "title": edition.title,
        "subtitle": edition.description,
        "lang": "en",
        "identifier": f"urn:uuid:{name}",
        "date": edition.date.isoformat(),
        "rights": edition.notice,
        "description": f"Edition {edition.stamp}. {edition.description}",
        "accessModeSufficient": "textual",
        "accessibilitySummary": ACCESSIBLE,
    }
    target = job.downloads / f"{edition.name}.epub"
    command = [
        pypandoc.get_pandoc_path(),
        "--from=html",
        "--to=epub3",
        "--split-level=2",
        "--toc-depth=2",
        f"--css={HERE / 'book.css'}",
        f"--epub-cover-image={cover}",
        f"--syntax-highlighting={HERE / 'code.theme'}",
        *(f"--metadata={key}={value}" for key, value in metadata.items()),
        f"--output={target}",
        str(text),
    ]
    environment = {**os.environ, "SOURCE_DATE_EPOCH": str(int(edition.time.timestamp()))}
    ended = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    if ended.returncode or ended.stderr.strip():
        raise ExportError(f"pandoc could not make the EPUB: {ended.stderr.strip()[:600]}")
    headings.close_gaps(target)
    step.advance()


def _cover(job: Job) -> Path:
    """Return a picture of the book's cover."""
    text = job.work / f"{COVER}.typ"
    text.write_text(book.document(job, (), front=("#cover",)), encoding="utf-8")
    made = typst.compile(
        text, root=job.work, font_paths=[fonts()], ignore_system_fonts=True, format="png", ppi=110
    )
    picture = job.work / f"{COVER}.png"
    picture.write_bytes(made if isinstance(made, bytes) else made[0])
    return picture
