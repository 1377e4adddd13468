"""How a topic is named and linked wherever it appears; a planned one is never a link."""

from __future__ import annotations

import re

from macros.model import Topic
from macros.render.markup import attributes, escape, inline
from macros.render.view import View

TOPIC_LINK = re.compile(r"\[(?P<text>[^\]\n]*)\]\(topic:(?P<id>[\w-]+)(?:#(?P<anchor>[\w:.-]+))?\)")
PLANNED_MARK = '<small class="km-planned-mark">planned</small>'


def topic(view: View, topic_id: str, text: str | None = None, anchor: str | None = None) -> str:
    """Return a Markdown link to a topic, for use inside a sentence."""
    found = view.find_topic(topic_id)
    words = text or found.title
    if found.planned:
        return planned(found, inline(words))
    address = view.links.markdown(view.source(found), anchor)
    return f"[{words}]({address}){{ .km-topic data-level={found.level} }}"


def link(view: View, found: Topic, html: str | None = None, anchor: str | None = None) -> str:
    """Return a topic as raw HTML: a link, or text with a mark while it is planned."""
    inside = html if html is not None else inline(found.title)
    if found.planned:
        return planned(found, inside)
    return f'<a href="{escape(view.href(found, anchor))}">{inside}</a>'


def planned(found: Topic, html: str) -> str:
    """Return the words for a topic that has no page yet, marked as planned."""
    level = attributes({"class": "km-planned", "data-level": found.level})
    return f"<span{level}>{html} {PLANNED_MARK}</span>"


def numbered(found: Topic) -> str:
    """Return a topic's number and title as HTML."""
    return f'<span class="km-number">#{found.number}</span> {inline(found.title)}'


def resolve(view: View, markdown: str) -> str:
    """Return Markdown from YAML with its `topic:` links pointing from this page."""

    def replace(match: re.Match[str]) -> str:
        return topic(view, match["id"], match["text"] or None, match["anchor"])

    return TOPIC_LINK.sub(replace, markdown)


def duration(minutes: int) -> str:
    """Return a length of time in words."""
    hours, rest = divmod(minutes, 60)
    parts = [f"{hours} h"] if hours else []
    if rest or not hours:
        parts.append(f"{rest} min")
    return " ".join(parts)
