"""A file of the EPUB numbers its heading levels without gaps."""

from __future__ import annotations

import zipfile
from pathlib import Path

from macros.export.epub.headings import close_gaps, without_gaps


def test_a_section_below_the_title_moves_up_to_it() -> None:
    assert without_gaps('<h1 id="a">A</h1><h3>B</h3>') == '<h1 id="a">A</h1><h2>B</h2>'


def test_levels_that_follow_each_other_stay() -> None:
    text = "<header/><h2>A</h2><h3>B</h3><h4>C</h4><h3>D</h3><hr/>"
    assert without_gaps(text) == text


def test_a_page_without_headings_stays() -> None:
    assert without_gaps("<p>words</p>") == "<p>words</p>"


def test_the_kind_of_the_file_stays_first_and_uncompressed(tmp_path: Path) -> None:
    book = tmp_path / "map.epub"
    with zipfile.ZipFile(book, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("mimetype", "application/epub+zip", zipfile.ZIP_STORED)
        archive.writestr("one.xhtml", "<h1>A</h1><h3>ä</h3>")
        archive.writestr("one.css", "h3 { color: red }")
    close_gaps(book)
    with zipfile.ZipFile(book) as archive:
        kind, page, style = archive.infolist()
        assert (kind.filename, kind.compress_type) == ("mimetype", zipfile.ZIP_STORED)
        assert page.compress_type == zipfile.ZIP_DEFLATED
        assert archive.read(page).decode() == "<h1>A</h1><h2>ä</h2>"
        assert archive.read(style) == b"h3 { color: red }"
    assert list(tmp_path.iterdir()) == [book]
