"""There are no threads here: what would run in one runs at once, in its caller's place."""

import asyncio
import functools
import threading
import time

import anyio.from_thread
import anyio.to_thread


async def run_sync(func, *args, abandon_on_cancel=False, cancellable=None, limiter=None):
    """Call the function now; the event loop waits meanwhile."""
    await asyncio.sleep(0)
    return func(*args)


async def to_thread(func, /, *args, **kwargs):
    """Call the function now; the event loop waits meanwhile."""
    return await run_sync(functools.partial(func, *args, **kwargs))


SLICE = 0.25


class Watch:
    """Hears now and then from whatever waits; `check` may raise, where code of the reader waits."""

    beat = staticmethod(lambda: None)
    check = staticmethod(lambda: None)


def sleep(seconds):
    """Wait as code of the reader does."""
    until = time.monotonic() + seconds
    while (left := until - time.monotonic()) > 0:
        pause(min(left, SLICE))
        Watch.check()


def pause(seconds):
    """Wait for at most a slice, as an event loop does between two looks at what is due."""
    _sleep(min(seconds, SLICE))
    Watch.beat()


_sleep = time.sleep


def wait(self, timeout=None):
    """Wait for a notification that nobody can send: only the time can pass."""
    if timeout is None:
        raise RuntimeError("this waits for another thread, and the lab has none")
    sleep(timeout)
    return False


def install():
    """Put the inline calls where libraries look for a thread pool."""
    anyio.to_thread.run_sync = run_sync
    asyncio.to_thread = to_thread
    threading.Condition.wait = wait
    time.sleep = sleep
