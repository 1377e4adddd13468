"""Serve this folder to this computer only, so that the examples in its pages run.

It needs nothing but Python 3.8 or newer. Ctrl+C ends it.
"""

from __future__ import annotations

import argparse
import os
import signal
import socketserver
import sys
import threading
import webbrowser
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import quote, unquote, urlsplit

FOLDER = Path(__file__).resolve().parent
HOST = "127.0.0.1"
# Always the same where it is free: a browser keeps what it stores by address and port.
PORT = 8745
TYPES = {
    ".html": "text/html; charset=utf-8",
    ".htm": "text/html; charset=utf-8",
    ".css": "text/css; charset=utf-8",
    ".js": "text/javascript; charset=utf-8",
    ".mjs": "text/javascript; charset=utf-8",
    ".json": "application/json; charset=utf-8",
    ".txt": "text/plain; charset=utf-8",
    ".svg": "image/svg+xml",
    ".png": "image/png",
    ".ico": "image/x-icon",
    ".woff2": "font/woff2",
    ".wasm": "application/wasm",
}


def find(folder: Path, path: str) -> tuple[Path | None, str | None]:
    """Return the file for a path of the site, or the address to go to instead, or neither.

    Both addresses of a page are known: `map/` leads to `map.html`, a folder to its slash.
    """
    parts = [unquote(part) for part in path.split("/") if part]
    if any(part in (".", "..") or set(part) & set("/\\:\0") for part in parts):
        return None, None
    place = folder.joinpath(*parts)
    address = "/" + "/".join(quote(part) for part in parts)
    if path.endswith("/") and (place / "index.html").is_file():
        return place / "index.html", None
    if not path.endswith("/") and place.is_file():
        return place, None
    if parts and place.with_name(place.name + ".html").is_file():
        return None, address + ".html"
    if not path.endswith("/") and (place / "index.html").is_file():
        return None, address + "/"
    return None, None


class Handler(BaseHTTPRequestHandler):
    """Answers from the folder and says nothing in the terminal."""

    protocol_version = "HTTP/1.1"
    folder = FOLDER

    def do_GET(self) -> None:
        """Answer with a file, with where it is, or with the page of wrong addresses."""
        parts = urlsplit(self.path)
        file, elsewhere = find(self.folder, parts.path)
        if elsewhere is not None:
            query = "?" + parts.query if parts.query else ""
            self.answer(HTTPStatus.FOUND, b"", ".txt", elsewhere + query)
        elif file is not None:
            self.answer(HTTPStatus.OK, file.read_bytes(), file.suffix)
        else:
            lost = self.folder / "404.html"
            body = lost.read_bytes() if lost.is_file() else b"not found"
            self.answer(HTTPStatus.NOT_FOUND, body, ".html")

    do_HEAD = do_GET  # noqa: N815

    def answer(
        self, status: HTTPStatus, body: bytes, suffix: str, location: str | None = None
    ) -> None:
        """Send one answer; a browser asks again each time, for the next copy may be another."""
        self.send_response(status)
        self.send_header("Content-Type", TYPES.get(suffix.lower(), "application/octet-stream"))
        self.send_header("Content-Length", str(len(body)))
        self.send_header("Cache-Control", "no-cache")
        self.send_header("X-Content-Type-Options", "nosniff")
        self.send_header("Content-Security-Policy", "frame-ancestors 'self'")
        if location is not None:
            self.send_header("Location", location)
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body)

    def log_message(self, *_: Any) -> None:
        """Stay silent."""


class Server(ThreadingHTTPServer):
    """Listens on loopback only."""

    daemon_threads = True
    request_queue_size = 64
    # Elsewhere it would let two servers share a port.
    allow_reuse_address = os.name == "posix"

    def server_bind(self) -> None:
        """Bind without looking up the machine's name, which can take seconds."""
        socketserver.TCPServer.server_bind(self)
        self.server_name, self.server_port = HOST, self.server_address[1]

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Say nothing of browsers that hang up; tell of everything else."""
        if not isinstance(sys.exc_info()[1], ConnectionError):
            super().handle_error(request, client_address)


def listen(port: int | None) -> Server:
    """Return a server on this port, or, without one, on the usual or on any free port."""
    if port is not None:
        return Server((HOST, port), Handler)
    try:
        return Server((HOST, PORT), Handler)
    except OSError:
        return Server((HOST, 0), Handler)


def main(arguments: list[str] | None = None) -> int:
    """Serve until Ctrl+C; return 0, or 1 after saying what is wrong."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n", 1)[0])
    parser.add_argument("--port", type=int, help=f"the port to use ({PORT}, if it is free)")
    parser.add_argument("--no-open", action="store_true", help="do not open the browser")
    options = parser.parse_args(arguments)
    try:
        server = listen(options.port)
    except (OSError, OverflowError) as error:
        print(f"Port {options.port} cannot be used: {error}.", file=sys.stderr)
        print("Name another one (--port 8765), or none.", file=sys.stderr)
        return 1
    try:
        serve(server, options.port is None, not options.no_open)
    except KeyboardInterrupt:
        print()
    finally:
        server.server_close()
    return 0


def serve(server: Server, any_port: bool, open_browser: bool) -> None:
    """Say where, and answer until interrupted."""
    address = f"http://{HOST}:{server.server_port}/"
    print(f"Open {address} (Ctrl+C ends)", flush=True)
    if any_port and server.server_port != PORT:
        print(f"Port {PORT} is taken; progress that was marked there is not seen here.", flush=True)
    if open_browser:
        threading.Thread(target=webbrowser.open, args=(address,), daemon=True).start()
    server.serve_forever()


if __name__ == "__main__":
    # A shell that starts it in the background has interrupts ignored.
    signal.signal(signal.SIGINT, signal.default_int_handler)
    raise SystemExit(main())
