"""One HTTP request to the app, as a server hands it over; the answer is told piece by piece."""

import asyncio
from urllib.parse import unquote_to_bytes

# What curl sends by itself, as the recorded answers were asked for.
DEFAULTS = {b"host": b"127.0.0.1:8000", b"user-agent": b"curl/8.15.0", b"accept": b"*/*"}


def scope_of(kind, path, headers, body=None):
    """Return the ASGI scope of a request or of a WebSocket's handshake."""
    raw, _, query = path.partition("?")
    given = [(name.lower().encode("latin-1"), value.encode("latin-1")) for name, value in headers]
    names = {name for name, _ in given}
    before = [item for item in DEFAULTS.items() if item[0] not in names]
    if body and not names & {b"content-length", b"transfer-encoding"}:
        given.append((b"content-length", str(len(body)).encode()))
    raw_path = raw.encode("ascii", "surrogateescape") if raw.isascii() else _quoted(raw)
    return {
        "type": kind,
        "asgi": {"version": "3.0", "spec_version": "2.3"},
        "http_version": "1.1",
        "scheme": "ws" if kind == "websocket" else "http",
        "path": unquote_to_bytes(raw_path).decode("utf-8", "replace"),
        "raw_path": raw_path,
        "query_string": query.encode("ascii") if query.isascii() else _quoted(query),
        "root_path": "",
        "headers": [*before, *given],
        "client": ("127.0.0.1", 50000),
        "server": ("127.0.0.1", 8000),
        "extensions": {},
    }


def _quoted(text):
    from urllib.parse import quote

    return quote(text, safe="/%?&=;:@+$,!*'()~").encode()


class Exchange:
    """A request under way: `head` and `chunk` are told as the app sends them."""

    def __init__(self, head, chunk):
        self._head = head
        self._chunk = chunk
        self._gone = asyncio.Event()
        self._bodiless = False

    async def run(self, app, method, path, headers, body):
        """Send the request; return once the app has answered and is done."""
        scope = scope_of("http", path, headers, body) | {"method": method.upper()}
        self._bodiless = scope["method"] == "HEAD"
        sent = False

        async def receive():
            nonlocal sent
            if not sent:
                sent = True
                return {"type": "http.request", "body": body or b"", "more_body": False}
            await self._gone.wait()
            return {"type": "http.disconnect"}

        await app(scope, receive, self._send)

    def disconnect(self):
        """Tell the app that nobody reads the answer any more."""
        self._gone.set()

    async def _send(self, message):
        if message["type"] == "http.response.start":
            headers = [(k.decode("latin-1"), v.decode("latin-1")) for k, v in message["headers"]]
            self._head(message["status"], headers)
        elif message["type"] == "http.response.body":
            if message.get("body") and not self._bodiless:
                self._chunk(message["body"])
            if not message.get("more_body"):
                self._gone.set()
        # A server's write lets other work go on, and so the pieces leave one by one.
        await asyncio.sleep(0)
