"""Serve a folder on loopback as a static host would: compressed, with its own 404 page."""

from __future__ import annotations

import contextlib
import functools
import gzip
import threading
from collections.abc import Iterator
from http import HTTPStatus
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

COMPRESSED = (".html", ".css", ".js", ".json", ".svg", ".xml", ".txt")


class _Handler(SimpleHTTPRequestHandler):
    """Answers from one folder below a prefix, compressed, and logs nothing."""

    protocol_version = "HTTP/1.1"
    prefix = "/"
    headers_for_all: tuple[tuple[str, str], ...] = ()

    def do_GET(self) -> None:
        path = self.path.split("?", 1)[0].split("#", 1)[0]
        if not path.startswith(self.prefix):
            return self._answer(HTTPStatus.NOT_FOUND, b"outside the site", "text/plain")
        file = Path(self.directory) / path.removeprefix(self.prefix)
        if file.is_dir() and not path.endswith("/"):
            self.send_response(HTTPStatus.MOVED_PERMANENTLY)
            self.send_header("Location", path + "/")
            self.send_header("Content-Length", "0")
            return self.end_headers()
        if file.is_dir():
            file = file / "index.html"
        if not file.is_file():
            missing = Path(self.directory) / "404.html"
            body = missing.read_bytes() if missing.is_file() else b"not found"
            return self._answer(HTTPStatus.NOT_FOUND, body, "text/html; charset=utf-8")
        return self._answer(HTTPStatus.OK, file.read_bytes(), self.guess_type(str(file)), file)

    def _answer(self, status: HTTPStatus, body: bytes, kind: str, file: Path | None = None) -> None:
        self.send_response(status)
        if "gzip" in self.headers.get("Accept-Encoding", "") and (
            file is None or file.suffix in COMPRESSED
        ):
            body = _compress(body)
            self.send_header("Content-Encoding", "gzip")
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(body)))
        for name, value in self.headers_for_all:
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: Any) -> None:
        """Stay silent."""


@functools.cache
def _compress(body: bytes) -> bytes:
    return gzip.compress(body, 6)


@contextlib.contextmanager
def serving(
    folder: Path, prefix: str = "/", headers: tuple[tuple[str, str], ...] = ()
) -> Iterator[str]:
    """Serve the folder on a free loopback port below the prefix; yield the address of its root."""
    handler = type("Handler", (_Handler,), {"prefix": prefix, "headers_for_all": headers})
    bound = functools.partial(handler, directory=str(folder))
    with ThreadingHTTPServer(("127.0.0.1", 0), bound) as server:
        server.daemon_threads = True
        thread = threading.Thread(target=server.serve_forever, daemon=True)
        thread.start()
        try:
            yield f"http://127.0.0.1:{server.server_port}{prefix}"
        finally:
            server.shutdown()
            thread.join()
