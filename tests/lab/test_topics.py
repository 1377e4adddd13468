"""Every topic in the browser's Python: the recorded answers, the proofs, and stale exceptions."""

from __future__ import annotations

from typing import Any

import httpx2
import pytest

from macros.answers_file import Answer
from macros.bundle import Bundle, read_bundle
from macros.lab.payload import payload
from macros.model import Topic
from macros.proofs import exchange, http_dialect, recording
from tests.lab.conftest import PROJECT, registry
from tests.lab.node_lab import NodeLab

WRITTEN = [topic for topic in registry().topics if not topic.planned]
RUNNABLE = [topic for topic in WRITTEN if topic.lab is None]
OPTED_OUT = [topic for topic in WRITTEN if topic.lab is not None]


def ids(topic: Topic) -> str:
    return topic.id


def asked(lab: NodeLab, bundle: Bundle) -> tuple[list[Answer], list[str]]:
    """Return what the loaded app answers to the bundle's requests, and what it raised."""
    requests, _ = http_dialect.parse(bundle.requests_text or "", bundle.path("requests.http"))
    answers: dict[str, Answer] = {}
    raised = []
    for request in requests:
        filled = exchange.sent(request, answers)
        headers = [
            (name, http_dialect.fill(text, lambda one: exchange.value_in(answers, one)))
            for name, text in request.headers
        ]
        seen = lab.request(filled.method, filled.url, headers, exchange.content_of(filled))
        if seen["result"].get("error"):
            raised.append(f"{request.name}: {seen['result']['error']}")
        # As a stream: content would bring a length along that the app did not send.
        stream = httpx2.ByteStream(seen["body"])
        status, got = seen.get("status", 500), seen.get("headers")
        response = httpx2.Response(status, headers=got, stream=stream)
        response.read()
        answers[request.name] = exchange.answer_of(request, filled, response)
    return list(answers.values()), raised


def differences(bundle: Bundle, fresh: list[Answer]) -> dict[str, str]:
    """Return how the answers differ from the recorded ones, by the request's name."""
    stored = {answer.name: answer for answer in bundle.answers.answers} if bundle.answers else {}
    requests, _ = http_dialect.parse(bundle.requests_text or "", bundle.path("requests.http"))
    by_name = {request.name: request for request in requests}
    settled = recording.settle(fresh, stored, by_name, bundle.settings.volatile)
    return {
        answer.name: recording.difference(stored.get(answer.name), answer)
        for answer in settled
        if answer != stored.get(answer.name)
    }


@pytest.mark.parametrize("topic", RUNNABLE, ids=ids)
def test_the_app_answers_as_recorded(lab: NodeLab, topic: Topic) -> None:
    bundle = read_bundle(PROJECT, topic.id)
    loaded = lab.load(payload(topic, bundle))
    assert loaded.get("ok"), loaded
    fresh, _ = asked(lab, bundle)
    different = differences(bundle, fresh)
    unexpected = {name: text for name, text in different.items() if name not in exceptions(bundle)}
    assert unexpected == {}
    stale = exceptions(bundle).keys() - different.keys()
    assert not stale, f"bundle.yml, lab_answers: {', '.join(sorted(stale))} is as recorded"


@pytest.mark.parametrize("topic", RUNNABLE, ids=ids)
def test_the_proofs_pass_or_say_what_they_need(lab: NodeLab, topic: Topic) -> None:
    bundle = read_bundle(PROJECT, topic.id)
    told = lab.proofs(payload(topic, bundle))
    results: list[dict[str, Any]] = told["results"]
    failed = [
        f"{result['name']}: {result['reason']}\n{result['traceback']}"
        for result in results
        if result["outcome"] in {"failed", "error"}
    ]
    assert not failed, "\n".join(failed)
    assert results, told["log"]
    listed = bundle.settings.lab_proofs.keys()
    passed = {result["name"] for result in results if result["outcome"] == "passed"}
    stale = listed & ({name.partition("[")[0] for name in passed} | (listed - bundle.tests.keys()))
    assert not stale, f"bundle.yml, lab_proofs: {', '.join(sorted(stale))} passes, or is no test"


@pytest.mark.parametrize("topic", OPTED_OUT, ids=ids)
def test_an_app_that_is_opted_out_really_fails(lab: NodeLab, topic: Topic) -> None:
    bundle = read_bundle(PROJECT, topic.id)
    loaded = lab.load(payload(topic, bundle))
    if not loaded.get("ok"):
        return
    fresh, raised = asked(lab, bundle)
    assert raised or differences(bundle, fresh), (
        f"docs/topics.yml: {topic.id} runs in the lab. Take its `lab:` away."
    )


def exceptions(bundle: Bundle) -> dict[str, str]:
    return bundle.settings.lab_answers
