"""The book, opened: its outline, its links, its words, its fonts, its margins."""

from __future__ import annotations

import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pikepdf
import pypdfium2
import pytest

from macros.export.book import cheat_sheet
from macros.export.job import Job
from tests.export.site_words import lost, words, words_of_page

A4 = (595.276, 841.89)  # points
MARGIN = 24  # points that stay empty at the right of every page


@pytest.fixture(scope="module")
def file(job: Job) -> Path:
    return job.downloads / f"{job.edition.name}.pdf"


@pytest.fixture(scope="module")
def book(file: Path) -> Iterator[pikepdf.Pdf]:
    with pikepdf.open(file) as pdf:
        yield pdf


@pytest.fixture(scope="module")
def pages(file: Path) -> list[str]:
    """The text of each page."""
    with pypdfium2.PdfDocument(file) as pdf:
        return [page.get_textpage().get_text_range() for page in pdf]


@pytest.fixture(scope="module")
def entries(book: pikepdf.Pdf) -> list[tuple[int, str, int]]:
    """The outline: depth, title, index of the page."""
    index = {page.objgen: number for number, page in enumerate(book.pages)}

    def walk(items: Any, depth: int) -> Iterator[tuple[int, str, int]]:
        for item in items:
            target = item.destination[0]
            yield depth, item.title, index[target.objgen]
            yield from walk(item.children, depth + 1)

    with book.open_outline() as outline:
        return list(walk(outline.root, 0))


def titles(job: Job) -> list[str]:
    """What the outline has to say: every heading of every chapter, in order."""
    found = []
    for chapter in job.chapters:
        assert chapter.body is not None
        for heading in chapter.body.xpath(".//h1|.//h2|.//h3"):
            text = " ".join(heading.text_content().split())
            numbered = heading.tag == "h1" and chapter.number is not None
            found.append(f"{chapter.number} {text}" if numbered else text)
    return found


def test_the_outline_has_every_heading_of_every_chapter(
    job: Job, entries: list[tuple[int, str, int]]
) -> None:
    made = [" ".join(title.replace("\u200b", "").split()) for _, title, _ in entries]
    in_order = [title for title in titles(job) if title in made]
    assert in_order == titles(job)
    sheet = made[len(titles(job)) + made.count("Contents") :]
    assert sheet[0] == cheat_sheet.TITLE


def test_the_contents_lead_to_each_chapter_and_name_its_page(
    job: Job, book: pikepdf.Pdf, entries: list[tuple[int, str, int]], pages: list[str]
) -> None:
    # From the end: the cheat sheet repeats titles of topics.
    starts = {title: page for depth, title, page in reversed(entries) if depth < 2}
    index: dict[Any, int] = {page.objgen: n for n, page in enumerate(book.pages)}
    first = min(starts.values())
    printed = " ".join(pages[:first])
    names = pikepdf.NameTree(book.Root.Names.Dests)
    linked = {
        index[names[str(link.Dest)][0].objgen]
        for page in book.pages[:first]
        for link in page.get("/Annots", [])
        if "/Dest" in link
    }
    for chapter in job.chapters:
        start = starts[f"{chapter.number} {chapter.title}" if chapter.number else chapter.title]
        assert start in linked, chapter.title
        assert chapter.title in printed
        assert re.search(rf"\b{start + 1}\b", printed)


def test_every_link_inside_the_book_leads_to_a_place_in_it(book: pikepdf.Pdf) -> None:
    names = book.Root.Names.Dests
    known = set(pikepdf.NameTree(names).keys())
    own_pages = {page.objgen for page in book.pages}
    inside = 0
    for page in book.pages:
        for link in page.get("/Annots", []):
            target = link.get("/Dest")
            if target is None:
                assert str(link.A.URI).startswith(("https://", "http://", "mailto:"))
                continue
            inside += 1
            if isinstance(target, pikepdf.Array):
                assert target[0].objgen in own_pages
            else:
                assert str(target) in known
    assert inside > len(book.pages)


