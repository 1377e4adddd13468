"""The concept map: a card for each cluster, a column for each level."""

from __future__ import annotations

from macros.model import Cluster, Level, Node, Topic
from macros.render.markup import attributes, escape, inline
from macros.render.topic_links import PLANNED_MARK
from macros.render.view import View


def concept_map(view: View) -> str:
    """Return the clusters as cards of linked nodes."""
    cards = [_card(view, cluster) for cluster in view.registry.clusters]
    return "\n".join(['<div class="km-map km-map-clusters">', *cards, "</div>"])


def level_map(view: View) -> str:
    """Return the levels as columns of linked nodes."""
    columns = [_column(view, level) for level in view.registry.levels]
    return "\n".join(['<div class="km-map km-map-levels">', *columns, "</div>"])


def _card(view: View, cluster: Cluster) -> str:
    anchor = f"cluster-{cluster.id}"
    rows = [_node(view, node) for node in cluster.nodes]
    return "\n".join(
        [
            f'<section class="km-map-card" id="{anchor}"><h3>{inline(cluster.title)}</h3>',
            "<ul>",
            *rows,
            "</ul></section>",
        ]
    )


def _node(view: View, node: Node) -> str:
    """Return one topic under the node's label, or a label over several topics."""
    topics = [view.find_topic(topic_id) for topic_id in node.topics]
    if len(topics) == 1:
        return f"<li>{_point(view, topics[0], node.label)}</li>"
    points = " ".join(_point(view, topic) for topic in topics)
    label = f'<span class="km-node-label">{inline(node.label)}</span> ' if node.label else ""
    return f'<li class="km-nodes">{label}{points}</li>'


def _column(view: View, level: Level) -> str:
    address = escape(view.links.href(f"levels/{level.id}.md"))
    rows = [
        f"<li>{_point(view, topic)}</li>"
        for topic in view.registry.topics
        if topic.level == level.id
    ]
    place = {"class": "km-map-column", "data-level": level.id}
    return "\n".join(
        [
            f'<section{attributes(place)}><h3><a href="{address}">{inline(level.title)}</a></h3>',
            "<ol>",
            *rows,
            "</ol></section>",
        ]
    )


def _point(view: View, topic: Topic, label: str | None = None) -> str:
    words = f'<span class="km-number">#{topic.number}</span> {inline(label or topic.title)}'
    place: dict[str, object] = {"data-level": topic.level, "data-topic": topic.id}
    if topic.planned:
        opening = attributes({"class": "km-node km-planned", **place})
        return f"<span{opening}>{words} {PLANNED_MARK}</span>"
    return f"<a{attributes({'class': 'km-node', **place, 'href': view.href(topic)})}>{words}</a>"
