"""The interview on two pages: the questions people are asked first, and what has to be heard."""

from __future__ import annotations

import copy
from collections.abc import Iterable
from itertools import chain, zip_longest
from pathlib import Path

import pikepdf
from lxml import html

from macros.export import pandoc
from macros.export.book import source
from macros.export.book.typesetting import typeset
from macros.export.chapters import Chapter
from macros.export.job import ExportError, Job
from macros.export.references import JOINT
from macros.export.steps import Step
from macros.questions import interview_files

ID = "cheat-sheet"
TITLE = "Interview cheat sheet"
Questions = list[tuple[str, html.HtmlElement]]  # each with the chapter it stands in

QUICK = "interview"  # the chapter with the questions that come first
PAGES = 2
SIZES = (8.8, 8.4, 8.0, 7.6)  # points: smaller is not read on paper


def write(job: Job, step: Step) -> None:
    """Write `downloads/<name>-cheat-sheet.pdf`, and the same text for the book to take up.

    As many questions as fit: the quick ones, then one of each must-know topic, a second of each,
    and so on.
    """
    ordered = _questions(job)
    target = job.downloads / f"{job.edition.name}-cheat-sheet.pdf"
    step.of(len(SIZES) + len(ordered).bit_length())
    for size in SIZES:
        step.advance()
        if _set(job, ordered, size, target) <= PAGES:
            break
    else:
        ordered = _shortened(job, ordered, step)
        _set(job, ordered, size, target)
    chosen(job).write_text(_typst(job, ordered, size), encoding="utf-8")


def _shortened(job: Job, ordered: Questions, step: Step) -> Questions:
    """Return as many of the first questions as fit in the smallest size."""
    fits, too_many = 0, len(ordered)
    while too_many - fits > 1:
        count = (fits + too_many) // 2
        if _set(job, ordered[:count], SIZES[-1], job.work / f"{ID}-try.pdf") <= PAGES:
            fits = count
        else:
            too_many = count
        step.advance()
    if not fits:
        raise ExportError(f"not one question fits on {PAGES} pages")
    return ordered[:fits]


def chosen(job: Job) -> Path:
    """Return the file of the sheet's text, which the book takes up."""
    return job.work / f"{ID}-part.typ"


def _questions(job: Job) -> Questions:
    """Return questions with the chapters they stand in, the most asked first."""
    by_id = {chapter.id: chapter for chapter in job.chapters}
    must = [topic.id for topic in job.loaded.registry.topics if topic.must_know]
    quick = {
        f"{QUICK}{JOINT}q-{question.id}"
        for file in interview_files(job.project)
        for question in file.questions.interview
        if question.quick
    }
    first = [(QUICK, each) for each in _of(by_id.get(QUICK)) if each.get("id") in quick]
    turns = zip_longest(*([(topic, each) for each in _of(by_id.get(topic))] for topic in must))
    return [*first, *(found for found in chain.from_iterable(turns) if found)]


def _of(chapter: Chapter | None) -> list[html.HtmlElement]:
    if chapter is None or chapter.body is None:
        return []
    return list(chapter.body.xpath(".//div[@class='question']"))


def _set(job: Job, questions: Questions, size: float, into: Path) -> int:
    """Set the sheet on its own; return how many pages it takes."""
    text = job.work / f"{ID}.typ"
    # On its own there is nothing to refer to.
    alone = "#let reference(id, body) = body"
    text.write_text(source.document(job, (alone, _typst(job, questions, size)), front=()), "utf-8")
    typeset(text, into)
    with pikepdf.open(into) as pdf:
        return len(pdf.pages)


def _typst(job: Job, questions: Questions, size: float) -> str:
    made = pandoc.run("\n".join(_html(job, questions)), source.OPTIONS)
    return f"#sheet({size}pt)[\n{made}\n]"


def _html(job: Job, questions: Questions) -> Iterable[str]:
    yield f'<h1 id="{ID}">{TITLE}</h1>'
    for chapter in sorted(job.chapters, key=lambda chapter: chapter.id != QUICK):
        own = [question for place, question in questions if place == chapter.id]
        if own:
            number = f"{chapter.number} " if chapter.number is not None else ""
            title = chapter.title if chapter.id != QUICK else "First of all"
            yield f'<h2 id="{ID}--{chapter.id}">{number}{title}</h2>'
        for question in own:
            yield from _lines(question)


def _lines(question: html.HtmlElement) -> Iterable[str]:
    """Yield a question, linked to its answer, and what to listen for."""
    ask = copy.deepcopy(question.xpath(".//div[@class='ask']/p")[0])
    for mark in ask.xpath(".//span[@class='seniority']"):
        mark.drop_tree()
    ask.tag = "a"
    ask.set("href", f"#{question.get('id')}")
    link = html.tostring(ask, encoding="unicode", with_tail=False)
    yield f'<div class="sheet-ask"><p>{link}</p></div>'
    listen = copy.deepcopy(question.xpath(".//div[@class='listen']")[0])
    listen.set("class", "sheet-listen")
    for part in listen.xpath("./div[@class='part']"):
        part.drop_tree()
    yield html.tostring(listen, encoding="unicode", with_tail=False)
