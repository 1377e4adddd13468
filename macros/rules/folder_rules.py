"""The registry's topics and the folders of docs/topics agree."""

from __future__ import annotations

from collections.abc import Iterator

from macros.problems import Problem
from macros.rules.content import Content, Rule
from macros.suggest import did_you_mean

NEEDED = ("index.md", "questions.yml", "test_main.py")


def folders_are_topics(content: Content) -> Iterator[Problem]:
    """Every folder belongs to a topic of the registry."""
    topics = [topic.id for topic in content.registry.topics]
    for name, bundle in content.bundles.items():
        if name in topics:
            continue
        new = content.registry.moved.get(name)
        advice = (
            f" The topic moved: rename the folder to '{new}'."
            if new
            else did_you_mean(name, topics) or " Add the topic, or delete the folder."
        )
        yield Problem(
            bundle.where, 0, f"no topic '{name}' is in {content.loaded.source.file}.{advice}"
        )


def topics_have_folders(content: Content) -> Iterator[Problem]:
    """A topic has a folder, or is planned; never both."""
    source = content.loaded.source
    for topic in content.registry.topics:
        bundle = content.bundles.get(topic.id)
        there = bundle is not None and bool(bundle.entries)
        where = content.project.relative(content.project.bundle(topic.id))
        if there and topic.planned:
            yield Problem(
                source.file,
                content.loaded.line_of_topic(topic.id, "status"),
                f"{topic.id}: is planned, but {where} exists. Remove `status: planned`.",
            )
        elif not there and not topic.planned:
            yield Problem(
                source.file,
                content.loaded.line_of_topic(topic.id),
                f"{topic.id}: has no folder. Write it with `make new id={topic.id}`, "
                "or add `status: planned`.",
            )


def bundles_are_complete(content: Content) -> Iterator[Problem]:
    """A folder holds at least a page, questions, proofs and an app."""
    topics = {topic.id for topic in content.registry.topics}
    for name, bundle in content.bundles.items():
        if name not in topics or not bundle.entries:
            continue
        have = {entry.name for entry in bundle.entries}
        for needed in (*NEEDED, bundle.main):
            if needed not in have:
                yield Problem(bundle.where, 0, f"has no {needed}. Add the file.")


RULES: tuple[Rule, ...] = (folders_are_topics, topics_have_folders, bundles_are_complete)
