from __future__ import annotations

from collections.abc import Iterator

import pytest
import redis

from macros.proofs.valkey import Valkey


@pytest.fixture(scope="module")
def server() -> Iterator[Valkey]:
    running = Valkey()
    yield running
    running.stop()


def test_a_reset_leaves_nothing_of_the_test_before(server: Valkey) -> None:
    with redis.Redis.from_url(server.url, db=3) as cups:
        cups.set("cup", "full")
        cups.config_set("maxmemory", "100mb")
    server.reset()
    with redis.Redis.from_url(server.url, db=3) as cups:
        assert cups.get("cup") is None
        assert cups.config_get("maxmemory") == {"maxmemory": "0"}


def test_a_reset_ends_subscriptions(server: Valkey) -> None:
    with redis.Redis.from_url(server.url) as listener, listener.pubsub() as subscription:
        subscription.subscribe("cups")
        server.reset()
        with redis.Redis.from_url(server.url) as speaker:
            assert speaker.publish("cups", "full") == 0


def test_the_server_is_gone_after_the_stop() -> None:
    running = Valkey()
    running.stop()
    running.stop()
    with (
        redis.Redis.from_url(running.url, retry=None) as late,
        pytest.raises(redis.ConnectionError),
    ):
        late.ping()
