"""Puts an SVG drawing into a page: named for screen readers, its ids its own."""

from __future__ import annotations

import re

from macros.render.markup import escape
from macros.render.view import ContentError, View

_PROLOG = re.compile(r"<\?xml.*?\?>|<!DOCTYPE.*?>|<!--.*?-->", re.DOTALL)
_ROOT = re.compile(r"<svg\b(?P<attributes>[^>]*)>")
_NAMED = re.compile(r"<(?P<tag>title|desc)\b[^>]*>")
_ID = re.compile(r"""\bid=(["'])(?P<id>[^"']+)\1""")
_REFERENCE = re.compile(
    r"""url\(#(?P<url>[^)]+)\)|\b(?P<name>(?:xlink:)?href)=(["'])#(?P<id>[^"']+)\3"""
)
_TOPIC = re.compile(r"""\bhref=(["'])topic:(?P<id>[\w-]+)(?:#(?P<anchor>[\w:.-]+))?\1""")
_VIEW_BOX = re.compile(
    r"""\bviewBox=["']\s*[-\d.]+[\s,]+[-\d.]+[\s,]+(?P<width>[\d.]+)[\s,]+(?P<height>[\d.]+)"""
)
_OF_ROOT = re.compile(r"""\s(?:role|aria-labelledby|id|width|height)=("[^"]*"|'[^']*')""")


def figure(name: str, svg: str, view: View) -> str:
    """Return the drawing as a figure; ids get the drawing's name in front, so none clash."""
    drawn = _PROLOG.sub("", svg)
    if not _ROOT.search(drawn):
        raise ContentError(f"{name}.svg is no SVG drawing: it has no <svg> element.")
    drawn = _NAMED.sub(lambda found: f"<{found['tag']}>", drawn)
    drawn = _ID.sub(lambda found: f'id="{name}-{found["id"]}"', drawn)
    drawn = _REFERENCE.sub(lambda found: _renamed(name, found), drawn)
    drawn = _TOPIC.sub(lambda found: _link(view, found), drawn)
    labels = " ".join(f"{name}-{tag}" for tag in ("title", "desc") if f"<{tag}>" in drawn)
    drawn = _NAMED.sub(lambda found: f'<{found["tag"]} id="{name}-{found["tag"]}">', drawn)
    drawn = _ROOT.sub(lambda found: _root(found, labels), drawn, count=1)
    # Without blank lines, so that Markdown takes it for one piece of HTML.
    rows = [row.rstrip() for row in drawn.splitlines() if row.strip()]
    return "\n".join([f'<figure class="km-diagram" id="diagram-{name}">', *rows, "</figure>"])


def _root(found: re.Match[str], labels: str) -> str:
    kept = _OF_ROOT.sub("", found["attributes"]).rstrip()
    named = f' aria-labelledby="{labels}"' if labels else ""
    return f'<svg role="img"{named}{kept}{_size(found["attributes"])}>'


def _size(attributes: str) -> str:
    """Return the drawing's own width and height, by which it is as wide as it was drawn."""
    found = _VIEW_BOX.search(attributes)
    return f' width="{found["width"]}" height="{found["height"]}"' if found else ""


def _renamed(name: str, found: re.Match[str]) -> str:
    if found["url"]:
        return f"url(#{name}-{found['url']})"
    return f'{found["name"]}="#{name}-{found["id"]}"'


def _link(view: View, found: re.Match[str]) -> str:
    """Return the attribute that links to a topic; none while it is planned."""
    topic = view.find_topic(found["id"])
    return "" if topic.planned else f'href="{escape(view.href(topic, found["anchor"]))}"'