def test_a_cross_reference_says_the_page_for_readers_on_paper(
    job: Job, entries: list[tuple[int, str, int]], pages: list[str]
) -> None:
    topic = next(chapter for chapter in job.chapters if chapter.kind == "topic")
    start = next(page for _, title, page in entries if title == f"{topic.number} {topic.title}")
    level = " ".join(pages[start - 1].split())
    assert f"{topic.title} p.\u00a0{start + 1}" in level.replace("p. ", "p.\u00a0")


@pytest.mark.parametrize("part", range(4))
def test_no_word_of_a_topic_is_lost(
    job: Job, entries: list[tuple[int, str, int]], pages: list[str], part: int
) -> None:
    starts = [(page, title) for depth, title, page in entries if depth < 2]
    for chapter in [one for one in job.chapters if one.kind == "topic"][part::4]:
        title = f"{chapter.number} {chapter.title}"
        first = next(page for page, own in starts if own == title)
        following = [page for page, _ in starts if page > first]
        made = words(" ".join(pages[first : following[0] if following else None]))
        page = job.site / chapter.address / "index.html"
        missing = words_of_page(page) - made
        assert lost(words_of_page(page), made) < 0.01, (chapter.id, missing.most_common(20))


def test_nothing_stands_beyond_the_margin(file: Path) -> None:
    with pypdfium2.PdfDocument(file) as pdf:
        for number, page in enumerate(pdf, 1):
            assert page.get_size() == pytest.approx(A4, abs=0.1)
            text = page.get_textpage()
            rights = [text.get_rect(i)[2] for i in range(text.count_rects())]
            assert max(rights, default=0) <= A4[0] - MARGIN, f"page {number}"


def test_all_fonts_are_embedded(book: pikepdf.Pdf) -> None:
    descriptors = [
        item
        for item in book.objects
        if isinstance(item, pikepdf.Dictionary) and item.get("/Type") == "/FontDescriptor"
    ]
    assert descriptors
    for font in descriptors:
        assert {"/FontFile", "/FontFile2", "/FontFile3"} & set(font.keys()), font.FontName


def test_the_book_is_tagged_and_names_its_language_title_and_standard(
    job: Job, book: pikepdf.Pdf
) -> None:
    assert book.Root.MarkInfo.Marked
    assert str(book.Root.Lang) == "en"
    assert book.Root.ViewerPreferences.DisplayDocTitle
    with book.open_metadata() as metadata:
        assert metadata["pdfuaid:part"] == "1"
        assert metadata["dc:title"] == job.edition.title


def test_a_checker_of_pdf_ua_finds_nothing(job: Job) -> None:
    # The sheet is set by the same template; the checker takes 11 s for the book.
    sheet = job.downloads / f"{job.edition.name}-cheat-sheet.pdf"
    command = [str(Path(sys.executable).with_name("pdfua")), "check", str(sheet)]
    said = subprocess.run(command, capture_output=True, text=True, check=False)
    assert said.returncode == 0, said.stdout


def test_every_picture_has_words(book: pikepdf.Pdf) -> None:
    figures = [
        item
        for item in book.objects
        if isinstance(item, pikepdf.Dictionary) and item.get("/S") == "/Figure"
    ]
    assert figures
    assert all(len(str(item.get("/Alt", ""))) > 20 for item in figures)


def test_the_cheat_sheet_has_two_pages_and_stands_in_the_book(job: Job, pages: list[str]) -> None:
    with pypdfium2.PdfDocument(job.downloads / f"{job.edition.name}-cheat-sheet.pdf") as pdf:
        alone = [page.get_textpage().get_text_range() for page in pdf]
    assert len(alone) == cheat_sheet.PAGES
    assert " ".join(alone).count("?") > 20
    assert lost(words(" ".join(alone)), words(" ".join(pages[-4:]))) < 0.01


def test_the_edition_stands_in_the_book(job: Job, pages: list[str]) -> None:
    assert job.edition.stamp in " ".join(pages[1].split())
