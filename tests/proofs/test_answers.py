from __future__ import annotations

import json
from pathlib import Path
from textwrap import dedent

import pytest

from macros.answers_file import Answer, inputs_hash
from macros.bundle import read_bundle
from macros.proofs import answers
from macros.proofs.exchange import CaptureError, capture
from macros.proofs.http_dialect import parse
from tests.proofs.tearoom import MAIN, Tearoom

REQUESTS = """\
### Brew
POST /cups

### Sip
GET /cups/{{brew.response.body.visitor}}
"""


def run(tearoom: Tearoom, *ids: str, fix: bool = False) -> tuple[list[str], str]:
    said: list[str] = []
    problems = answers.capture(
        tearoom.project, ids, fix=fix, say=lambda text: said.append(str(text))
    )
    return [str(problem) for problem in problems], "\n".join(said)


def stored(folder: Path) -> dict[str, dict[str, object]]:
    data = json.loads((folder / "responses.json").read_text(encoding="utf-8"))
    return {answer["name"]: answer for answer in data["answers"]}


def test_a_fix_writes_what_the_apps_answer_and_a_run_compares_it(tearoom: Tearoom) -> None:
    green = tearoom.add("green-tea", requests_http=REQUESTS)
    black = tearoom.add("black-tea", requests_http=REQUESTS)
    problems, said = run(tearoom, "green-tea", "black-tea", fix=True)
    assert problems == []
    assert "wrote docs/topics/green-tea/responses.json" in said
    for folder in (green, black):
        brew, sip = stored(folder).values()
        assert brew["status"] == 201
        body = brew["body"]
        assert isinstance(body, dict)
        assert (body["leaf"], body["kettle"]) == (folder.name, "hot")
        assert body["headers"] == {
            "host": "127.0.0.1:8000",
            "accept": "*/*",
            "user-agent": "curl/8.15.0",
            "content-length": "0",
        }
        request = sip["request"]
        assert request == {"method": "GET", "url": "/cups/1", "headers": {}, "body": None}
    recorded = read_bundle(tearoom.project, "green-tea").answers
    assert recorded is not None
    assert recorded.get("brew").headers["set-cookie"] == "a=1\nb=2"
    assert recorded.inputs == inputs_hash(tearoom.project, green)
    assert run(tearoom, "green-tea", "black-tea") == ([], "")
    before = (green / "responses.json").stat().st_mtime_ns
    assert run(tearoom, "green-tea", fix=True) == ([], "")
    assert (green / "responses.json").stat().st_mtime_ns == before


def test_a_changed_answer_is_told_with_a_diff(tearoom: Tearoom) -> None:
    folder = tearoom.add("green-tea", requests_http=REQUESTS)
    run(tearoom, "green-tea", fix=True)
    tearoom.write("green-tea", "leaf.py", 'LEAF = "sencha"\n')
    problems, said = run(tearoom, "green-tea")
    where = "docs/topics/green-tea/responses.json"
    assert problems == [
        f"{where}: the answer to '{name}' has changed. Run `make fix id=green-tea`."
        for name in ("brew", "sip")
    ]
    assert '-    "leaf": "green-tea",\n+    "leaf": "sencha",' in said
    problems, fixed = run(tearoom, "green-tea", fix=True)
    assert problems == []
    assert '+    "leaf": "sencha",' in fixed
    assert '"sencha"' in (folder / "responses.json").read_text(encoding="utf-8")


def test_requests_that_come_go_or_move_are_told(tearoom: Tearoom) -> None:
    first, second, third = (f"### {name}\nGET /spill\n" for name in "ABC")
    tearoom.add("green-tea", requests_http=first + second + third)
    run(tearoom, "green-tea", fix=True)
    tearoom.write("green-tea", "requests.http", first + third + second)
    assert "the requests have another order now." in run(tearoom, "green-tea")[0][0]
    tearoom.write("green-tea", "requests.http", first + third)
    assert "there is no request 'b' any more." in run(tearoom, "green-tea")[0][0]


VARYING = MAIN.replace('"visitor": visitors', '"visitor": visitors, "token": os.urandom(9).hex()')
CHAINED = "### Brew\nPOST /cups\n\n### Sip\nGET /{{brew.response.body.token}}\n"


def test_what_varies_is_masked_and_keeps_the_stored_value(tearoom: Tearoom) -> None:
    folder = tearoom.add(
        "green-tea",
        main_py="import os\n" + VARYING,
        requests_http=CHAINED,
        bundle_yml="volatile:\n  brew: [body.token]\n  sip: [body.token, body.path]\n",
    )
    assert run(tearoom, "green-tea", fix=True)[0] == []
    first = (folder / "responses.json").read_bytes()
    assert run(tearoom, "green-tea") == ([], "")
    assert run(tearoom, "green-tea", fix=True) == ([], "")
    assert (folder / "responses.json").read_bytes() == first
    brew, sip = stored(folder).values()
    body, request = brew["body"], sip["request"]
    assert isinstance(body, dict)
    assert isinstance(request, dict)
    assert request["url"] == f"/{body['token']}"


