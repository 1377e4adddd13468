"""Topics are linked by id only, and every such link arrives."""

from __future__ import annotations

import posixpath
import re
from collections.abc import Iterator

from macros.markdown_scan import Link, without_code_spans
from macros.problems import Problem
from macros.rules.content import Content, Rule
from macros.rules.parts import all_pages, at, known_or_guess, question_fields
from macros.suggest import did_you_mean

_SCHEME = re.compile(r"^[a-z][a-z0-9+.-]*:", re.IGNORECASE)
_TOPIC = "topic:"
_MACRO_IN_TEXT = re.compile(r"\{\{\s*\w+\s*\(")


def pages_link_topics_by_macro(content: Content) -> Iterator[Problem]:
    """A typed link to another topic breaks in the book, and when the topic moves."""
    for _, page in all_pages(content):
        for link in page.links:
            topic_id = _topic_of(content, page.file, link)
            if link.target.startswith(_TOPIC):
                topic_id = link.target.removeprefix(_TOPIC).split("#")[0]
            if topic_id is not None:
                yield at(
                    page,
                    link.line,
                    f"'{link.target}' links to a topic. Write {{{{ topic(\"{topic_id}\") }}}}.",
                )


def pages_name_existing_topics(content: Content) -> Iterator[Problem]:
    """The id in topic("…") is a topic, and its anchor is on that page."""
    for _, page in all_pages(content):
        for call in page.named("topic"):
            topic_id = call.text(0, "topic_id")
            if topic_id is None:
                continue
            message = _dead_end(content, topic_id, call.text(2, "anchor"))
            if message:
                yield at(page, call.line, message)


def questions_link_existing_topics(content: Content) -> Iterator[Problem]:
    """In YAML a topic is linked as topic:id or topic:id#anchor."""
    for file, field in question_fields(content):
        for link in field.prose.links():
            if link.target.startswith(_TOPIC):
                topic_id, _, anchor = link.target.removeprefix(_TOPIC).partition("#")
                message = _dead_end(content, topic_id, anchor or None)
            elif not _SCHEME.match(link.target):
                message = (
                    f"'{link.target}' arrives nowhere: the text appears on several pages. "
                    "Link a topic as [text](topic:its-id#anchor)."
                )
            else:
                continue
            if message:
                yield Problem(file.file, link.line, f"question '{field.question_id}': {message}")


def questions_call_no_macros(content: Content) -> Iterator[Problem]:
    """Text from YAML is inserted by a macro, and macros inside it would appear as typed."""
    for file, field in question_fields(content):
        for number, line in field.prose.lines:
            if _MACRO_IN_TEXT.search(without_code_spans(line)):
                yield Problem(
                    file.file,
                    number,
                    f"question '{field.question_id}': macros do not run here. "
                    "Link a topic as [text](topic:its-id).",
                )


def _dead_end(content: Content, topic_id: str, anchor: str | None) -> str | None:
    topics = {topic.id: topic for topic in content.registry.topics}
    if topic_id not in topics:
        new = content.registry.moved.get(topic_id)
        if new is not None:
            return f"topic '{topic_id}' moved. Write '{new}'."
        return f"unknown topic '{topic_id}'.{did_you_mean(topic_id, topics)}"
    bundle = content.bundles.get(topic_id)
    if anchor is None or bundle is None or bundle.page is None or not bundle.page.readable:
        return None
    if anchor in bundle.anchors:
        return None
    guess = known_or_guess(anchor, bundle.anchors)
    return f"no anchor '{anchor}' on the page of '{topic_id}'.{guess}"


def _topic_of(content: Content, file: str, link: Link) -> str | None:
    """Return the other topic that a typed address leads to."""
    target = link.target.split("#")[0].split("?")[0]
    if not target or _SCHEME.match(link.target) or target.startswith("//"):
        return None
    docs = content.project.relative(content.project.docs)
    page = posixpath.relpath(file, docs)
    resolved = posixpath.normpath(posixpath.join("/", posixpath.dirname(page), target))
    parts = resolved.lstrip("/").split("/")
    if len(parts) < 2 or parts[0] != content.project.topics.name:
        return None
    known = {topic.id for topic in content.registry.topics} | set(content.registry.moved)
    own = page.split("/")[1] if page.startswith(content.project.topics.name + "/") else None
    topic_id = parts[1].removesuffix(".md")
    return topic_id if topic_id in known and topic_id != own else None


RULES: tuple[Rule, ...] = (
    pages_link_topics_by_macro,
    pages_name_existing_topics,
    questions_link_existing_topics,
    questions_call_no_macros,
)
