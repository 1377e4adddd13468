"""Writes data.json, all that the site knows for machines, and the schema that describes it."""

from __future__ import annotations

import json

from macros import redirects
from macros.bundle import read_bundle
from macros.export import data_model as data
from macros.export.data_questions import Exhibits, spanning
from macros.export.job import DOWNLOADS, Job
from macros.export.published import site_address
from macros.export.steps import Step
from macros.minutes import minutes
from macros.model import Cluster, LearningPath, Level, Topic
from macros.proofs import ledger
from macros.proofs.ledger import Stamp

DATA = "data.json"
SCHEMA = "data.schema.json"
TWIN = "index.md"  # a topic's page as Markdown, beside the page


def write(job: Job, step: Step) -> None:
    """Write both files into the site's downloads."""
    step.of(len(job.loaded.registry.topics))
    made = collect(job, step)
    job.downloads.mkdir(parents=True, exist_ok=True)
    text = made.model_dump_json(indent=1, by_alias=True)
    (job.downloads / DATA).write_text(f"{text}\n", encoding="utf-8", newline="\n")
    (job.downloads / SCHEMA).write_text(schema(), encoding="utf-8", newline="\n")


def schema() -> str:
    """Return the JSON Schema of data.json."""
    made = {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "$comment": "Generated from macros/export/data_model.py by `make export`.",
        **data.Data.model_json_schema(mode="serialization"),
    }
    return json.dumps(made, indent=1, ensure_ascii=False) + "\n"


def collect(job: Job, step: Step) -> data.Data:
    """Return everything, from registry, bundles and the ledger of proofs."""
    registry = job.loaded.registry
    exhibits: dict[str, Exhibits] = {}
    topics: list[data.Topic] = []
    for topic in registry.topics:
        stamp = None if topic.planned else ledger.stamp(job.project, topic.id)
        shown = Exhibits(registry, topic, read_bundle(job.project, topic.id), stamp)
        if not topic.planned:
            exhibits[topic.id] = shown
        topics.append(_topic(job, topic, shown))
        step.advance()
    return data.Data(
        schema_address=SCHEMA,
        edition=data.Edition(
            version=job.edition.version,
            date=job.edition.date.isoformat(),
            digest=job.edition.digest,
            stamp=job.edition.stamp,
            proven=[data.Version(name=name, version=is_) for name, is_ in job.edition.proven],
        ),
        site=data.Site(
            name=job.edition.title,
            summary=job.edition.description,
            address=site_address(),
            subject=registry.subject.name,
        ),
        levels=[_level(job, level) for level in registry.levels],
        topics=topics,
        paths=[_path(path) for path in registry.paths],
        clusters=[_cluster(cluster) for cluster in registry.clusters],
        interview=list(spanning(job.project, registry, exhibits)),
        moved={old: redirects.target(registry, old) for old in registry.moved},
    )


def _topic(job: Job, topic: Topic, shown: Exhibits) -> data.Topic:
    registry, graph = job.loaded.registry, job.graph
    before, after = graph.previous(topic.id), graph.next(topic.id)
    there = not topic.planned
    return data.Topic(
        id=topic.id,
        number=topic.number,
        title=topic.title,
        level=topic.level,
        summary=topic.summary,
        planned=topic.planned,
        address=shown.address if there else None,
        markdown=f"{shown.address}{TWIN}" if there else None,
        download=f"{DOWNLOADS}/topics/{topic.id}.zip" if there else None,
        minutes=minutes(shown.bundle) if there else None,
        requires=[_edge(other, reason) for other, reason in graph.requires(topic.id)],
        leads_to=[_edge(other, other.requires[topic.id]) for other in graph.leads_to(topic.id)],
        previous=before.id if before else None,
        next=after.id if after else None,
        depth=graph.depth(topic.id),
        clusters=[
            cluster.id
            for cluster in registry.clusters
            if any(topic.id in node.topics for node in cluster.nodes)
        ],
        paths=[path.id for path in registry.paths if topic.id in path.topics],
        keywords=list(topic.keywords),
        api=list(topic.api),
        docs=str(topic.docs) if topic.docs else None,
        must_know=topic.must_know,
        not_in_browser=topic.lab.no if topic.lab else None,
        stamp=_stamp(shown.stamp),
        gotchas=shown.gotchas() if there else [],
        interview=shown.interview() if there else [],
        quiz=shown.quiz() if there else [],
        answers=shown.answers() if there else [],
    )


def _stamp(stamp: Stamp | None) -> data.Stamp | None:
    if stamp is None:
        return None
    versions = [data.Version(name=name, version=is_) for name, is_ in stamp.versions.items()]
    return data.Stamp(date=stamp.date, python=stamp.python, versions=versions)


def _edge(other: Topic, reason: str) -> data.Edge:
    return data.Edge(topic=other.id, reason=reason)


def _level(job: Job, level: Level) -> data.Level:
    return data.Level(
        id=level.id,
        title=level.title,
        tagline=level.tagline,
        summary=level.summary,
        address=f"levels/{level.id}/",
        topics=[topic.id for topic in job.loaded.registry.topics if topic.level == level.id],
    )


def _path(path: LearningPath) -> data.LearningPath:
    return data.LearningPath(
        id=path.id,
        title=path.title,
        goal=path.goal,
        outcome=path.outcome,
        assumes=path.assumes,
        address=f"paths/{path.id}/",
        topics=list(path.topics),
    )


def _cluster(cluster: Cluster) -> data.Cluster:
    nodes = [data.Node(label=node.label, topics=list(node.topics)) for node in cluster.nodes]
    return data.Cluster(id=cluster.id, title=cluster.title, nodes=nodes)
