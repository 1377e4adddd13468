"""The page that lists the files, and the links on the topics' pages."""

from __future__ import annotations

import posixpath
import re

import pytest
from lxml import html

from macros.downloads import DOWNLOADS
from macros.export.job import Job


@pytest.fixture(scope="module")
def listing(job: Job) -> html.HtmlElement:
    return html.document_fromstring((job.downloads / "index.html").read_bytes())


def test_every_file_is_listed_with_what_it_is_for(listing: html.HtmlElement) -> None:
    rows = listing.xpath("//li[@class='km-download']")
    assert {row.get("data-download") for row in rows} == set(DOWNLOADS)
    for row in rows:
        title, purpose, _ = row.iterchildren("p")
        assert title.text_content()
        assert len(purpose.text_content()) > 20


def test_every_file_is_linked_with_its_size_and_the_date(
    job: Job, listing: html.HtmlElement
) -> None:
    for row in listing.xpath("//li[@class='km-download']"):
        [href] = row.xpath(".//a/@href")
        file = job.site / posixpath.normpath(posixpath.join("downloads", href))
        assert file.is_file()
        assert re.search(r", [\d.]+ (KB|MB), edition ", row.text_content())
        assert row.xpath(".//time/@datetime") == [job.edition.date.isoformat()]


def test_every_topic_leads_to_its_markdown_and_its_zip(job: Job) -> None:
    for topic in job.loaded.registry.topics:
        page = job.site / "topics" / topic.id / "index.html"
        if topic.planned:
            continue
        tree = html.document_fromstring(page.read_bytes())
        [markdown] = tree.xpath("//head/link[@rel='alternate'][@type='text/markdown']/@href")
        assert (page.parent / markdown).is_file()
        [link] = tree.xpath("//ul[@class='km-source']/li[@class='km-zip']/a")
        assert (page.parent / link.get("href")).resolve().is_file()
        assert re.fullmatch(r", \d+ KB", link.tail)