def test_a_mask_that_hides_nothing_is_a_problem(tearoom: Tearoom) -> None:
    tearoom.add(
        "green-tea",
        requests_http=REQUESTS,
        bundle_yml="volatile:\n  brew: [body.visitor]\n  sip: [body.sugar, milk]\n",
    )
    where = "docs/topics/green-tea/bundle.yml:3"
    assert run(tearoom, "green-tea")[0] == [
        f"{where}: volatile: 'body.sugar' is not in the answer to 'sip'.",
        f"{where}: volatile: 'milk' must start with body, headers or text.",
    ]


def test_nothing_is_written_in_ci(tearoom: Tearoom, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = tearoom.add("green-tea", requests_http=REQUESTS)
    monkeypatch.setenv("CI", "true")
    problems, _ = run(tearoom, "green-tea", fix=True)
    assert problems == [f"responses.json: {answers.CI_REFUSES}"]
    assert not (folder / "responses.json").exists()


def test_an_app_that_cannot_be_asked_does_not_stop_the_others(tearoom: Tearoom) -> None:
    tearoom.add("green-tea", requests_http=REQUESTS, main_py="import json\n\nimport nothing_such\n")
    tearoom.add("black-tea", requests_http="### Brew\nGT /\n")
    tearoom.add("white-tea", requests_http=REQUESTS, bundle_yml="own_process: true\n")
    tearoom.add("red-tea", requests_http=REQUESTS, main_py="raise SystemExit(3)\n")
    problems, said = run(tearoom, "green-tea", "black-tea", "red-tea", "white-tea")
    start = "docs/topics/"
    assert problems == [
        f"{start}black-tea/requests.http:2: 'GT' is no method. Write one such as 'GET /items'. "
        "Did you mean 'GET'?",
        f"{start}green-tea/main.py:3: ModuleNotFoundError: No module named 'nothing_such'",
        f"{start}red-tea/main.py:1: SystemExit: 3",
        *(
            f"{start}white-tea/responses.json: the answer to '{name}' is not recorded yet. "
            "Run `make fix id=white-tea`."
            for name in ("brew", "sip")
        ),
    ]
    assert "white-tea" in said


def ask(tearoom: Tearoom, text: str, limit: float = 5, **files: str) -> list[Answer]:
    folder = tearoom.add("green-tea", **files)
    return capture(folder, parse(dedent(text), "requests.http")[0], limit)


def test_what_is_no_text_is_described(tearoom: Tearoom) -> None:
    text = "### A\nGET /\nAccept: image/png\n### B\nGET /\nAccept: text/plain\n### C\nHEAD /\n"
    picture, plain, head = ask(tearoom, text)
    assert (picture.text, picture.is_json) == ("(5 bytes of image/png)", False)
    assert (plain.text, plain.is_json) == ("green and black", False)
    assert (head.text, head.is_json) == ("", False)


def test_an_exception_in_the_app_is_a_500(tearoom: Tearoom) -> None:
    (answer,) = ask(tearoom, "### A\nGET /spill\n")
    assert (answer.status, answer.text) == (500, "Internal Server Error")


def test_cookies_do_not_go_into_the_next_request(tearoom: Tearoom) -> None:
    _, second = ask(tearoom, "### A\nGET /\n### B\nGET /\n")
    assert "cookie" not in second.body["headers"]


def test_an_app_runs_in_a_copy_of_its_folder(tearoom: Tearoom) -> None:
    before = tearoom.files()
    ask(tearoom, "### A\nGET /\n", main_py='open("cups.db", "w").close()\n' + MAIN)
    assert tearoom.files() - before == {
        "docs/topics/green-tea/main.py",
        "docs/topics/green-tea/leaf.py",
    }


ENDLESS = """\
import asyncio

async def app(scope, receive, send):
    if scope["type"] == "http":
        await send({"type": "http.response.start", "status": 200, "headers": []})
        while True:
            await send({"type": "http.response.body", "body": b"drop", "more_body": True})
            await asyncio.sleep(0.01)
"""


def test_a_stream_without_end_is_told(tearoom: Tearoom) -> None:
    with pytest.raises(CaptureError) as caught:
        ask(tearoom, "### A\nGET /\n### Drip\nGET /\n", 0.1, main_py=ENDLESS)
    assert str(caught.value) == (
        "'a': no end of the answer within 0.1 s. A stream belongs into a test on `server` "
        "that records it with shown()."
    )
    assert (caught.value.file, caught.value.line) == ("requests.http", 1)


def test_a_value_that_an_answer_lacks_is_told(tearoom: Tearoom) -> None:
    with pytest.raises(CaptureError) as caught:
        ask(tearoom, "### A\nGET /\n### B\nGET /{{a.response.body.sugar}}\n")
    assert str(caught.value) == "'b': an earlier answer has no 'sugar'; see what it answered."
    assert caught.value.line == 3
