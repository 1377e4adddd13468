"""data.json of the real site: it fits its schema, and its addresses are pages of the site."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator
from typing import Any

import pytest
from lxml import html

from macros.export.job import Job


@pytest.fixture(scope="module")
def data(job: Job) -> dict[str, Any]:
    found: dict[str, Any] = json.loads((job.downloads / "data.json").read_text(encoding="utf-8"))
    return found


def addresses(value: Any) -> Iterator[str]:
    """Yield every address, wherever it stands."""
    if isinstance(value, dict):
        for key, each in value.items():
            if key in {"address", "markdown", "download"} and isinstance(each, str):
                yield each
            else:
                yield from addresses(each)
    elif isinstance(value, list):
        for each in value:
            yield from addresses(each)


def test_a_checker_finds_that_it_fits_its_schema(job: Job) -> None:
    command = [sys.executable, "-m", "check_jsonschema", "--schemafile", "data.schema.json"]
    done = subprocess.run(
        [*command, "data.json"], cwd=job.downloads, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr


def test_every_address_is_a_file_of_the_site_and_every_anchor_stands_there(
    job: Job, data: dict[str, Any]
) -> None:
    ids: dict[str, set[str]] = {}
    wrong = []
    for address in addresses({**data, "site": None}):
        path, _, anchor = address.partition("#")
        file = job.site / path
        file = file / "index.html" if path.endswith("/") else file
        if not file.is_file():
            wrong.append(address)
        elif anchor:
            if path not in ids:
                tree = html.document_fromstring(file.read_bytes())
                ids[path] = set(map(str, tree.xpath("//@id")))
            if anchor not in ids[path]:
                wrong.append(address)
    assert wrong == []


def test_it_has_every_topic_and_question(job: Job, data: dict[str, Any]) -> None:
    assert [topic["id"] for topic in data["topics"]] == [
        topic.id for topic in job.loaded.registry.topics
    ]
    for topic in data["topics"]:
        if not topic["planned"]:
            assert len(topic["interview"]) >= 5
            assert len(topic["quiz"]) >= 3
            assert len(topic["gotchas"]) >= 3


def test_every_gotcha_has_a_proof_that_the_page_shows(data: dict[str, Any]) -> None:
    for topic in data["topics"]:
        for gotcha in topic["gotchas"]:
            assert gotcha["proof"] is not None, gotcha["id"]
            assert gotcha["proof"]["address"].endswith(f"#proof-{gotcha['id']}")


def test_no_link_of_the_machine_is_left_in_a_text(data: dict[str, Any]) -> None:
    assert "](topic:" not in json.dumps(data)


def test_it_carries_the_edition(job: Job, data: dict[str, Any]) -> None:
    assert data["edition"]["stamp"] == job.edition.stamp
