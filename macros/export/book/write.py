"""Makes the book from the chapters."""

from __future__ import annotations

from macros.export import pandoc
from macros.export.book import cheat_sheet, source
from macros.export.book.glyphs import drawable
from macros.export.book.typesetting import typeset
from macros.export.job import Job
from macros.export.steps import Step


def write(job: Job, step: Step) -> None:
    """Write `downloads/<name>.pdf`; the cheat sheet has to be there."""
    step.of(len(job.chapters) + 1)
    made = pandoc.convert(map(source.as_html, job.chapters), source.OPTIONS, step.advance)
    sheet = cheat_sheet.chosen(job).read_text(encoding="utf-8")
    text = job.work / "book.typ"
    text.write_text(drawable(source.document(job, [*made, sheet])), encoding="utf-8")
    typeset(text, job.downloads / f"{job.edition.name}.pdf")
    step.advance()
