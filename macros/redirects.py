"""Keeps old addresses alive: a page at each moved topic's old address that leads to the new one."""

from __future__ import annotations

import os
from pathlib import Path

from macros.model import Registry
from macros.render.markup import escape

_PAGE = """\
<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<title>{title} has moved</title>
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="robots" content="noindex">
<meta http-equiv="refresh" content="0; url={address}">
{canonical}</head>
<body>
<main>
<h1>This page has moved</h1>
<p><a href="{address}">{title}</a></p>
</main>
</body>
</html>
"""


def write(registry: Registry, site: Path) -> list[Path]:
    """Write the page of every moved topic into a built site; return what was written."""
    base = os.environ.get("SITE_URL", "").rstrip("/")
    written: list[Path] = []
    for old in registry.moved:
        topic = registry.topic(target(registry, old))
        canonical = (
            f'<link rel="canonical" href="{escape(f"{base}/topics/{topic.id}/")}">\n'
            if base
            else ""
        )
        page = site / "topics" / old / "index.html"
        page.parent.mkdir(parents=True, exist_ok=True)
        page.write_text(
            _PAGE.format(title=escape(topic.title), address=f"../{topic.id}/", canonical=canonical),
            encoding="utf-8",
        )
        written.append(page)
    return written


def target(registry: Registry, old: str) -> str:
    """Return where a moved topic is now, also after several moves."""
    seen = {old}
    current = registry.moved[old]
    while current in registry.moved and current not in seen:
        seen.add(current)
        current = registry.moved[current]
    return current
