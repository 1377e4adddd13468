"""What the lab knows of one topic: its files, requests, recorded answers and proofs, as JSON."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path
from typing import Any, Final

from macros.bundle import Bundle, proof_name, read_bundle
from macros.bundle_files import read_text
from macros.lab.paths import built_lab
from macros.model import Topic
from macros.project import Project
from macros.proofs import http_dialect
from macros.proofs.recording import as_data
from macros.registry import load

FOLDER: Final = "topics"


def payload(topic: Topic, bundle: Bundle) -> dict[str, Any]:
    """Return all that a page needs to run a topic's app and proofs."""
    files = {**bundle.files, **{f"outputs/{k}.txt": v for k, v in bundle.outputs.items()}}
    tests = "".join(text for name, text in files.items() if name.endswith(".py"))
    for entry in bundle.entries:
        if entry.name not in files and entry.name in tests and (read := read_text(entry)):
            files[entry.name] = read  # a proof reads it
    text = json.dumps(files, sort_keys=True)
    return {
        "id": topic.id,
        "title": topic.title,
        "entry": "app.main:app" if bundle.main.startswith("app/") else "main:app",
        "main": list(bundle.app_files),
        "files": files,
        "requests": _requests(bundle),
        "responses": [as_data(answer) for answer in bundle.answers.answers]
        if bundle.answers
        else [],
        "volatile": {name: list(paths) for name, paths in bundle.settings.volatile.items()},
        "proofs": _proofs(bundle),
        "known": dict(bundle.settings.lab_proofs),
        "hash": hashlib.sha256(text.encode()).hexdigest()[:16],
    }


def write(project: Project) -> None:
    """Write a file a topic into the built lab, where there is one; only what changed."""
    loaded, _ = load(project)
    folder = built_lab(project) / FOLDER
    if loaded is None or not folder.parent.is_dir():
        return
    folder.mkdir(exist_ok=True)
    wanted = set()
    for topic in loaded.registry.topics:
        if topic.planned or topic.lab is not None:
            continue
        path = folder / f"{topic.id}.json"
        wanted.add(path)
        data = payload(topic, read_bundle(project, topic.id))
        _write_changed(path, json.dumps(data, ensure_ascii=False, separators=(",", ":")))
    for stale in set(folder.glob("*.json")) - wanted:
        stale.unlink()


def _requests(bundle: Bundle) -> list[dict[str, Any]]:
    requests, _ = http_dialect.parse(bundle.requests_text or "", bundle.path("requests.http"))
    return [
        {
            "name": request.name,
            "title": request.title,
            "method": request.method,
            "url": request.url,
            "headers": dict(request.headers),
            "body": _sent(request),
        }
        for request in requests
    ]


def _sent(request: http_dialect.Request) -> str | None:
    """Return the body as it is sent: a multipart body is typed with plain line ends."""
    kind = request.header("content-type") or ""
    if request.body is None or not kind.lower().startswith("multipart/"):
        return request.body
    return request.body.replace("\n", "\r\n") + "\r\n"


def _proofs(bundle: Bundle) -> list[dict[str, str | None]]:
    """Return the proofs of the page's gotchas: the anchor, its heading, and the test."""
    found: list[dict[str, str | None]] = []
    for heading in bundle.page.headings if bundle.page else ():
        test = bundle.tests.get(proof_name(heading.id)) if heading.id else None
        if test is not None:
            found.append(
                {"id": heading.id, "title": heading.title, "name": test.name, "file": test.file}
            )
    return found


def _write_changed(path: Path, text: str) -> None:
    if not path.is_file() or path.read_text(encoding="utf-8") != text:
        path.write_text(text, encoding="utf-8")
