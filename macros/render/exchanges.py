"""Shows what was sent to an app and what it really answered, and how to do it at home."""

from __future__ import annotations

import json
from collections.abc import Mapping
from http import HTTPStatus

from macros import at_home
from macros.answers_file import Answer
from macros.bundle import Bundle
from macros.render.markup import box, escape, fence, fold, inline, paragraphs
from macros.render.view import ContentError, View

# Said by the status line and the body, or by the server and not by the app.
_UNREMARKABLE = frozenset({"content-length", "date", "server", "transfer-encoding"})
_LANGUAGES = {
    "application/json": "json",
    "text/html": "html",
    "application/xml": "xml",
    "text/xml": "xml",
    "text/css": "css",
    "text/javascript": "js",
    "application/javascript": "js",
}


def answers(view: View, *names: str) -> str:
    """Return the exchanges of these names, or all: what was sent, what came back."""
    bundle = view.bundle()
    recorded = bundle.answers
    if recorded is None:
        raise view.missing(
            "responses.json", "does not exist. Write requests.http beside it and run `make fix`."
        )
    try:
        chosen = [recorded.get(name) for name in names] if names else list(recorded.answers)
    except KeyError as error:
        raise ContentError(str(error.args[0])) from None
    return box("div.km-answers", paragraphs(_exchange(answer) for answer in chosen))


def run_at_home(view: View) -> str:
    """Return how to install, run and ask the example on the reader's own machine."""
    bundle = view.bundle()
    wanted = at_home.requirements(view.project, bundle, bundle.imports())
    files = _files(bundle)
    parts = [
        f"Save the code as {files}, then install what it imports and start it:",
        fence(
            f"python -m pip install {' '.join(_quoted(each) for each in wanted)}\n"
            f"{at_home.start(bundle)}",
            "sh",
        ),
        _asking(bundle),
    ]
    return fold("Run it at home", paragraphs(parts), css="km-run", anchor="run-at-home")


def _files(bundle: Bundle) -> str:
    """Return the names of the files that the app consists of, as Markdown."""
    own = [name for name in bundle.modules if name == bundle.main or name.startswith("app/")]
    return " and ".join(f"`{name}`" for name in own[:2]) if len(own) < 3 else "the folder `app`"


def _asking(bundle: Bundle) -> str:
    commands, problems = at_home.asking(bundle)
    if problems:
        raise ContentError(f"{problems[0]}")
    if not commands:
        return ""
    return paragraphs(
        ["In a second terminal, send the same requests:", fence("\n\n".join(commands), "sh")]
    )


def _quoted(requirement: str) -> str:
    return f"'{requirement}'" if "[" in requirement else requirement


def _exchange(answer: Answer) -> str:
    anchor = f"answer-{answer.name}"
    request = answer.request
    phrase = HTTPStatus(answer.status).phrase if answer.status in set(HTTPStatus) else ""
    sent = (
        f'<p class="km-answer-title" id="{anchor}-title">{inline(answer.title)}</p>\n'
        f'<p class="km-request"><span class="km-method" data-method="{escape(request.method)}">'
        f'{escape(request.method)}</span> <code class="km-url">{escape(request.url)}</code></p>'
    )
    status = (
        f'<p class="km-status" data-class="{answer.status // 100}xx">'
        f'<span class="km-code">{answer.status}</span> {phrase}</p>'
    )
    parts = [
        sent,
        _headers(request.headers),
        fence(_pretty(request.body), _language(request.headers)) if request.body else "",
        status,
        _headers(_remarkable(answer)),
        _body(answer),
    ]
    return box(f"section#{anchor}.km-answer[aria-labelledby={anchor}-title]", paragraphs(parts))


def _remarkable(answer: Answer) -> dict[str, str]:
    """Return the headers of an answer that tell more than its status and body do."""
    skipped = set(_UNREMARKABLE)
    if answer.is_json:
        skipped.add("content-type")
    return {name: value for name, value in answer.headers.items() if name not in skipped}


def _headers(headers: Mapping[str, str]) -> str:
    if not headers:
        return ""
    rows = [
        f"<div><dt>{escape(name)}</dt><dd><code>{escape(value)}</code></dd></div>"
        for name, values in headers.items()
        # A header that was sent more than once is recorded with a line each.
        for value in values.split("\n")
    ]
    return "\n".join(['<dl class="km-headers">', *rows, "</dl>"])


def _body(answer: Answer) -> str:
    if answer.is_json:
        return fence(json.dumps(answer.body, indent=2, ensure_ascii=False), "json")
    if answer.text:
        return fence(answer.text, _language(answer.headers))
    return ""


def _language(headers: Mapping[str, str]) -> str:
    named = {name.lower(): value for name, value in headers.items()}
    kind = named.get("content-type", "").split(";")[0].strip()
    return "json" if kind.endswith("+json") else _LANGUAGES.get(kind, "text")


def _pretty(body: str) -> str:
    try:
        return json.dumps(json.loads(body), indent=2, ensure_ascii=False)
    except ValueError:
        return body
