"""Writes a Markdown twin of every topic, and llms.txt and llms-full.txt, which lead to them."""

from __future__ import annotations

import posixpath
import re
from collections.abc import Iterator

import yaml

from macros.export import pandoc, twin_source
from macros.export.chapters import Chapter
from macros.export.data import DATA, SCHEMA, TWIN
from macros.export.job import DOWNLOADS, Job
from macros.export.published import absolute
from macros.export.steps import Step
from macros.model import Level

INDEX = "llms.txt"
FULL = "llms-full.txt"
OPTIONS = (
    # Boxes and marks are for looks; what they mean was written down before.
    "--from=html-native_divs-native_spans",
    "--to=gfm",
    "--wrap=none",
    "--markdown-headings=atx",
)
_LINK = re.compile(
    rf"(?<=\]\()(?P<kind>{twin_source.TOPIC}|{twin_source.PAGE})(?P<target>[^)\s]*)(?=\))"
)


def write(job: Job, step: Step) -> None:
    """Write all of them into the site."""
    by_id = {chapter.id: chapter for chapter in job.chapters}
    topics = [chapter for chapter in job.chapters if chapter.kind == "topic"]
    step.of(len(topics))
    made = pandoc.convert(
        (twin_source.source(chapter, by_id) for chapter in topics), OPTIONS, step.advance
    )
    texts = dict(zip((chapter.id for chapter in topics), made, strict=True))
    for chapter in topics:
        text = front_matter(job, chapter) + placed(texts[chapter.id], chapter.address)
        (job.site / chapter.address / TWIN).write_text(text, encoding="utf-8", newline="\n")
    index = llms(job)
    (job.site / INDEX).write_text(index, encoding="utf-8", newline="\n")
    full = [_head(job), *(_in_full(chapter, texts[chapter.id]) for chapter in topics)]
    (job.site / FULL).write_text("\n".join(full), encoding="utf-8", newline="\n")


def front_matter(job: Job, chapter: Chapter) -> str:
    """Return what a twin says of itself before it begins."""
    about = {
        "title": chapter.title,
        "number": chapter.number,
        "level": chapter.level,
        "address": absolute(chapter.address),
        "edition": job.edition.stamp,
    }
    return f"---\n{yaml.safe_dump(about, sort_keys=False, allow_unicode=True, width=1000)}---\n\n"


def placed(markdown: str, folder: str) -> str:
    """Return the Markdown with its links as seen from a folder of the site, "" for its root."""

    def link(found: re.Match[str]) -> str:
        target = found["target"]
        if found["kind"] == twin_source.TOPIC:
            return _from(folder, f"topics/{target}/{TWIN}")
        path, hash_sign, anchor = target.partition("#")
        return f"{_from(folder, path)}{hash_sign}{anchor}"

    return _LINK.sub(link, markdown)


def llms(job: Job) -> str:
    """Return llms.txt: every topic by level, in the form that llmstxt.org describes."""
    parts = [_head(job)]
    for level in job.loaded.registry.levels:
        rows = list(_rows(job, level))
        if rows:
            parts.append("\n".join([f"## {level.title}", "", *rows, ""]))
    more = (
        ("Everything in one file", FULL, "all topics as Markdown, one after the other"),
        ("Data", f"{DOWNLOADS}/{DATA}", "registry, questions, proofs and recorded answers as JSON"),
        ("Schema of the data", f"{DOWNLOADS}/{SCHEMA}", "what each of its fields means"),
        ("Downloads", f"{DOWNLOADS}/", "book, EPUB, offline copy, and each example as a zip"),
    )
    rows = [f"- [{title}]({absolute(address)}): {what}" for title, address, what in more]
    return "\n".join([*parts, "## Optional", "", *rows, ""])


def _head(job: Job) -> str:
    proven = ", ".join(f"{name} {version}" for name, version in job.edition.proven)
    return (
        f"# {job.edition.title}\n\n"
        f"> {job.edition.description}\n\n"
        f"Edition {job.edition.stamp}{f', proven on {proven}' if proven else ''}. The code in each "
        "topic is run by tests, its answers and outputs are recorded, and each gotcha stands with "
        "the test that shows it.\n"
    )


def _rows(job: Job, level: Level) -> Iterator[str]:
    written = {chapter.id for chapter in job.chapters if chapter.kind == "topic"}
    for topic in job.loaded.registry.topics:
        if topic.level == level.id and topic.id in written:
            address = absolute(f"topics/{topic.id}/{TWIN}")
            yield f"- [{topic.title}]({address}): {topic.summary}"


def _in_full(chapter: Chapter, markdown: str) -> str:
    """Return a topic within the file of all, its address below its title."""
    title, _, rest = placed(markdown, "").partition("\n")
    return f"{title}\n\nSource: {absolute(chapter.address)}\n{rest}"


def _from(folder: str, address: str) -> str:
    if not folder:
        return address
    path = posixpath.relpath(address or ".", folder)
    return f"{path}/" if address.endswith("/") or not address else path
