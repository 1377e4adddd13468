"""Start a topic: turn its registry block live and make its folder from the template."""

from __future__ import annotations

import re
from collections.abc import Callable
from string import Template

import yaml

from macros.model import Topic
from macros.problems import Problem
from macros.project import Project
from macros.registry import Loaded, load

TEMPLATE = ".template"  # below docs/; hidden, so it is never published


def start(
    project: Project,
    topic_id: str,
    level: str | None,
    title: str | None,
    say: Callable[[str], object],
) -> list[Problem]:
    """Make the registry block and the folder of a topic; return why not, with nothing changed."""
    loaded, problems = load(project)
    if loaded is None:
        return problems
    known = {topic.id: topic for topic in loaded.registry.topics}
    where = project.relative(project.registry)
    if not re.fullmatch(r"[a-z0-9]+(-[a-z0-9]+)*", topic_id):
        return [Problem(where, 0, f"'{topic_id}' is no id: use lower-case words with hyphens.")]
    if project.bundle(topic_id).exists():
        return [Problem(project.relative(project.bundle(topic_id)), 0, "exists already.")]
    text = project.registry.read_text(encoding="utf-8")
    if topic_id in known:
        topic = known[topic_id]
        text = _unplanned(text, loaded, topic_id)
    else:
        if not level or not title:
            return [
                Problem(where, 0, f"no topic '{topic_id}'. Add level=… and title=… to make it.")
            ]
        if level not in {one.id for one in loaded.registry.levels}:
            levels = ", ".join(one.id for one in loaded.registry.levels)
            return [Problem(where, 0, f"no level '{level}'. There are: {levels}.")]
        topic = Topic(
            id=topic_id,
            number=max(one.number for one in loaded.registry.topics) + 1,
            title=title,
            level=level,
            summary=f"What a reader can do after reading about {title}.",
        )
        text = _inserted(text, loaded, topic)
    folder = project.bundle(topic_id)
    _copy_template(project, topic)
    project.registry.write_text(text, encoding="utf-8")
    say(f"wrote {project.relative(folder)}/ and its block in {where}")
    say(f"Next: write it, then `make fix id={topic_id}` and `make check`.")
    return []


def _unplanned(text: str, loaded: Loaded, topic_id: str) -> str:
    lines = text.splitlines(keepends=True)
    line = loaded.line_of_topic(topic_id, "status")
    if "status:" in lines[line - 1]:
        del lines[line - 1]
    return "".join(lines)


def _inserted(text: str, loaded: Loaded, topic: Topic) -> str:
    """Return the registry with the topic's block after the last one of its level."""
    topics = loaded.registry.topics
    same = [index for index, one in enumerate(topics) if one.level == topic.level]
    order = [level.id for level in loaded.registry.levels]
    after = max(
        same
        or [i for i, one in enumerate(topics) if order.index(one.level) < order.index(topic.level)]
        or [-1]
    )
    fields = {
        "number": topic.number,
        "title": topic.title,
        "level": topic.level,
        "summary": topic.summary,
        "requires": {topics[after].id: "say in a few words what it builds on"},
    }
    block = f"  - id: {topic.id}\n" + "".join(
        f"    {line}\n"
        for line in yaml.safe_dump(fields, sort_keys=False, allow_unicode=True).splitlines()
    )
    lines = text.splitlines(keepends=True)
    if after + 1 < len(topics):
        at = loaded.line_of_topic(topics[after + 1].id) - 1
    else:
        first = loaded.line_of_topic(topics[after].id)
        at = next(
            (i for i in range(first, len(lines)) if re.match(r"[A-Za-z_]+:", lines[i])), len(lines)
        )
    while at > 0 and not lines[at - 1].strip():
        at -= 1
    while at > 0 and lines[at - 1].lstrip().startswith("#"):
        at -= 1
    return "".join([*lines[:at], block, *lines[at:]])


def _copy_template(project: Project, topic: Topic) -> None:
    source = project.docs / TEMPLATE
    words = {"id": topic.id, "title": topic.title, "python_id": topic.id.replace("-", "_")}
    for path in sorted(source.rglob("*")):
        if path.is_file():
            target = project.bundle(topic.id) / path.relative_to(source)
            target.parent.mkdir(parents=True, exist_ok=True)
            filled = Template(path.read_text(encoding="utf-8")).safe_substitute(words)
            target.write_text(filled, encoding="utf-8")
