"""Writes each topic as a zip: the files that its page shows, ready to start."""

from __future__ import annotations

import re
import shutil
from collections.abc import Mapping
from pathlib import Path

from macros import at_home, measured
from macros.bundle import Bundle, read_bundle
from macros.bundle_model import REQUESTS, is_proof_file
from macros.export.job import Job
from macros.export.offline import pack
from macros.export.steps import Step
from macros.export.topic_readme import readme
from macros.proofs.curl import BASE
from macros.proofs.http_dialect import METHODS

TOPICS = "topics"  # the folder of the downloads that takes the zips
REQUIREMENTS = "requirements.txt"
_SENT = re.compile(rf"^(?P<method>{'|'.join(METHODS)}) (?=/)", re.MULTILINE)


def write(job: Job, step: Step) -> None:
    """Write a zip a topic into the site's downloads; what lies there from before goes."""
    topics = [topic for topic in job.loaded.registry.topics if not topic.planned]
    step.of(len(topics))
    into, work = job.downloads / TOPICS, job.work / TOPICS
    for folder in (into, work):
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir(parents=True)
    for topic in topics:
        bundle = read_bundle(job.project, topic.id)
        kept = shipped(bundle)
        texts = {
            **kept,
            REQUIREMENTS: kept.get(REQUIREMENTS) or requirements(job, bundle, kept),
            "README.md": readme(job, topic, bundle, sorted(kept)),
        }
        _write(work / topic.id, texts)
        pack.write(into / f"{topic.id}.zip", work / topic.id, job.edition.time)
        step.advance()


def shipped(bundle: Bundle) -> dict[str, str]:
    """Return the files of a bundle that belong into its zip, as its page shows them.

    The proofs of the topic itself stay out; tests in a folder below are the example's own.
    """
    kept = {
        name: text
        for name, text in bundle.files.items()
        if "/" in name or not (is_proof_file(name) or name == measured.FILE)
    }
    if REQUESTS in kept:
        kept[REQUESTS] = with_addresses(kept[REQUESTS])
    return kept


def with_addresses(requests: str) -> str:
    """Return requests with whole addresses, so that editors can send them."""
    blocks = re.split(r"(?m)^(?=###)", requests)
    return "".join(_SENT.sub(rf"\g<method> {BASE}", block, count=1) for block in blocks)


def requirements(job: Job, bundle: Bundle, files: Mapping[str, str]) -> str:
    """Return what all of these files import, pinned, a line each."""
    modules = bundle.imports_of(*(name for name in files if name in bundle.modules))
    return "".join(f"{each}\n" for each in at_home.requirements(job.project, bundle, modules))


def _write(folder: Path, texts: Mapping[str, str]) -> None:
    for name, text in texts.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8", newline="\n")
