from __future__ import annotations

from textwrap import dedent

import pytest

from macros.problems import Problem
from macros.proofs.http_dialect import Reference, fill, parse, slug

FILE = "docs/topics/green-tea/requests.http"


def problems(text: str) -> list[str]:
    found = parse(dedent(text), FILE)[1]
    assert all(problem.file == FILE for problem in found)
    return [f"{problem.line}: {problem.message}" for problem in found]


def test_requests_are_read_one_after_the_other() -> None:
    text = dedent("""\

        ### Brew a cup!
        POST /cups?size=large
        Content-Type: application/json
        X-Empty:

        {"tea":

          "green"}


        ### Drink it
        # @name sip

        GET /cups/{{brew-a-cup.response.body.id}}
        Authorization: Bearer {{ brew-a-cup.response.body.keys[0].token }}
    """)
    (brew, sip), found = parse(text, FILE)
    assert found == []
    assert (brew.name, brew.title, brew.line) == ("brew-a-cup", "Brew a cup!", 2)
    assert (brew.method, brew.url) == ("POST", "/cups?size=large")
    assert brew.headers == (("Content-Type", "application/json"), ("X-Empty", ""))
    assert brew.body == '{"tea":\n\n  "green"}'
    assert (sip.name, sip.body) == ("sip", None)
    assert sip.references == (
        Reference("brew-a-cup", ("body", "id")),
        Reference("brew-a-cup", ("body", "keys", 0, "token")),
    )
    assert sip.header("authorization") is not None


def test_a_file_without_requests_holds_none() -> None:
    assert parse("", FILE) == ((), [])


def test_variables_are_filled_in() -> None:
    text = "/cups/{{brew.response.body.id}}?again={{brew.response.headers.X-Id}}"
    filled = fill(text, lambda reference: f"<{reference.path[-1]}>")
    assert filled == "/cups/<id>?again=<x-id>"


def test_a_name_is_made_from_the_title() -> None:
    assert slug("Log in: a user's token") == "log-in-a-user-s-token"


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("GET /\n### A\nGET /", "1: a request begins with '### Title'. Put a title above this."),
        ("###\nGET /", "1: a request needs a title: '### What it does'."),
        ("### A\n", "1: 'A' has no request line. Add one such as 'GET /items'."),
        (
            "### A\nGT /",
            "2: 'GT' is no method. Write one such as 'GET /items'. Did you mean 'GET'?",
        ),
        (
            "### A\nGET / HTTP/1.1",
            "2: a request line is a method and a URL. Write %20 for a space.",
        ),
        (
            "### A\nGET http://tea.test/",
            "2: the URL 'http://tea.test/' must start with '/': it is sent to this app.",
        ),
        (
            '### A\nPOST /\n{"a": 1}',
            "3: not a header such as 'Accept: text/html'. Put a blank line above a body.",
        ),
        ("### A\n# later\nGET /", "2: only '# @name its-name' may follow a '#' here."),
        (
            "### A\n# @name A_B\nGET /",
            "2: 'A_B' is no name: lower-case words joined by hyphens.",
        ),
        (
            "### A\nGET /\n### B\n# @name a\nGET /",
            "4: the request in line 1 is named 'a' too. "
            "Give this one another title or a '# @name'.",
        ),
        ("### A\nPOST /\n\n< ./a.json", "4: a body is typed here; it cannot come from a file."),
        (
            "### Brew\nGET /\n### B\nGET /{{brw.response.body.id}}",
            "4: no request above this one is named 'brw'. Did you mean 'brew'?",
        ),
        (
            "### A\nGET /{{host}}",
            "2: '{{host}}' is not understood. Write {{name.response.body.key}} "
            "or {{name.response.headers.key}}.",
        ),
        (
            "### A\nGET /\n### B\nGET /{{a.response.body.items[*].id}}",
            "4: '{{a.response.body.items[*].id}}' is not understood. Write "
            "{{name.response.body.key}} or {{name.response.headers.key}}.",
        ),
    ],
)
def test_what_is_outside_the_dialect_is_told_with_its_line(text: str, expected: str) -> None:
    assert problems(text) == [expected]


def test_all_problems_are_told_at_once_and_the_good_requests_kept() -> None:
    requests, found = parse("### A\nGT /\n### B\nGET /\n### C\nGET x\n", FILE)
    assert [problem.line for problem in found] == [2, 6]
    assert [request.name for request in requests] == ["b"]
    assert isinstance(found[0], Problem)
