"""An event loop that runs to its end at once: proofs call `run`, and JavaScript waits meanwhile."""

import asyncio
from asyncio import base_events, events

from lab.threads import pause


class _Sleeper:
    """Waits where a loop of a server would wait for sockets; there are none."""

    def select(self, timeout):
        if timeout is None:
            raise RuntimeError("everything waits, and nothing is left that could wake it")
        if timeout > 0:
            pause(timeout)
        return []

    def close(self):
        pass


class Loop(base_events.BaseEventLoop):
    """A loop of callbacks and timers alone."""

    def __init__(self):
        super().__init__()
        self._selector = _Sleeper()

    def _process_events(self, event_list):
        pass

    def _write_to_self(self):
        pass

    def run_in_executor(self, executor, func, *args):
        """Call the function now: there is no other thread."""
        future = self.create_future()
        try:
            future.set_result(func(*args))
        except Exception as error:
            future.set_exception(error)
        return future


class running_at_once:
    """While entered, `asyncio.run` and its kin use such a loop."""

    def __enter__(self):
        self._page = events._get_running_loop()
        self._made = events.new_event_loop
        events._set_running_loop(None)
        events.new_event_loop = asyncio.new_event_loop = Loop

    def __exit__(self, *_):
        events.new_event_loop = asyncio.new_event_loop = self._made
        events.set_event_loop(self._page)
        events._set_running_loop(self._page)
