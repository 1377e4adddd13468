"""Topics as zips: a sample starts in empty environments and answers as it did here."""

from __future__ import annotations

import zipfile
from collections.abc import Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path

import pytest

from macros.bundle import read_bundle
from macros.export.job import Job
from macros.project import Project
from macros.registry import load
from tests.export.empty_environment import ask, unpacked

ROOT = Path(__file__).resolve().parents[2]
AT_A_TIME = 2


def ends_of_levels() -> list[str]:
    """Return the first and the last topic of each level."""
    loaded, problems = load(Project(ROOT))
    assert loaded is not None, problems
    ends: list[str] = []
    for level in loaded.registry.levels:
        ids = [t.id for t in loaded.registry.topics if t.level == level.id and not t.planned]
        ends += dict.fromkeys([ids[0], ids[-1]]) if ids else ()
    return ends


SAMPLE = ends_of_levels()


@pytest.fixture(scope="module")
def statuses(
    job: Job, tmp_path_factory: pytest.TempPathFactory
) -> Mapping[str, Future[tuple[int, int]]]:
    """What each topic of the sample answered to its first request, and what is recorded."""

    folders = {topic_id: tmp_path_factory.mktemp(topic_id) for topic_id in SAMPLE}

    def one(topic_id: str) -> tuple[int, int]:
        archive = job.downloads / "topics" / f"{topic_id}.zip"
        topic = unpacked(archive, folders[topic_id])
        topic.install()
        recorded = read_bundle(job.project, topic_id).answers
        assert recorded is not None
        first = recorded.answers[0]
        with topic.started() as address:
            return ask(address, first.request), first.status

    with ThreadPoolExecutor(AT_A_TIME) as pool:
        return {topic_id: pool.submit(one, topic_id) for topic_id in SAMPLE}


@pytest.mark.parametrize("topic_id", SAMPLE)
def test_it_starts_in_an_empty_environment_and_answers_as_recorded(
    statuses: Mapping[str, Future[tuple[int, int]]], topic_id: str
) -> None:
    answered, recorded = statuses[topic_id].result()
    assert answered == recorded


def test_every_written_topic_has_its_zip_with_one_folder(job: Job) -> None:
    folder = job.downloads / "topics"
    written = {topic.id for topic in job.loaded.registry.topics if not topic.planned}
    assert {path.stem for path in folder.iterdir()} == written
    for path in folder.iterdir():
        with zipfile.ZipFile(path) as archive:
            names = archive.namelist()
        assert {name.split("/")[0] for name in names} == {path.stem}
        assert {f"{path.stem}/README.md", f"{path.stem}/requirements.txt"} <= set(names)


def test_the_smallest_app_is_in_every_zip(job: Job) -> None:
    for topic in job.loaded.registry.topics:
        bundle = read_bundle(job.project, topic.id)
        with zipfile.ZipFile(job.downloads / "topics" / f"{topic.id}.zip") as archive:
            names = set(archive.namelist())
        assert {f"{topic.id}/{file}" for file in bundle.app_files} <= names


def test_every_line_of_requirements_is_pinned(job: Job) -> None:
    for path in (job.downloads / "topics").iterdir():
        with zipfile.ZipFile(path) as archive:
            text = archive.read(f"{path.stem}/requirements.txt").decode()
        lines = [line for line in text.splitlines() if line and not line.startswith("#")]
        assert lines
        assert [line for line in lines if "==" not in line and "--hash" not in line] == []
