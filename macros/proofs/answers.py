"""Re-run each bundle's requests and compare, or write, what its app answers."""

from __future__ import annotations

import contextlib
import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import Any, Final

from macros.answers_file import FILE, Answers, inputs_hash, parse
from macros.bundle import Bundle, read_bundle
from macros.problems import Problem
from macros.project import Project
from macros.proofs import http_dialect, recording
from macros.proofs.groups import groups
from macros.proofs.http_dialect import Request

REQUESTS: Final = "requests.http"
CI_REFUSES: Final = "nothing is written where CI is set. Run `make fix` and commit what it wrote."
_PATIENCE = 60  # seconds, and as many more for each bundle as one endless answer may take


def capture(
    project: Project,
    ids: Sequence[str],
    *,
    fix: bool = False,
    say: Callable[[str], object] = print,
) -> list[Problem]:
    """Compare what the apps answer with responses.json; with `fix`, write what changed.

    Prints a diff of every changed answer. Returns what changed (without `fix`), what is wrong in a
    requests.http, and which app could not be asked.
    """
    if fix and os.environ.get("CI"):
        return [Problem(FILE, 0, CI_REFUSES)]
    problems: list[Problem] = []
    asked: dict[str, tuple[Bundle, tuple[Request, ...]]] = {}
    for topic_id in ids:
        bundle = read_bundle(project, topic_id)
        if bundle.requests_text is None:
            continue
        requests, wrong = http_dialect.parse(bundle.requests_text, bundle.path(REQUESTS))
        problems += wrong
        if not wrong:
            asked[topic_id] = (bundle, requests)
    for group in groups(project, list(asked)):
        results = _ask(project, group)
        for topic_id in group:
            bundle, requests = asked[topic_id]
            result = results.get(topic_id)
            problems += _Judge(project, bundle, requests, fix, say).judge(result)
    return problems


class _Judge:
    """Compares the answers of one bundle with what is recorded, and writes them."""

    def __init__(
        self,
        project: Project,
        bundle: Bundle,
        requests: Iterable[Request],
        fix: bool,
        say: Callable[[str], object],
    ) -> None:
        self._project = project
        self._bundle = bundle
        self._requests = {request.name: request for request in requests}
        self._fix = fix
        self._say = say
        self._stored = (
            {each.name: each for each in bundle.answers.answers} if bundle.answers else {}
        )

    def judge(self, result: dict[str, Any] | None) -> list[Problem]:
        """Return what is wrong with the answers of the bundle."""
        bundle = self._bundle
        if result is None:
            return [Problem(bundle.path(REQUESTS), 0, "the app was ended before it answered.")]
        if "message" in result:
            return [Problem(bundle.path(result["file"]), result["line"], result["message"])]
        text = json.dumps({"inputs": "", "answers": result["answers"]})
        fresh, problems = parse(text, bundle.path(FILE))
        if fresh is None:
            return problems
        volatile = bundle.settings.volatile
        for answer in fresh.answers:
            wrong = recording.unmatched(answer, volatile.get(answer.name, ()))
            problems += [self._settings_problem(answer.name, each) for each in wrong]
        if problems:
            return problems
        settled = recording.settle(fresh.answers, self._stored, self._requests, volatile)
        now = Answers(inputs_hash(self._project, bundle.folder), tuple(settled))
        changed = self._changed(now)
        if self._fix:
            self._write(recording.dump(now))
            return []
        fix = f"Run `make fix id={bundle.topic_id}`."
        return [Problem(bundle.path(FILE), 0, f"{change} {fix}") for change in changed]

    def _changed(self, now: Answers) -> list[str]:
        new = {answer.name: answer for answer in now.answers}
        changes = []
        for name in dict.fromkeys([*self._stored, *new]):
            before, after = self._stored.get(name), new.get(name)
            if before == after:
                continue
            self._say(f"{self._bundle.path(FILE)}: {name}")
            self._say(recording.difference(before, after))
            if before is None:
                changes.append(f"the answer to '{name}' is not recorded yet.")
            elif after is None:
                changes.append(f"there is no request '{name}' any more.")
            else:
                changes.append(f"the answer to '{name}' has changed.")
        if not changes and list(self._stored) != list(new):
            changes.append("the requests have another order now.")
        return changes

    def _write(self, text: str) -> None:
        path = self._bundle.folder / FILE
        data = text.encode()
        if not path.is_file() or path.read_bytes() != data:
            path.write_bytes(data)
            self._say(f"wrote {self._bundle.path(FILE)}")

    def _settings_problem(self, name: str, message: str) -> Problem:
        source = self._bundle.settings_source
        line = source.line("volatile", name) if source else 0
        return Problem(self._bundle.path("bundle.yml"), line, f"volatile: {message}")


def _ask(project: Project, ids: Sequence[str]) -> dict[str, dict[str, Any]]:
    """Return what each bundle answers, from one process; a bundle it did not reach is left out."""
    with tempfile.TemporaryDirectory(prefix="answers-") as folder:
        into = Path(folder) / "answers.jsonl"
        folders = [str(project.bundle(topic_id)) for topic_id in ids]
        command = [sys.executable, "-m", "macros.proofs.exchange", str(into), *folders]
        with contextlib.suppress(subprocess.TimeoutExpired):
            # What the apps print is theirs; what they answer is in the file.
            subprocess.run(
                command,
                stdin=subprocess.DEVNULL,
                capture_output=True,
                timeout=_PATIENCE + 10 * len(ids),
                check=False,
            )
        lines = into.read_text(encoding="utf-8").splitlines() if into.is_file() else []
    results = [json.loads(line) for line in lines if line.endswith("}")]
    return {Path(result.pop("folder")).name: result for result in results}
