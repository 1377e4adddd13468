"""Lists of topics: the index in three orders, a level's topics, a path's steps."""

from __future__ import annotations

from collections.abc import Iterable

from macros.model import LearningPath, Level, Topic
from macros.render.home import extent
from macros.render.markup import attributes, inline
from macros.render.topic_links import duration, link
from macros.render.view import ContentError, View

_FILTER = """\
<div class="km-filter" data-filter-for="topics" hidden>
<label for="km-filter-input">Filter the topics</label>
<input id="km-filter-input" type="search" autocomplete="off">
<output class="km-filter-count" for="km-filter-input"></output>
</div>"""


def topic_filter(view: View) -> str:
    """Return the field that filters the index; it is shown by the script that serves it."""
    return _FILTER


def topic_index(view: View, by: str = "number") -> str:
    """Return all topics in one list, or in groups: by "number", "level" or "cluster"."""
    registry = view.registry
    if by == "number":
        rows = [_row(view, topic) for topic in sorted(registry.topics, key=lambda one: one.number)]
        return _list("ol", "km-index", rows, id="topics-by-number")
    if by == "level":
        return "\n".join(
            _group(
                view,
                inline(level.title),
                [topic for topic in registry.topics if topic.level == level.id],
                **{"data-level": level.id},
            )
            for level in registry.levels
        )
    if by == "cluster":
        return "\n".join(
            _group(
                view,
                inline(cluster.title),
                [
                    view.find_topic(topic_id)
                    for topic_id in dict.fromkeys(
                        topic_id for node in cluster.nodes for topic_id in node.topics
                    )
                ],
                **{"data-cluster": cluster.id},
            )
            for cluster in registry.clusters
        )
    raise ContentError(f"no topic index by '{by}'. Write number, level or cluster.")


def level_topics(view: View, level_id: str) -> str:
    """Return what a level is about and its topics, each with what to know first."""
    level = view.find_level(level_id)
    topics = [topic for topic in view.registry.topics if topic.level == level.id]
    rows = [_row(view, topic, _requires(view, topic)) for topic in topics]
    parts = [
        f'<p class="km-lead">{inline(level.summary)}</p>',
        f'<p class="km-card-figures">{extent(view, topics)}</p>',
        _list("ol", "km-index km-level-topics", rows),
        _neighbouring_levels(view, level),
    ]
    return "\n\n".join(parts)


def path_steps(view: View, path_id: str) -> str:
    """Return what a path is for and its steps, each with the reason for its place."""
    path = view.find_path(path_id)
    topics = [view.find_topic(topic_id) for topic_id in path.topics]
    rows = [_step(view, topic, _reasons(view, topic, path)) for topic in topics]
    facts = (
        ("Goal", inline(path.goal)),
        ("It assumes", inline(path.assumes)),
        ("At the end", inline(path.outcome)),
        ("Time", extent(view, topics)),
    )
    listed = [f"<div><dt>{term}</dt><dd>{words}</dd></div>" for term, words in facts]
    return "\n\n".join(
        [
            "\n".join(['<dl class="km-path-facts">', *listed, "</dl>"]),
            _list("ol", "km-steps", rows, **{"data-path": path.id}),
        ]
    )


def _row(view: View, topic: Topic, more: str = "", *, summary: bool = True) -> str:
    words = " ".join([topic.title, topic.summary, *topic.keywords]).lower()
    place = {
        "class": "km-row",
        "data-level": topic.level,
        "data-topic": topic.id,
        "data-filter": words,
    }
    return f"<li{attributes(place)}>{_named(view, topic, summary=summary)}{more}</li>"


def _step(view: View, topic: Topic, more: str) -> str:
    place = {"class": "km-step", "data-level": topic.level, "data-topic": topic.id}
    return (
        f"<li{attributes(place)}>{_named(view, topic)}<span data-progress-slot></span>{more}</li>"
    )


def _named(view: View, topic: Topic, *, summary: bool = True) -> str:
    minutes = view.minutes(topic)
    parts = [
        f'<span class="km-number">#{topic.number}</span> {link(view, topic)}',
        f' <span class="km-minutes">{duration(minutes)}</span>' if minutes else "",
        f' <p class="km-row-summary">{inline(topic.summary)}</p>' if summary else "",
    ]
    return "".join(parts)


def _requires(view: View, topic: Topic) -> str:
    required = [link(view, other) for other, _ in view.graph.requires(topic.id)]
    return f'<p class="km-requires">Know first: {", ".join(required)}</p>' if required else ""


def _reasons(view: View, topic: Topic, path: LearningPath) -> str:
    """Return why a step comes after others of the same path."""
    rows = [
        f"<li>After {link(view, other)}: {inline(reason)}</li>"
        for other, reason in view.graph.requires(topic.id)
        if other.id in path.topics
    ]
    return "\n".join(['<ul class="km-reasons">', *rows, "</ul>"]) if rows else ""


def _group(view: View, title: str, topics: Iterable[Topic], **place: str) -> str:
    rows = [_row(view, topic, summary=False) for topic in topics]
    return "\n".join(
        [
            f'<section class="km-group"{attributes(place)}><h3>{title}</h3>',
            _list("ul", "km-index", rows),
            "</section>",
        ]
    )


def _neighbouring_levels(view: View, level: Level) -> str:
    levels = view.registry.levels
    place = levels.index(level)
    neighbours = [
        ("prev", "Previous", levels[place - 1] if place else None),
        ("next", "Next", levels[place + 1] if place + 1 < len(levels) else None),
    ]
    rows = [
        f"<a{attributes({'rel': rel, 'data-level': other.id, 'href': _level(view, other)})}>"
        f'<span class="km-direction">{words}</span> '
        f'<span class="km-neighbour">{inline(other.title)}</span></a>'
        for rel, words, other in neighbours
        if other is not None
    ]
    head = '<nav class="km-neighbours" aria-label="Previous and next level" data-search-exclude>'
    return "\n".join([head, *rows, "</nav>"])


def _level(view: View, level: Level) -> str:
    return view.links.href(f"levels/{level.id}.md")


def _list(tag: str, css: str, rows: Iterable[str], **place: str) -> str:
    opening = attributes({"class": css, **place})
    return "\n".join([f"<{tag}{opening}>", *rows, f"</{tag}>"])
