"""Run an ASGI app in process the way a server does: lifespan, state, errors."""

from __future__ import annotations

import asyncio
import importlib
import logging
from collections.abc import AsyncIterator, Awaitable, Callable, MutableMapping
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import httpx2

Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
App = Callable[[Message, Receive, Send], Awaitable[None]]

_log = logging.getLogger("asgi")


def load_app(folder: Path) -> App:
    """Return the app of a bundle that is importable now."""
    module, _, name = app_path(folder).partition(":")
    app: App = getattr(importlib.import_module(module), name)
    return app


def app_path(folder: Path) -> str:
    """Return where a bundle's app is: `main:app`, or `app.main:app` where there is no main.py."""
    is_package = (folder / "app" / "main.py").is_file() and not (folder / "main.py").is_file()
    return "app.main:app" if is_package else "main:app"


@asynccontextmanager
async def running(app: App, *, raise_app_exceptions: bool = False) -> AsyncIterator[App]:
    """Start an app by the lifespan protocol, yield it ready for requests, shut it down.

    An exception in the app becomes a 500 and a log record, as under a server. Raises RuntimeError
    if the app fails to start or to stop; an app that does not speak the protocol just runs.
    """
    state: dict[str, Any] = {}
    events: asyncio.Queue[Message] = asyncio.Queue()
    replies: asyncio.Queue[Message] = asyncio.Queue()
    scope = {"type": "lifespan", "asgi": {"version": "3.0", "spec_version": "2.0"}, "state": state}

    async def speak() -> None:
        await app(scope, events.get, replies.put)

    conversation = asyncio.create_task(speak())
    try:
        speaks = await _ask("startup", conversation, events, replies)
        yield _served(app, state, raise_app_exceptions)
        if speaks:
            await _ask("shutdown", conversation, events, replies)
    finally:
        conversation.cancel()
        await asyncio.wait({conversation})
        if not conversation.cancelled():
            conversation.exception()


async def _ask(
    what: str,
    conversation: asyncio.Task[None],
    events: asyncio.Queue[Message],
    replies: asyncio.Queue[Message],
) -> bool:
    await events.put({"type": f"lifespan.{what}"})
    reply = asyncio.create_task(replies.get())
    await asyncio.wait({conversation, reply}, return_when=asyncio.FIRST_COMPLETED)
    if not reply.done():
        reply.cancel()
        return False
    answer = reply.result()
    if answer["type"] == f"lifespan.{what}.failed":
        await asyncio.wait({conversation}, timeout=1)
        cause = conversation.exception() if conversation.done() else None
        lines = str(answer.get("message") or cause or "no reason given").strip().splitlines()
        raise RuntimeError(f"lifespan {what} failed: {lines[-1]}") from cause
    return True


def _served(app: App, state: dict[str, Any], raise_app_exceptions: bool) -> App:
    async def served(scope: Message, receive: Receive, send: Send) -> None:
        scope["state"] = state.copy()
        started = complete = False

        async def watched(message: Message) -> None:
            nonlocal started, complete
            if message["type"] == "http.response.start":
                started = True
            elif message["type"] == "http.response.body":
                complete = complete or not message.get("more_body", False)
            await send(message)

        try:
            await app(scope, receive, watched)
        except Exception as error:
            if raise_app_exceptions:
                raise
            _log.exception("Exception in ASGI application")
            if complete:
                return
            if started:
                message = "peer closed connection without sending complete message body"
                raise httpx2.RemoteProtocolError(message) from error
            headers = [(b"content-type", b"text/plain; charset=utf-8")]
            await send({"type": "http.response.start", "status": 500, "headers": headers})
            await send({"type": "http.response.body", "body": b"Internal Server Error"})

    return served
