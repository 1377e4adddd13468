"""The running app: started and stopped by the lifespan protocol, as a server does."""

import asyncio
import contextlib
import gc
import logging
import random
import sys
import time

from lab import errors, extensions, threads
from lab.bundle import Bundle
from lab.http import Exchange
from lab.websocket import Socket

from macros.proofs import asgi

extensions.install()
threads.install()
logging.getLogger("asgi").setLevel(logging.CRITICAL + 1)  # the answer tells the exception itself


class Server:
    """One app at a time; loading another ends the one before."""

    def __init__(self):
        self._app = None
        self._stack = None
        self._under_way = {}
        self._initial = set(sys.modules)

    async def load(self, topic, files, entry):
        """Import the files and start the app; return what came of it as plain data."""
        await self.unload()
        began = time.perf_counter()
        random.seed()  # the snapshot's generator would say the same on every visit
        phase = "import"
        try:
            app = Bundle(topic, files).load(entry)
            phase = "startup"
            self._stack = contextlib.AsyncExitStack()
            served = asgi.running(app, raise_app_exceptions=True)
            self._app = await self._stack.enter_async_context(served)
        except asyncio.CancelledError:
            raise
        except BaseException as error:
            self._stack = None
            return {"ok": False, "error": errors.told(error, phase)}
        return {"ok": True, "ms": (time.perf_counter() - began) * 1000}

    async def unload(self):
        """Stop the app: end what is under way, then its lifespan; a hanging one is left behind."""
        for exchange in list(self._under_way.values()):
            exchange.disconnect() if isinstance(exchange, Exchange) else exchange.close(1012)
        stack, self._stack, self._app = self._stack, None, None
        if stack is not None:
            with contextlib.suppress(Exception):
                async with asyncio.timeout(2):
                    await stack.aclose()
        _reset_logging()
        gc.collect()

    async def request(self, number, method, path, headers, body, head, chunk):
        """Send one request; return its milliseconds, or the error that ended it."""
        exchange = Exchange(head, chunk)
        return await self._speak(number, exchange, method, path, headers, body)

    async def websocket(self, number, path, headers, subprotocols, tell):
        """Open a WebSocket; return once it is closed."""
        return await self._speak(number, Socket(tell), path, headers, subprotocols)

    def under_way(self, number):
        """Return the exchange or socket of this number, None if it is over."""
        return self._under_way.get(number)

    async def _speak(self, number, exchange, *arguments):
        if self._app is None:
            message = "no app is running: load it first"
            return {"error": {"kind": "NotRunning", "message": message, "traceback": ""}}
        self._under_way[number] = exchange
        began = time.perf_counter()
        try:
            await exchange.run(self._app, *arguments)
        except asyncio.CancelledError:
            raise
        except BaseException as error:
            return {"ms": (time.perf_counter() - began) * 1000, "error": errors.told(error)}
        finally:
            self._under_way.pop(number, None)
        return {"ms": (time.perf_counter() - began) * 1000}


def _reset_logging():
    """Take away what an app set up: handlers and levels would pile up from run to run."""
    logging.disable(logging.NOTSET)
    for logger in [logging.root, *logging.root.manager.loggerDict.values()]:
        if isinstance(logger, logging.Logger) and logger.name != "asgi":
            logger.handlers.clear()
            logger.setLevel(logging.WARNING if logger is logging.root else logging.NOTSET)
            logger.propagate = True
            logger.disabled = False


async def open_socket(server, number, path, headers, subprotocols, tell):
    """Open a WebSocket whose events JavaScript hears as plain objects."""
    from js import Object
    from pyodide.ffi import to_js

    def say(kind, **facts):
        tell(kind, to_js(facts, dict_converter=Object.fromEntries))

    return await server.websocket(number, path, headers, subprotocols, say)
