"""The parts of the home page: levels, paths, must-know topics, and how large the map is."""

from __future__ import annotations

from collections.abc import Iterable

from macros.model import Topic
from macros.render.interview import every_question
from macros.render.markup import attributes, escape, inline, plain
from macros.render.topic_links import duration, link
from macros.render.view import View


def level_cards(view: View) -> str:
    """Return a card for each level."""
    cards = []
    for level in view.registry.levels:
        topics = [topic for topic in view.registry.topics if topic.level == level.id]
        address = escape(view.links.href(f"levels/{level.id}.md"))
        place = attributes({"class": "km-card km-level-card", "data-level": level.id})
        title = f'<a href="{address}">{inline(level.title)}</a>'
        cards.append(
            f'<li{place}><h3 class="km-card-title">{title}</h3>'
            f'<p class="km-tagline">{inline(level.tagline)}</p><p>{inline(level.summary)}</p>'
            f'<p class="km-card-figures">{extent(view, topics)}</p>{_stations(view, topics)}</li>'
        )
    return "\n".join(['<ol class="km-cards km-level-cards">', *cards, "</ol>"])


def _stations(view: View, topics: Iterable[Topic]) -> str:
    """Return the topics of a level as a line of numbers; their titles are the accessible names."""
    stops = []
    for topic in topics:
        if topic.planned:
            title = f"{plain(topic.title)} (planned)"
            stop = f"<span{attributes({'title': title})}>{topic.number}</span>"
            opening = attributes({"class": "km-planned", "data-topic": topic.id})
        else:
            title = plain(topic.title)
            name = {"aria-label": f"{topic.number} {title}", "title": title}
            stop = f"<a{attributes({'href': view.href(topic), **name})}>{topic.number}</a>"
            opening = attributes({"data-topic": topic.id})
        stops.append(f"<li{opening}>{stop}</li>")
    return f'<ol class="km-stations">{"".join(stops)}</ol>'


def path_cards(view: View) -> str:
    """Return a card for each learning path."""
    cards = []
    for path in view.registry.paths:
        topics = [view.find_topic(topic_id) for topic_id in path.topics]
        address = escape(view.links.href(f"paths/{path.id}.md"))
        place = attributes({"class": "km-card km-path-card", "data-path": path.id})
        title = f'<a href="{address}">{inline(path.title)}</a>'
        cards.append(
            f'<li{place}><h3 class="km-card-title">{title}</h3>'
            f'<p>{inline(path.goal)}</p><p class="km-card-figures">{extent(view, topics)}</p></li>'
        )
    return "\n".join(['<ul class="km-cards km-path-cards">', *cards, "</ul>"])


def must_know(view: View) -> str:
    """Return the topics that interviewers ask about most, each with the reason."""
    rows = [
        f"<li{attributes({'data-level': topic.level, 'data-topic': topic.id})}>"
        f'<span class="km-number">#{topic.number}</span> '
        f"{link(view, topic)}<p>{inline(topic.must_know)}</p></li>"
        for topic in view.registry.topics
        if topic.must_know
    ]
    return "\n".join(['<ol class="km-must">', *rows, "</ol>"])


def site_figures(view: View) -> str:
    """Return what the map holds, counted."""
    bundles = [view.bundle(topic.id) for topic in view.written()]
    planned = len(view.registry.topics) - len(bundles)
    figures = [
        (len(bundles), "topic", "topics"),
        (sum(len(bundle.tests) for bundle in bundles), "test", "tests"),
        (
            sum(1 for _ in every_question(view)),
            "interview question",
            "interview questions",
        ),
        *([(planned, "topic planned", "topics planned")] if planned else []),
    ]
    rows = [f"<li><strong>{n}</strong> {one if n == 1 else more}</li>" for n, one, more in figures]
    return "\n".join(['<ul class="km-figures">', *rows, "</ul>"])


def extent(view: View, topics: Iterable[Topic]) -> str:
    """Return how many topics these are and how long they take, as far as they are written."""
    chosen = list(topics)
    known = [minutes for topic in chosen if (minutes := view.minutes(topic))]
    words = f"{len(chosen)} {'topic' if len(chosen) == 1 else 'topics'}"
    if not known:
        return f"{words}, planned"
    if len(known) < len(chosen):
        return f"{words}, {len(known)} written: {duration(sum(known))}"
    return f"{words}, {duration(sum(known))}"
