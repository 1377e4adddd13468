"""The head and the foot of a topic's page."""

from __future__ import annotations

from datetime import date as calendar_day
from urllib.parse import quote

from macros.model import Topic
from macros.proofs.ledger import Stamp
from macros.render.markup import attributes, escape, inline
from macros.render.topic_links import PLANNED_MARK, duration, link, numbered
from macros.render.view import View

ABOUT = "about.md"
HOME = "index.md"
REPORTING = "report-a-mistake"  # the anchor on the about page


def topic_header(view: View) -> str:
    """Return what stands below a topic's title: where it belongs and what to know first."""
    topic = view.topic
    place = attributes({"class": "km-header", "data-level": topic.level, "data-topic": topic.id})
    parts = [
        _breadcrumb(view, topic),
        f'<p class="km-summary">{inline(topic.summary)}</p>',
        _facts(view, topic),
        _know_first(view, topic),
        stamp_line(view, view.stamp(topic)),
        _keywords(topic),
    ]
    return "\n".join([f"<div{place}>", *(part for part in parts if part), "</div>"])


def topic_footer(view: View) -> str:
    """Return what stands at the end of a topic's page: where to go from here."""
    topic = view.topic
    place = attributes({"class": "km-footer", "data-level": topic.level, "data-topic": topic.id})
    parts = [_leads_to(view, topic), _neighbours(view, topic), _sources(view, topic)]
    # Not for the search: a topic should not be found by the titles of its neighbours.
    return "\n".join([f"<div{place} data-search-exclude>", *filter(None, parts), "</div>"])


def stamp_line(view: View, stamp: Stamp | None) -> str:
    """Return on which versions and when the proofs passed; nothing without a valid run."""
    if stamp is None:
        return ""
    versions = [f"{display_name(view, name)} {version}" for name, version in stamp_versions(stamp)]
    listed = ", ".join(f'<span class="km-version">{escape(each)}</span>' for each in versions)
    return f'<p class="km-stamp" data-search-exclude>Proven on {listed}, {_day(stamp.date)}</p>'


def stamp_versions(stamp: Stamp) -> list[tuple[str, str]]:
    """Return the names and versions that a stamp prints, Python last."""
    return [*stamp.versions.items(), ("Python", stamp.python)]


def display_name(view: View, distribution: str) -> str:
    """Return a distribution's name; the subject's own is written as the subject is."""
    subject = view.registry.subject.name
    return subject if distribution.lower() == subject.lower() else distribution


def _breadcrumb(view: View, topic: Topic) -> str:
    level = view.find_level(topic.level)
    home = escape(view.links.href(HOME))
    above = escape(view.links.href(f"levels/{level.id}.md"))
    return (
        '<nav class="km-breadcrumb" aria-label="Breadcrumb" data-search-exclude><ol>'
        f'<li><a href="{home}">Home</a></li><li><a href="{above}">{inline(level.title)}</a></li>'
        f'<li aria-current="page">{inline(topic.title)}</li></ol></nav>'
    )


def _facts(view: View, topic: Topic) -> str:
    level = view.find_level(topic.level)
    above = escape(view.links.href(f"levels/{level.id}.md"))
    minutes = view.minutes(topic)
    facts = [
        f'<li class="km-number">#{topic.number}</li>',
        f'<li class="km-level"><a href="{above}">{inline(level.title)}</a></li>',
        f'<li class="km-minutes">{duration(minutes)}</li>' if minutes else "",
        '<li class="km-must-mark">Must-know</li>' if topic.must_know else "",
        '<li class="km-progress"><span data-progress-slot></span></li>',
    ]
    return "\n".join(['<ul class="km-facts" data-search-exclude>', *filter(None, facts), "</ul>"])


def _know_first(view: View, topic: Topic) -> str:
    required = view.graph.requires(topic.id)
    if not required:
        return ""
    rows = [_reasoned(view, other, reason) for other, reason in required]
    return (
        '<div class="km-know" data-search-exclude>'
        '<p class="km-know-title" id="know-first">Know first</p>\n'
        '<ul aria-labelledby="know-first">\n' + "\n".join(rows) + "\n</ul></div>"
    )


def _leads_to(view: View, topic: Topic) -> str:
    following = view.graph.leads_to(topic.id)
    if not following:
        return ""
    rows = [_reasoned(view, other, other.requires[topic.id]) for other in following]
    return (
        '<section class="km-leads" aria-labelledby="leads-to">'
        '<p class="km-footer-title" id="leads-to">This leads to</p>\n<ul>\n'
        + "\n".join(rows)
        + "\n</ul></section>"
    )


def _reasoned(view: View, other: Topic, reason: str) -> str:
    return (
        f'<li data-level="{other.level}">{link(view, other)} '
        f'<span class="km-reason">{inline(reason)}</span></li>'
    )


def _neighbours(view: View, topic: Topic) -> str:
    neighbours = [
        _neighbour(view, other, rel)
        for other, rel in (
            (view.graph.previous(topic.id), "prev"),
            (view.graph.next(topic.id), "next"),
        )
        if other is not None
    ]
    rows = ['<nav class="km-neighbours" aria-label="Previous and next topic">', *neighbours]
    return "\n".join([*rows, "</nav>"])


def _neighbour(view: View, other: Topic, rel: str) -> str:
    direction = "Previous" if rel == "prev" else "Next"
    inside = (
        f'<span class="km-direction">{direction}</span> '
        f'<span class="km-neighbour">{numbered(other)}</span>'
    )
    if other.planned:
        place = {"class": "km-planned", "data-level": other.level, "data-direction": rel}
        return f"<span{attributes(place)}>{inside} {PLANNED_MARK}</span>"
    place = {"rel": rel, "data-level": other.level, "href": view.href(other)}
    return f"<a{attributes(place)}>{inside}</a>"


def _sources(view: View, topic: Topic) -> str:
    rows = []
    if topic.docs:
        rows.append(
            f'<li class="km-docs"><a href="{escape(topic.docs)}">Official documentation</a></li>'
        )
    rows.append(f'<li class="km-files">{_source(view, topic)}</li>')
    report = report_address(view, f"#{topic.number} {topic.title}")
    rows.append(f'<li class="km-report"><a href="{escape(report)}">Report a mistake</a></li>')
    return "\n".join(['<ul class="km-source">', *rows, "</ul>"])


def _source(view: View, topic: Topic) -> str:
    folder = view.project.relative(view.project.bundle(topic.id)) + "/"
    base = view.environment.get("SOURCE_URL", "").rstrip("/")
    if base:
        return f'<a href="{escape(f"{base}/{folder}")}">Source of this page</a>'
    return f"Source: <code>{escape(folder)}</code>"


def report_address(view: View, about: str) -> str:
    """Return where to report a mistake: REPORT_URL, or what the about page says of it."""
    address = view.environment.get("REPORT_URL", "")
    if not address:
        return view.links.href(ABOUT, REPORTING)
    if address.startswith("mailto:"):
        return f"{address}{'&' if '?' in address else '?'}subject={quote(about)}"
    return address


def _keywords(topic: Topic) -> str:
    """Return words for the search index, which a reader need not see."""
    if not topic.keywords:
        return ""
    return f'<p class="km-keywords" hidden>{escape(", ".join(topic.keywords))}</p>'


def _day(date: str) -> str:
    day = calendar_day.fromisoformat(date)
    return f'<time datetime="{date}">{day:%B} {day.day}, {day.year}</time>'
