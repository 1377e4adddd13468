"""The built pages as chapters of one book: cleaned, in reading order, with one space of ids."""

from __future__ import annotations

import posixpath
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path

from lxml import html

from macros.export.clean import clean
from macros.export.published import site_address
from macros.export.references import References
from macros.model import Registry
from macros.project import Project


@dataclass(frozen=True)
class Chapter:
    """One page of the site.

    `kind` is front, level, topic or back; `address` is where the page stands below the site's
    root; `body` is a section of plain HTML whose ids begin with the chapter's own.
    """

    id: str
    kind: str
    title: str
    address: str
    number: int | None = None
    level: str | None = None
    body: html.HtmlElement | None = None


def chapters(project: Project, registry: Registry, drawings: Path) -> tuple[Chapter, ...]:
    """Return the chapters of the built site; pictures are written into the folder `drawings`."""
    listed = [chapter for chapter in contents(registry) if _page(project, chapter).is_file()]
    references = References({chapter.address: chapter.id for chapter in listed}, site_address())
    drawings.mkdir(parents=True, exist_ok=True)
    return tuple(_read(project, chapter, references, drawings) for chapter in listed)


def contents(registry: Registry) -> Iterator[Chapter]:
    """Yield what the registry and the fixed pages make chapters of, without their bodies."""
    yield Chapter("about", "front", "About", "about/")
    for level in registry.levels:
        yield Chapter(
            f"level-{level.id}", "level", level.title, f"levels/{level.id}/", level=level.id
        )
        for topic in registry.topics:
            if topic.level == level.id and not topic.planned:
                yield Chapter(
                    topic.id,
                    "topic",
                    topic.title,
                    f"topics/{topic.id}/",
                    topic.number,
                    topic.level,
                )
    yield Chapter("interview", "back", "Interview", "interview/")
    for path in registry.paths:
        yield Chapter(f"path-{path.id}", "back", path.title, f"paths/{path.id}/")
    yield Chapter("changes", "back", "What changed", "changes/")


def _read(project: Project, chapter: Chapter, references: References, drawings: Path) -> Chapter:
    page = html.document_fromstring(_page(project, chapter).read_bytes())
    [article] = page.xpath("//article")
    body = clean(article, chapter.id, drawings)
    references.resolve(body, chapter.id, chapter.address)
    [title] = body.xpath(".//h1")
    return replace(chapter, title=title.text_content().strip(), body=body)


def _page(project: Project, chapter: Chapter) -> Path:
    return project.site / posixpath.join(chapter.address, "index.html")
