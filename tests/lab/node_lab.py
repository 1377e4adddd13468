"""The built lab under Node: one start of Python, then apps, requests and proofs one by one."""

from __future__ import annotations

import base64
import json
import subprocess
import threading
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from macros.lab.paths import built_lab
from macros.project import Project
from macros.tools import node

PATIENCE = 120
HOST = Path(__file__).with_name("host.mjs")


class NodeLab:
    """Speaks with the lab's worker; every call waits for what comes of it."""

    def __init__(self, project: Project) -> None:
        self._process = subprocess.Popen(
            [node.node(), str(HOST), str(built_lab(project))],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        self.ready = self._read()
        assert self.ready["type"] == "ready", self.ready

    def load(self, topic: Mapping[str, Any], files: Mapping[str, str] | None = None) -> Any:
        """Start a topic's app; return whether that worked, or the error."""
        message = {"topic": topic["id"], "files": files or topic["files"], "entry": topic["entry"]}
        return self.call("load", **message)["result"]

    def request(
        self, method: str, path: str, headers: list[tuple[str, str]], body: bytes | None = None
    ) -> dict[str, Any]:
        """Send one request; return status, headers, body, log, and what ended it."""
        sent = base64.b64encode(body).decode() if body is not None else None
        answer = self.call("request", method=method, path=path, headers=headers, body=sent)
        return answer | {"body": base64.b64decode(answer["body"])}

    def proofs(
        self, topic: Mapping[str, Any], only: list[str] | None = None, **files: str
    ) -> dict[str, Any]:
        """Run a topic's proofs; return the counts as `result` and each result."""
        message = {"topic": topic["id"], "files": topic["files"] | files, "only": only}
        message |= {"known": topic["known"], "verify": True}
        return self.call("proofs", **message)

    def call(self, kind: str, **facts: Any) -> dict[str, Any]:
        """Send one message to the worker; return what came back."""
        assert self._process.stdin is not None
        self._process.stdin.write(json.dumps({"type": kind, **facts}) + "\n")
        self._process.stdin.flush()
        return self._read()

    def close(self) -> None:
        """End the process."""
        assert self._process.stdin is not None
        self._process.stdin.close()
        self._process.wait(20)

    def _read(self) -> dict[str, Any]:
        assert self._process.stdout is not None
        ended = threading.Timer(PATIENCE, self._process.kill)
        ended.start()
        line = self._process.stdout.readline()
        ended.cancel()
        assert line, f"the lab's process has ended, or was silent for {PATIENCE} s"
        return dict(json.loads(line))
