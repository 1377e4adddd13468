"""A WebSocket to the app: what either side says is told as it is said."""

import asyncio

from lab.http import scope_of


class Socket:
    """One connection; `tell(kind, **facts)` hears of open, message and close."""

    def __init__(self, tell):
        self._tell = tell
        self._incoming = asyncio.Queue()
        self._state = "connecting"
        self._incoming.put_nowait({"type": "websocket.connect"})

    async def run(self, app, path, headers, subprotocols):
        """Speak with the app until either side closes."""
        scope = scope_of("websocket", path, headers) | {"subprotocols": list(subprotocols)}
        try:
            await app(scope, self._incoming.get, self._send)
        finally:
            self._close(1006 if self._state == "open" else 1000, "")

    def send(self, data):
        """Hand a message of the reader to the app."""
        key = "text" if isinstance(data, str) else "bytes"
        self._incoming.put_nowait({"type": "websocket.receive", key: data})

    def close(self, code=1000, reason=""):
        """Close from the reader's side."""
        event = {"type": "websocket.disconnect", "code": code, "reason": reason}
        self._incoming.put_nowait(event)
        self._close(code, reason)

    async def _send(self, message):
        kind = message["type"]
        if kind == "websocket.accept":
            self._state = "open"
            headers = [
                (k.decode("latin-1"), v.decode("latin-1")) for k, v in message.get("headers") or ()
            ]
            self._tell("open", subprotocol=message.get("subprotocol"), headers=headers)
        elif kind == "websocket.send":
            if self._state == "closed":
                raise RuntimeError("the WebSocket is closed")
            text = message.get("text")
            self._tell("message", data=text if text is not None else message.get("bytes") or b"")
        elif kind == "websocket.close":
            refused = self._state == "connecting"
            code = 1006 if refused else message.get("code") or 1000
            reason = (
                "the app refused the connection (403)" if refused else message.get("reason") or ""
            )
            self._close(code, reason)
            self._incoming.put_nowait({"type": "websocket.disconnect", "code": code})
        await asyncio.sleep(0)

    def _close(self, code, reason):
        if self._state != "closed":
            self._state = "closed"
            self._tell("close", code=code, reason=reason)
