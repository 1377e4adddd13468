"""Typed code is refused; commands are accepted, what they print is not."""

from __future__ import annotations

import pytest

from macros.rules import typed_code_rules as rules
from tests.unit.bakery import Bakery

PAGE = "index.md"
LEAD = "Kneading lines up gluten"


def typed(bakery: Bakery, text: str) -> int:
    """Put a text above the lead; return the line on which it starts."""
    bakery.change(PAGE, LEAD, f"{text}\n\n{LEAD}")
    return 5


@pytest.mark.parametrize(
    ("fence", "kind"),
    [
        ("```python\nx = 1\n```", "'python'"),
        ("~~~ json\n{}\n~~~", "'json'"),
        ('``` { .toml title="a" }\na = 1\n```', "'toml'"),
        ("```\nplain\n```", "no language"),
        ("- a list\n\n    ```yaml\n    a: 1\n    ```", "'yaml'"),
    ],
)
def test_a_typed_fence(bakery: Bakery, fence: str, kind: str) -> None:
    line = typed(bakery, fence) + fence.split("\n").index(
        next(row for row in fence.split("\n") if row.strip().startswith(("`", "~")))
    )
    assert bakery.problems(rules.only_commands_are_typed) == [
        f"index.md:{line}: a typed fence of {kind}. Put the code into a file of the bundle and "
        "show it by example(), show() or output(), in a question by `snippet`."
    ]


def test_a_shell_fence_of_another_name(bakery: Bakery) -> None:
    line = typed(bakery, "```bash\nls\n```")
    assert bakery.problems(rules.only_commands_are_typed) == [
        f"index.md:{line}: a fence of 'bash'. Name it 'sh'; only commands go in."
    ]


def test_text_that_four_spaces_turn_into_code(bakery: Bakery) -> None:
    line = typed(bakery, "    x = 1")
    assert bakery.problems(rules.only_commands_are_typed) == [
        f"index.md:{line}: four spaces turn this text into code. Remove the indent; code is shown "
        "from a file, by example() or show()."
    ]


def test_a_paragraph_of_a_list_item_is_no_code(bakery: Bakery) -> None:
    typed(bakery, "1. Knead.\n\n    Then rest.\n\n    And rest.\n2. Bake.")
    assert bakery.problems(rules.only_commands_are_typed) == []


def test_a_typed_fence_in_an_answer(bakery: Bakery) -> None:
    bakery.change("questions.yml", "```sh\n      knead --long", "```python\n      knead()")
    line = bakery.line("questions.yml", "```python")
    assert bakery.problems(rules.only_commands_are_typed) == [
        f"questions.yml:{line}: a typed fence of 'python'. Put the code into a file of the bundle "
        "and show it by example(), show() or output(), in a question by `snippet`."
    ]


@pytest.mark.parametrize(
    "output",
    [
        "INFO:     Waiting for the oven",
        "HTTP/1.1 200 OK",
        '{"dough": 1}',
        "127.0.0.1:8000 is taken",
        "Traceback (most recent call last):",
        "<html>",
        "200 OK",
        "error: no oven",
    ],
)
def test_what_a_command_prints(bakery: Bakery, output: str) -> None:
    line = typed(bakery, f"```sh\nbake\n{output}\n```") + 2
    assert bakery.problems(rules.commands_come_without_output) == [
        f"index.md:{line}: '{output}' is no command. Show what a command prints by output()."
    ]


def test_a_prompt(bakery: Bakery) -> None:
    line = typed(bakery, "```sh\n$ bake\n```") + 1
    assert bakery.problems(rules.commands_come_without_output) == [
        f"index.md:{line}: a prompt cannot be pasted. Remove it, and any output."
    ]


def test_a_command_that_does_not_end(bakery: Bakery) -> None:
    line = typed(bakery, "```sh\necho 'bread\n```")
    assert bakery.problems(rules.commands_come_without_output) == [
        f"index.md:{line}: the last command is not finished. Close its quotes."
    ]


@pytest.mark.parametrize(
    "commands",
    [
        "bake --now  # hot",
        "# first\nbake",
        "OVEN=hot FAN=1 bake",
        "export OVEN=hot",
        "bake \\\n  --size LARGE \\\n  --fan",
        "curl -d '{\n  \"dough\": 1\n}' localhost:8000",
        "cat <<EOF > list\nHTTP/1.1\nEOF\nbake",
        "bake |\n  sort && \\\n  eat",
        "./oven/run.sh\n../up\n~/bin/bake",
        "python3.11 -m venv .venv",
        '"$OVEN" --now',
        ". .venv/bin/activate",
        "for loaf in 1 2; do\n  bake\ndone",
    ],
)
def test_commands_may_be_typed(bakery: Bakery, commands: str) -> None:
    typed(bakery, f"```sh\n{commands}\n```")
    assert bakery.problems(rules.only_commands_are_typed) == []
    assert bakery.problems(rules.commands_come_without_output) == []


def test_code_in_html(bakery: Bakery) -> None:
    line = typed(bakery, "<pre><code>x = 1</code></pre>")
    assert bakery.problems(rules.no_code_in_html) == [
        f"index.md:{line}: <pre> types code into the page. Show it from a file."
    ]
