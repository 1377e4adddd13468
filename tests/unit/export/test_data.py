"""data.json holds what the registry and the bundles say, and its schema describes it."""

from __future__ import annotations

import json
from typing import Any

import jsonschema  # type: ignore[import-untyped]
import pytest

from macros.export import data
from macros.export.data_questions import rooted
from tests.unit.bakery import Bakery
from tests.unit.export.mini_job import job_of, quiet_step


@pytest.fixture
def made(bakery: Bakery, monkeypatch: pytest.MonkeyPatch) -> dict[str, Any]:
    monkeypatch.delenv("SITE_URL", raising=False)
    job = job_of(bakery)
    data.write(job, quiet_step())
    found: dict[str, Any] = json.loads((job.downloads / "data.json").read_text(encoding="utf-8"))
    return found


def topic(made: dict[str, Any], topic_id: str) -> dict[str, Any]:
    found: dict[str, Any] = next(each for each in made["topics"] if each["id"] == topic_id)
    return found


def test_the_data_fits_its_schema(made: dict[str, Any]) -> None:
    schema = json.loads(data.schema())
    jsonschema.Draft202012Validator.check_schema(schema)
    jsonschema.Draft202012Validator(schema).validate(made)


def test_every_field_of_the_whole_that_needs_words_is_described() -> None:
    topic_fields = json.loads(data.schema())["$defs"]["Topic"]["properties"]
    for field in ("requires", "stamp", "not_in_browser", "address"):
        text = json.dumps(topic_fields[field])
        assert '"description"' in text, field


def test_edges_are_there_as_written_and_as_derived(made: dict[str, Any]) -> None:
    kneading = topic(made, "kneading")
    assert kneading["requires"] == [{"topic": "flour", "reason": "gluten comes from it"}]
    assert kneading["leads_to"] == [{"topic": "proofing", "reason": "strong dough holds gas"}]
    assert (kneading["previous"], kneading["next"], kneading["depth"]) == ("flour", "proofing", 1)


def test_a_planned_topic_has_no_address(made: dict[str, Any]) -> None:
    flour = topic(made, "flour")
    assert flour["planned"]
    assert (flour["address"], flour["markdown"], flour["download"]) == (None, None, None)


def test_a_gotcha_names_its_proof_and_where_people_asked(made: dict[str, Any]) -> None:
    first, second, _ = topic(made, "kneading")["gotchas"]
    assert first["asked"] == "https://example.org/1"
    assert second["asked"] is None
    assert first["proof"] == {
        "test": "test_short_knead_tears",
        "file": "docs/topics/kneading/test_main.py",
        "line": 5,
        "outcome": "not run",
        "address": "topics/kneading/#proof-short-knead-tears",
    }


def test_links_in_answers_start_at_the_root_and_planned_topics_are_words(bakery: Bakery) -> None:
    registry = job_of(bakery).loaded.registry
    text = "See [the net](topic:flour) and [](topic:kneading#gotchas)."
    assert rooted(text, registry) == "See the net and [Kneading dough](topics/kneading/#gotchas)."


def test_a_quiz_question_has_its_code_its_options_and_its_proof(made: dict[str, Any]) -> None:
    question = topic(made, "kneading")["quiz"][0]
    assert question["snippet"]["file"] == "main.py"
    assert question["snippet"]["text"].startswith("def shape()")
    assert sorted(question["options"]) == ["flat", "round"]
    assert question["proof"]["test"] == "test_warm_dough_sticks"
    assert question["proof"]["address"] is None


def test_a_question_that_spans_topics_finds_its_proof_on_one_of_them(made: dict[str, Any]) -> None:
    [question] = made["interview"]
    assert question["topics"] == ["flour", "kneading"]
    assert question["address"] == "interview/by-topic/#q-bread-is-flat"
    assert question["proof"]["address"] == "topics/kneading/#proof-short-knead-tears"


def test_recorded_answers_are_there(made: dict[str, Any]) -> None:
    [answer] = topic(made, "kneading")["answers"]
    assert (answer["status"], answer["json"], answer["text"]) == (200, {"dough": None}, None)
    assert answer["address"] == "topics/kneading/#answer-ask-for-dough"


def test_the_site_names_itself_and_its_host_only_where_it_has_one(
    bakery: Bakery, made: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    assert made["site"]["name"] == "Bread Map"
    assert made["site"]["address"] is None
    monkeypatch.setenv("SITE_URL", "https://example.org/bread")
    assert data.collect(job_of(bakery), quiet_step()).site.address == "https://example.org/bread/"
