"""A topic's zip holds the example and how to start it, and is the same on every run."""

from __future__ import annotations

import zipfile

import pytest

from macros.export import topic_zips
from macros.export.topic_readme import settings
from tests.unit.bakery import Bakery
from tests.unit.export.mini_job import job_of, quiet_step

REAL = """\
import os

URL = os.environ["OVEN_URL"]
HEAT = int(os.environ.get("HEAT", 230))
"""


def files(bakery: Bakery) -> dict[str, str]:
    job = job_of(bakery)
    topic_zips.write(job, quiet_step())
    with zipfile.ZipFile(job.downloads / "topics" / "kneading.zip") as archive:
        return {name: archive.read(name).decode() for name in archive.namelist()}


def test_the_example_is_there_and_its_proofs_and_pages_are_not(bakery: Bakery) -> None:
    assert set(files(bakery)) == {
        f"kneading/{name}"
        for name in ("Ovenfile", "README.md", "main.py", "real.py", "requests.http")
    } | {"kneading/requirements.txt"}


def test_code_has_no_markers_of_regions(bakery: Bakery) -> None:
    assert "--8<--" not in files(bakery)["kneading/main.py"]


def test_tests_that_the_example_itself_consists_of_are_kept(bakery: Bakery) -> None:
    bakery.write("real/conftest.py", "import pytest\n")
    assert "kneading/real/conftest.py" in files(bakery)


def test_requests_are_whole_and_bodies_stay(bakery: Bakery) -> None:
    text = (
        "### One\n# @name one\nPOST /dough?a=1\nX: y\n\nGET /not-a-request\n\n### Two\nGET /two\n"
    )
    assert topic_zips.with_addresses(text) == text.replace(
        "POST /", "POST http://127.0.0.1:8000/"
    ).replace("GET /two", "GET http://127.0.0.1:8000/two")


def test_requirements_of_all_files_are_pinned(bakery: Bakery) -> None:
    bakery.write("real.py", "import pydantic\n")
    assert files(bakery)["kneading/requirements.txt"] == "pydantic==2.0\n"


def test_requirements_that_the_topic_wrote_itself_are_kept(bakery: Bakery) -> None:
    bakery.write("requirements.txt", "dough-lint==1.0\n")
    assert files(bakery)["kneading/requirements.txt"] == "dough-lint==1.0\n"


def test_the_readme_says_where_it_is_from_and_how_to_start(
    bakery: Bakery, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SITE_URL", "https://example.org/bread")
    text = files(bakery)["kneading/README.md"]
    assert text.startswith("# Kneading dough\n\nHow work makes dough strong.\n")
    assert "The page: https://example.org/bread/topics/kneading/\n" in text
    assert "Topic #2 of Bread Map, Basics.\n" in text
    assert "\npython -m uvicorn main:app\n" in text
    assert "\ncurl http://127.0.0.1:8000/dough\n" in text
    assert "`docs/topics/kneading/`" in text


def test_a_server_that_only_proofs_start_is_not_needed_by_the_app(bakery: Bakery) -> None:
    assert "Servers" not in files(bakery)["kneading/README.md"]
    bakery.change(
        "test_main.py", "def test_salt_first_slows()", "def test_salt_first_slows(valkey)"
    )
    assert "- Valkey. The app starts without it" in files(bakery)["kneading/README.md"]


def test_a_server_whose_address_stands_in_the_app_is_needed(bakery: Bakery) -> None:
    bakery.write("main.py", bakery.read("main.py") + 'URL = "postgresql+psycopg://oven/dough"\n')
    assert "- PostgreSQL. The app needs it." in files(bakery)["kneading/README.md"]


def test_environment_variables_are_listed_with_their_defaults(bakery: Bakery) -> None:
    bakery.write("real.py", REAL)
    found = [(each.name, each.default) for each in settings(bakery.bundle, ["real.py"])]
    assert found == [("OVEN_URL", None), ("HEAT", "`230`")]
    text = files(bakery)["kneading/README.md"]
    assert "- `OVEN_URL`, read by `real.py`: must be set" in text
    assert "- `HEAT`, read by `real.py`: default `230`" in text


def test_two_runs_give_the_same_bytes(bakery: Bakery) -> None:
    job = job_of(bakery)
    zips = []
    for _ in range(2):
        topic_zips.write(job, quiet_step())
        zips.append((job.downloads / "topics" / "kneading.zip").read_bytes())
    assert zips[0] == zips[1]
