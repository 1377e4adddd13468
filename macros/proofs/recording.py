"""Write responses.json, and tell a changed answer from one that merely varies."""

from __future__ import annotations

import difflib
import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from typing import Any

from macros.answers_file import Answer, Answers
from macros.proofs import json_paths
from macros.proofs.exchange import parts_of, sent
from macros.proofs.http_dialect import Request


def as_data(answer: Answer) -> dict[str, Any]:
    """Return an answer in the format of responses.json."""
    request = answer.request
    return {
        "name": answer.name,
        "title": answer.title,
        "request": {
            "method": request.method,
            "url": request.url,
            "headers": dict(request.headers),
            "body": request.body,
        },
        "status": answer.status,
        "headers": dict(answer.headers),
        **({"body": answer.body} if answer.is_json else {"text": answer.text}),
    }


def dump(answers: Answers) -> str:
    """Return the text of responses.json."""
    data = {"inputs": answers.inputs, "answers": [as_data(each) for each in answers.answers]}
    return json.dumps(data, indent=2, ensure_ascii=False) + "\n"


def settle(
    fresh: Sequence[Answer],
    stored: Mapping[str, Answer],
    requests: Mapping[str, Request],
    volatile: Mapping[str, Sequence[str]],
) -> list[Answer]:
    """Return what to store: an answer that only varies stays the one already stored.

    The requests then hold the values of the answers they are stored with.
    """
    settled: dict[str, Answer] = {}
    for answer in fresh:
        known = stored.get(answer.name)
        paths = volatile.get(answer.name, ())
        kept = known if known is not None and _same(known, answer, paths) else answer
        try:
            request = sent(requests[answer.name], settled)
        except LookupError:  # What varies may also lack what a later request needs.
            return list(fresh)
        settled[answer.name] = replace(kept, title=answer.title, request=request)
    return list(settled.values())


def unmatched(answer: Answer, paths: Iterable[str]) -> list[str]:
    """Return the volatile paths that lead nowhere in this answer, with what is wrong."""
    wrong = []
    for path in paths:
        try:
            if not json_paths.mask(parts_of(answer), json_paths.parse(path))[1]:
                wrong.append(f"'{path}' is not in the answer to '{answer.name}'.")
        except ValueError as error:
            wrong.append(str(error))
    return wrong


def difference(stored: Answer | None, fresh: Answer | None) -> str:
    """Return how an answer changed, as the lines of a diff."""
    before, after = ([] if each is None else _lines(each) for each in (stored, fresh))
    return "\n".join(difflib.unified_diff(before, after, "recorded", "now", lineterm=""))


def _same(one: Answer, other: Answer, paths: Iterable[str]) -> bool:
    return one.status == other.status and _masked(one, paths) == _masked(other, paths)


def _masked(answer: Answer, paths: Iterable[str]) -> Any:
    tree: Any = parts_of(answer)
    parsed = [json_paths.parse(path) for path in paths]
    if any(path[0] != "headers" for path in parsed):
        parsed.append(("headers", "content-length"))
    for path in parsed:
        tree, _ = json_paths.mask(tree, path)
    # Compared as text: True equals 1 in Python, but not in an answer; neither does another order.
    return json.dumps(tree)


def _lines(answer: Answer) -> list[str]:
    return json.dumps(as_data(answer), indent=2, ensure_ascii=False).splitlines()
