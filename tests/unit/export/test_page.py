"""The exports are linked from the pages, with size and date, and a second run changes nothing."""

from __future__ import annotations

import pytest

from macros.export import page
from macros.render.downloads import downloads
from macros.render.view import ContentError
from tests.unit.bakery import Bakery
from tests.unit.export.mini_job import job_of, quiet_step
from tests.unit.views import view


def test_without_exports_the_list_says_what_to_run(bakery: Bakery) -> None:
    text = downloads(view(bakery), book="For `trains`.", cheat_sheet="Two pages.")
    assert text.count("not in this build: run <code>make export</code>") == 2
    assert "<p>For <code>trains</code>.</p>" in text
    assert 'data-download="cheat-sheet"' in text


def test_an_unknown_file_is_told(bakery: Bakery) -> None:
    with pytest.raises(ContentError, match=r"no download 'bok'\. Did you mean 'book'\?"):
        downloads(view(bakery), bok="?")


def test_a_file_that_was_made_gets_a_link_with_size_and_date(bakery: Bakery) -> None:
    job = job_of(bakery)
    job.downloads.mkdir(parents=True)
    (job.downloads / "bread-map.pdf").write_bytes(b"x" * 4_249_000)
    text = page.filled(job, downloads(view(bakery), book="To read.", epub="To carry."))
    assert '<a href="bread-map.pdf" download>bread-map.pdf</a>, 4.2 MB, edition 2.0.0 of ' in text
    assert '<time datetime="1980-01-01">January 1, 1980</time>' in text
    assert text.count("make export") == 1
    assert page.filled(job, text) == text


def test_a_topic_page_leads_to_its_markdown_and_its_zip(bakery: Bakery) -> None:
    job = job_of(bakery)
    (job.downloads / "topics").mkdir(parents=True)
    (job.downloads / "topics" / "kneading.zip").write_bytes(b"x" * 700)
    (job.site / "topics" / "kneading" / "index.md").write_text("# Kneading\n", encoding="utf-8")
    html = job.site / "topics" / "kneading" / "index.html"
    page.write(job, quiet_step())
    text = html.read_text(encoding="utf-8")
    assert '<link rel="alternate" type="text/markdown" href="index.md">\n</head>' in text
    assert (
        '<li class="km-docs">Official</li>\n<li class="km-zip"><a '
        'href="../../downloads/topics/kneading.zip" download>Example as a zip</a>, 1 KB</li>\n</ul>'
    ) in text
    page.write(job, quiet_step())
    assert html.read_text(encoding="utf-8") == text


def test_a_topic_without_files_is_left_as_it_is(bakery: Bakery) -> None:
    job = job_of(bakery)
    text = (job.site / "topics" / "kneading" / "index.html").read_text(encoding="utf-8")
    assert page.completed(job, "kneading", text) == text
