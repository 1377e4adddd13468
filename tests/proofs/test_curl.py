from __future__ import annotations

import shutil
import subprocess
from textwrap import dedent

import anyio
import pytest

from macros.proofs.curl import as_curl
from macros.proofs.exchange import capture
from macros.proofs.http_dialect import Request, parse
from macros.proofs.server import serve
from tests.proofs.tearoom import Tearoom


def requests(text: str) -> tuple[Request, ...]:
    found, problems = parse(dedent(text), "requests.http")
    assert problems == []
    return found


def curl(text: str) -> str:
    return as_curl(requests("### A\n" + dedent(text))[0])


BASE = "http://127.0.0.1:8000"


@pytest.mark.parametrize(
    ("text", "command"),
    [
        ("GET /", f"curl {BASE}/"),
        ("GET /cups?a=1&b=2", f"curl '{BASE}/cups?a=1&b=2'"),
        ("GET /cups?id[]=1", f"curl -g '{BASE}/cups?id[]=1'"),
        ("GET /a/../b", f"curl --path-as-is {BASE}/a/../b"),
        ("HEAD /", f"curl -I {BASE}/"),
        ("DELETE /cups/1", f"curl -X DELETE {BASE}/cups/1"),
        ("POST /cups", f"curl -X POST {BASE}/cups"),
        ("GET /\nX-Tea: it's green", f"curl {BASE}/ -H 'X-Tea: it'\"'\"'s green'"),
        ("GET /\nX-Tea:", f"curl {BASE}/ -H 'X-Tea;'"),
        ("GET /\nCookie: a=1; b=2", f"curl {BASE}/ -b 'a=1; b=2'"),
        (
            'PUT /\nContent-Type: application/json\n\n{"a": 1}',
            f"curl -X PUT {BASE}/ --json '{{\"a\": 1}}'",
        ),
        (
            "POST /\nContent-Type: application/json\n\n{broken",
            f"curl {BASE}/ -H 'Content-Type: application/json' --data-binary '{{broken'",
        ),
        (
            "POST /\nContent-Type: application/x-www-form-urlencoded\n\na=1&b=2",
            f"curl {BASE}/ -d 'a=1&b=2'",
        ),
        ("POST /\n\ntea", f"curl {BASE}/ -H 'Content-Type:' --data-binary 'tea'"),
        (
            "POST /\nContent-Type: text/plain\n\nhot\ntea",
            f"curl {BASE}/ \\\n  -H 'Content-Type: text/plain' \\\n  --data-binary 'hot\ntea'",
        ),
    ],
)
def test_a_request_is_written_as_a_command(text: str, command: str) -> None:
    assert curl(text) == command


CHAIN = """\
    ### Log in
    POST /token

    ### Brew
    POST /cups
    Authorization: Bearer {{log-in.response.body.access_token}}

    ### Sip
    GET {{brew.response.headers.location}}
    X-Price: $1 {{log-in.response.body.access_token}}
"""


def test_values_of_earlier_answers_are_shell_variables() -> None:
    chain = requests(CHAIN)
    assert [as_curl(request, chain) for request in chain] == [
        f"LOG_IN=$(curl -s -X POST {BASE}/token)\n"
        'echo "$LOG_IN"\n'
        "ACCESS_TOKEN=$(python -c 'import json, sys; "
        'print(json.loads(sys.argv[1])["access_token"])\' "$LOG_IN")',
        f"BREW=$(curl -s -D headers.txt -X POST {BASE}/cups \\\n"
        '  -H "Authorization: Bearer ${ACCESS_TOKEN}")\n'
        'echo "$BREW"\n'
        "LOCATION=$(sed -n 's/^location: //p' headers.txt | tr -d '\\r')",
        f'curl "{BASE}${{LOCATION}}" -H "X-Price: \\$1 ${{ACCESS_TOKEN}}"',
    ]


def test_variables_of_the_same_key_are_told_apart() -> None:
    chain = requests("""\
        ### Ada
        POST /token
        ### Bob
        POST /token
        ### Sip
        GET /{{ada.response.body.id}}/{{bob.response.body.id}}
    """)
    assert as_curl(chain[2], chain) == f'curl "{BASE}/${{ADA_ID}}/${{BOB_ID}}"'


PASTED = """\
    ### First
    GET /cups?a=1&b[]=2
    X-Tea: it's "green" & $hot

    ### Second
    POST /cups/{{first.response.body.visitor}}
    Content-Type: application/json
    Accept: application/json

    {"cup": "{{first.response.body.leaf}}", "say": "it's $1 `now`"}

    ### Third
    PUT {{second.response.headers.location}}
    Content-Type: text/plain

    {{first.response.headers.content-type}}
    of tea

    ### Fourth
    POST /form
    Content-Type: application/x-www-form-urlencoded

    a=1&b=%C3%A9+2
"""


@pytest.mark.skipif(not shutil.which("curl"), reason="curl is not installed")
async def test_pasted_commands_get_the_recorded_answers(tearoom: Tearoom) -> None:
    folder = tearoom.add("green-tea")
    chain = requests(PASTED)
    recorded = await anyio.to_thread.run_sync(capture, folder, chain)
    async with serve("main:app", cwd=folder) as url:
        commands = "\n".join(as_curl(request, chain, base=url) for request in chain)
        pasted = subprocess.run(
            ["bash", "-ec", f'python() {{ python3 "$@"; }}\n{commands}'],
            cwd=tearoom.project.root,
            capture_output=True,
            text=True,
            check=True,
        )
    for answer in recorded:
        for part in ("method", "path", "query", "body"):
            seen = answer.body[part]
            text = seen.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")
            assert f'"{part}": "{text}"' in pasted.stdout, (answer.name, part)
    assert '"x-tea": "it\'s \\"green\\" & $hot"' in pasted.stdout


@pytest.mark.skipif(not shutil.which("curl"), reason="curl is not installed")
async def test_a_pasted_form_with_files_arrives(tearoom: Tearoom) -> None:
    folder = tearoom.add("green-tea")
    (request,) = requests("""\
        ### Send
        POST /form
        Content-Type: multipart/form-data; boundary=cup

        --cup
        Content-Disposition: form-data; name="tea"

        green; "hot"
        --cup
        Content-Disposition: form-data; name="leaf"; filename="leaf.txt"
        Content-Type: text/plain

        one
        two
        --cup--
    """)
    (answer,) = await anyio.to_thread.run_sync(capture, folder, [request])
    recorded = answer.body["body"]
    async with serve("main:app", cwd=folder) as url:
        command = as_curl(request, base=url)
        pasted = subprocess.run(["bash", "-c", command], capture_output=True, text=True, check=True)
    assert 'name=\\"tea\\"\\r\\n\\r\\ngreen; \\"hot\\"\\r\\n' in pasted.stdout
    assert (
        'filename=\\"leaf.txt\\"\\r\\nContent-Type: text/plain\\r\\n\\r\\none\\ntwo\\r\\n'
        in pasted.stdout
    )
    assert 'name="tea"\r\n\r\ngreen; "hot"\r\n--cup\r\n' in recorded
    assert recorded.endswith("--cup--\r\n")
