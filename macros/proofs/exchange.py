"""Send a bundle's requests to its app in process; run as a module, in a process of its own.

The parent (`macros.proofs.answers`) names folders; each gets the answers, or why there are none.
"""

from __future__ import annotations

import asyncio
import json
import shutil
import sys
import tempfile
import traceback
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import httpx2

from macros.answers_file import Answer, SentRequest
from macros.proofs import asgi, json_paths
from macros.proofs.curl import BASE
from macros.proofs.http_dialect import Reference, Request, fill, parse
from macros.proofs.isolation import Isolation, working_in
from macros.regions import read_file

TIME_LIMIT = 10.0  # seconds for one answer
# What curl sends by itself, so that a reader who pastes the command gets the same answer.
CLIENT_HEADERS = {"accept": "*/*", "user-agent": "curl/8.15.0"}


class CaptureError(Exception):
    """The answers of a bundle could not be captured: the file, the line, and the reason."""

    def __init__(self, file: str, line: int, message: str) -> None:
        super().__init__(message)
        self.file = file
        self.line = line


def capture(folder: Path, requests: Iterable[Request], limit: float = TIME_LIMIT) -> list[Answer]:
    """Return what the app of a bundle answers; CaptureError with file and line where it does not.

    The app runs in a copy of the folder: what it writes is thrown away.
    """
    with tempfile.TemporaryDirectory(prefix="answers-") as temporary:
        copy = Path(temporary).resolve() / folder.name
        shutil.copytree(folder, copy, ignore=shutil.ignore_patterns("__pycache__", "outputs"))
        with Isolation(copy), working_in(copy):
            try:
                return asyncio.run(_send_all(copy, tuple(requests), limit))
            except CaptureError:
                raise
            except (Exception, SystemExit) as error:
                raise _explained(error, copy) from error


def value_in(answers: Mapping[str, Answer], reference: Reference) -> str:
    """Return the value that a variable stands for; LookupError if the answer does not have it."""
    value = json_paths.look_up(parts_of(answers[reference.request]), reference.path)
    if isinstance(value, str):
        return value
    return json.dumps(value, ensure_ascii=False)


def parts_of(answer: Answer) -> dict[str, Any]:
    """Return an answer as the tree that paths lead into."""
    if answer.is_json:
        return {"headers": dict(answer.headers), "body": answer.body}
    return {"headers": dict(answer.headers), "text": answer.text}


def sent(request: Request, answers: Mapping[str, Answer]) -> SentRequest:
    """Return a request with its variables filled in from earlier answers."""

    def value(reference: Reference) -> str:
        return value_in(answers, reference)

    headers: dict[str, str] = {}
    for name, text in request.headers:
        headers[name] = ", ".join(filter(None, [headers.get(name), fill(text, value)]))
    body = None if request.body is None else fill(request.body, value)
    return SentRequest(request.method, fill(request.url, value), headers, body)


async def _send_all(folder: Path, requests: tuple[Request, ...], limit: float) -> list[Answer]:
    answers: dict[str, Answer] = {}
    async with asgi.running(asgi.load_app(folder)) as app:
        for request in requests:
            answers[request.name] = await _send(app, request, answers, limit)
    return list(answers.values())


async def _send(
    app: asgi.App, request: Request, answers: Mapping[str, Answer], limit: float
) -> Answer:
    def stop(message: str) -> CaptureError:
        return CaptureError("requests.http", request.line, f"'{request.name}': {message}")

    try:
        filled = sent(request, answers)
    except LookupError as error:
        raise stop(f"an earlier answer has no {error.args[0]!r}; see what it answered.") from error
    if not filled.url.startswith("/"):
        raise stop(f"the URL became '{filled.url}'. Use one that starts with '/'.")
    transport = httpx2.ASGITransport(app, client=("127.0.0.1", 50000))
    # A client for each request: cookies of one answer do not go into the next request.
    async with httpx2.AsyncClient(transport=transport) as client:
        headers = [
            (name, fill(text, lambda reference: value_in(answers, reference)))
            for name, text in request.headers
        ]
        given = {name.lower() for name, _ in headers}
        message = httpx2.Request(
            filled.method,
            BASE + filled.url,
            headers=[each for each in CLIENT_HEADERS.items() if each[0] not in given] + headers,
            content=content_of(filled),
        )
        try:
            async with asyncio.timeout(limit):
                response = await client.send(message)
        except TimeoutError as error:
            raise stop(
                f"no end of the answer within {limit:g} s. A stream belongs into a test on "
                "`server` that records it with shown()."
            ) from error
        except httpx2.HTTPError as error:
            raise stop(f"{error}.") from error
    return answer_of(request, filled, response)


def content_of(filled: SentRequest) -> bytes | None:
    """Return the body as it is sent: a multipart body is typed with plain line ends."""
    if filled.body is None:
        return None
    content_type = {name.lower(): value for name, value in filled.headers.items()}
    if content_type.get("content-type", "").lower().startswith("multipart/"):
        return (filled.body.replace("\n", "\r\n") + "\r\n").encode()
    return filled.body.encode()


def answer_of(request: Request, filled: SentRequest, response: httpx2.Response) -> Answer:
    """Return a response in the terms of what is recorded."""
    headers: dict[str, str] = {}
    for name, value in response.headers.multi_items():
        headers[name] = f"{headers[name]}\n{value}" if name in headers else value
    kind = response.headers.get("content-type", "").split(";")[0].strip().lower()
    body, is_json = None, kind == "application/json" or kind.endswith("+json")
    if is_json:
        try:
            body = json.loads(response.content)
        except ValueError:
            is_json = False
    return Answer(
        name=request.name,
        title=request.title,
        request=filled,
        status=response.status_code,
        headers=headers,
        body=body,
        text=None if is_json else _text(response, kind),
        is_json=is_json,
    )


def _text(response: httpx2.Response, kind: str) -> str:
    try:
        text = response.content.decode(response.charset_encoding or "utf-8")
    except (UnicodeDecodeError, LookupError):
        text = "\0"
    return f"({len(response.content)} bytes of {kind or 'unknown type'})" if "\0" in text else text


def _explained(error: BaseException, folder: Path) -> CaptureError:
    inside = [
        frame
        for frame in traceback.extract_tb((error.__cause__ or error).__traceback__)
        if frame.filename.startswith(f"{folder}/")
    ]
    message = f"{type(error).__name__}: {str(error).strip() or 'no reason given'}"
    if isinstance(error, SyntaxError) and str(error.filename).startswith(f"{folder}/"):
        return CaptureError(
            str(Path(error.filename or "").relative_to(folder)), error.lineno or 0, message
        )
    if not inside:
        return CaptureError("main.py", 0, message)
    file = Path(inside[-1].filename).relative_to(folder).as_posix()
    return CaptureError(file, inside[-1].lineno or 0, message)


def main(into: Path, folders: Iterable[Path], limit: float = TIME_LIMIT) -> None:
    """Write a JSON line for each folder: its answers, or the file, the line and the reason."""
    from macros.proofs.recording import as_data

    with into.open("w", encoding="utf-8") as out:
        for folder in folders:
            requests, _ = parse(read_file(folder / "requests.http"), "requests.http")
            result: dict[str, Any]
            try:
                result = {"answers": [as_data(each) for each in capture(folder, requests, limit)]}
            except CaptureError as error:
                result = {"file": error.file, "line": error.line, "message": str(error)}
            out.write(json.dumps({"folder": str(folder), **result}) + "\n")
            out.flush()


if __name__ == "__main__":
    main(Path(sys.argv[1]), [Path(folder) for folder in sys.argv[2:]])
