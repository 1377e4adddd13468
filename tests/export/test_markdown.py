"""The Markdown twins of the real topics: all that the page says, and nothing but Markdown."""

from __future__ import annotations

import posixpath
import re

import pytest
import yaml

from macros.export.chapters import Chapter
from macros.export.job import Job
from tests.export.site_words import lost, words, words_of_page

FENCED = re.compile(
    r"^(?P<ticks>`{3,})[^\n`]*\n(?P<code>.*?)^(?P=ticks)$", re.DOTALL | re.MULTILINE
)
INLINE = re.compile(r"(?<!`)(`+)(?!`).+?(?<!`)\1(?!`)")
LINK = re.compile(r"\]\((?!https?:|mailto:)(?P<address>[^)\s]+)\)")
TOLERATED = 0.02


@pytest.fixture(scope="module")
def twins(job: Job) -> list[tuple[Chapter, str]]:
    """Each topic with its Markdown, front matter included."""
    return [
        (chapter, (job.site / chapter.address / "index.md").read_text(encoding="utf-8"))
        for chapter in job.chapters
        if chapter.kind == "topic"
    ]


def prose(markdown: str) -> str:
    """Return Markdown without code."""
    return INLINE.sub(" ", FENCED.sub("", markdown))


def plain(text: str) -> str:
    """Return a line as it reads: neither escapes nor marks."""
    return re.sub(r"[\s`*]+", "", re.sub(r"\\(?=[\W_])", "", text))


def test_every_written_topic_has_a_twin(job: Job, twins: list[tuple[Chapter, str]]) -> None:
    written = [topic.id for topic in job.loaded.registry.topics if not topic.planned]
    assert [chapter.id for chapter, _ in twins] == written


def test_each_begins_with_what_it_is(job: Job, twins: list[tuple[Chapter, str]]) -> None:
    for chapter, text in twins:
        _, head, body = text.split("---\n", 2)
        about = yaml.safe_load(head)
        assert about["title"] == chapter.title
        assert about["number"] == chapter.number
        assert about["address"].endswith(chapter.address)
        assert about["edition"] == job.edition.stamp
        assert plain(body.lstrip().split("\n")[0].removeprefix("# ")) == plain(chapter.title)


def test_every_heading_is_there_in_order(twins: list[tuple[Chapter, str]]) -> None:
    for chapter, text in twins:
        assert chapter.body is not None
        wanted = [plain(h.text_content()) for h in chapter.body.xpath(".//h1|.//h2|.//h3|.//h4")]
        rows = re.findall(r"^#{1,4} (.*)$", FENCED.sub("", text), re.MULTILINE)
        assert [plain(row) for row in rows] == wanted, chapter.id


def test_every_block_of_code_is_there_as_it_was(twins: list[tuple[Chapter, str]]) -> None:
    for chapter, text in twins:
        assert chapter.body is not None
        blocks = chapter.body.xpath(".//pre[not(ancestor::li)]")
        wanted = [block.text_content().rstrip("\n") for block in blocks]
        found = [match["code"].rstrip("\n") for match in FENCED.finditer(text)]
        assert found == wanted, chapter.id


def test_code_names_its_language(twins: list[tuple[Chapter, str]]) -> None:
    for chapter, text in twins:
        assert re.search(r"^``` python$", text, re.MULTILINE), chapter.id


def test_no_html_is_left(twins: list[tuple[Chapter, str]]) -> None:
    left = {
        f"{chapter.id}: {tag}"
        for chapter, text in twins
        for tag in re.findall(r"(?<!\\)</?[a-z][^>\n]*>", prose(text))
        if not tag.startswith(("<http", "<mailto"))
    }
    assert left == set()


def test_no_words_are_lost(job: Job, twins: list[tuple[Chapter, str]]) -> None:
    missing = {
        chapter.id: share
        for chapter, text in twins
        if (share := lost(words_of_page(job.site / chapter.address / "index.html"), words(text)))
        > TOLERATED
    }
    assert missing == {}


def test_every_link_leads_to_a_file_of_the_site(job: Job, twins: list[tuple[Chapter, str]]) -> None:
    texts = [(chapter.address, text) for chapter, text in twins]
    texts += [("", (job.site / name).read_text(encoding="utf-8")) for name in ("llms.txt",)]
    texts += [("", (job.site / name).read_text(encoding="utf-8")) for name in ("llms-full.txt",)]
    broken = set()
    for folder, text in texts:
        for found in LINK.finditer(prose(text)):
            path = posixpath.normpath(posixpath.join(folder, found["address"].partition("#")[0]))
            target = job.site / path
            if not (target.is_file() or (target / "index.html").is_file()):
                broken.add(f"{folder}: {found['address']}")
    assert broken == set()


def test_the_index_has_the_form_of_llmstxt(job: Job) -> None:
    lines = (job.site / "llms.txt").read_text(encoding="utf-8").splitlines()
    assert lines[0] == f"# {job.edition.title}"
    assert lines[2] == f"> {job.edition.description}"
    sections = [line.removeprefix("## ") for line in lines if line.startswith("## ")]
    levels = [level.title for level in job.loaded.registry.levels]
    assert sections == [*levels, "Optional"]
    topics = [line for line in lines if re.fullmatch(r"- \[.+\]\(\S+/index\.md\): .+", line)]
    assert len(topics) == sum(not topic.planned for topic in job.loaded.registry.topics)


def test_the_file_of_all_holds_every_topic(job: Job, twins: list[tuple[Chapter, str]]) -> None:
    text = (job.site / "llms-full.txt").read_text(encoding="utf-8")
    places = [text.index(f"/{chapter.id}/\n") for chapter, _ in twins]
    assert places == sorted(places)
    assert len(text) > 0.98 * sum(len(twin) for _, twin in twins)
