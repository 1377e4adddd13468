import asyncio
import importlib
import os
import signal
import subprocess
import sys
from contextlib import asynccontextmanager, contextmanager, suppress
from types import SimpleNamespace

import pytest
from kombu.transport.redis import Channel
from payments import Payments
from redis.asyncio import Redis
from redis.exceptions import TimeoutError as NoAnswer
from sqlalchemy import text
from taskiq import (
    InMemoryBroker,
    SimpleRetryMiddleware,
    SmartRetryMiddleware,
    TaskiqScheduler,
)
from taskiq.receiver import Receiver
from taskiq.schedule_sources import LabelScheduleSource
from taskiq.serializers import PickleSerializer
from taskiq_redis import (
    ListQueueBroker,
    ListRedisScheduleSource,
    RedisAsyncResultBackend,
    RedisStreamBroker,
)


@contextmanager
def worker(broker, cwd, command=("taskiq", "worker", "--workers", "1")):
    """A real worker: its manager, which starts a dead child again, and a child."""
    process = subprocess.Popen(
        [sys.executable, "-m", *command, broker],
        cwd=cwd,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    )
    try:
        yield process
    finally:
        with suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        process.wait()


@asynccontextmanager
async def receiving(broker):
    """A worker inside this test."""
    await broker.startup()
    receiver = Receiver(broker, max_async_tasks=10)
    async with asyncio.TaskGroup() as group:

        async def listen():
            async for message in broker.listen():
                group.create_task(receiver.callback(message))

        listening = group.create_task(listen())
        try:
            yield
        finally:
            while not listening.done():
                listening.cancel()
                await asyncio.sleep(0.01)
    await broker.shutdown()


async def until(condition):
    async with asyncio.timeout(15):
        while not await condition():
            await asyncio.sleep(0.01)


@pytest.fixture
def real(monkeypatch, valkey, postgres):
    monkeypatch.setenv("VALKEY_URL", valkey)
    url = postgres.replace("postgresql://", "postgresql+psycopg://")
    monkeypatch.setenv("DATABASE_URL", url)
    sys.modules.pop("real", None)
    yield importlib.import_module("real")
    sys.modules.pop("real", None)


# The small app


async def test_a_job_is_accepted_and_its_result_read_later(client):
    accepted = await client.post("/reports/2026-10")
    assert accepted.status_code == 202
    result = await client.get(f"/jobs/{accepted.json()['job']}")
    assert (result.status_code, result.json()) == (
        200,
        {"file": "report-2026-10.pdf"},
    )


async def test_a_job_that_nobody_knows_is_404(client):
    assert (await client.get("/jobs/4711")).status_code == 404


# What one ships, with real parts


async def test_a_worker_process_charges_what_the_api_accepted(
    client_for, real, bundle_dir
):
    async with client_for(real.app) as http:
        first, again = [
            await http.post("/orders/A-1/charge", json={"cents": 4200})
            for _ in range(2)
        ]
        await http.post("/orders/A-2/charge", json={"cents": 4_200_000})
        assert (first.status_code, first.json()) == (202, {"state": "queued"})
        assert again.json() == {"state": "queued"}
        async with Redis.from_url(real.VALKEY) as valkey:
            assert await valkey.xlen("taskiq") == 2
        with worker("real:broker", cwd=bundle_dir):

            async def done():
                answers = [
                    (await http.get(f"/orders/{order}/charge")).json()["state"]
                    for order in ("A-1", "A-2")
                ]
                return answers == ["paid", "declined"]

            await until(done)


async def test_the_sweep_finds_what_was_committed_and_never_queued(
    client_for, real
):
    async with client_for(real.app) as http:
        async with real.sessions.begin() as session:
            session.add(real.Charge(order="fresh", cents=1))
            session.add(real.Charge(order="old", cents=1))
            await session.flush()
            await session.execute(
                text(
                    "UPDATE charges SET since = now() - interval '11 minutes'"
                    " WHERE \"order\" = 'old'"
                )
            )
        await real.sweep.original_func()
        async with Redis.from_url(real.VALKEY) as valkey:
            [(_, message)] = await valkey.xrange("taskiq")
        assert b'"args":["old"]' in message[b"data"].replace(b" ", b"")
        assert (await http.get("/orders/none/charge")).status_code == 404


# Facts


async def test_a_group_made_after_the_first_job_skips_it(valkey):
    async def finished(early):
        async with Redis.from_url(valkey) as connection:
            await connection.flushall()
            broker = RedisStreamBroker(valkey, xread_block=50)
            seen = []

            @broker.task(task_name="note")
            async def note(name):
                seen.append(name)

            if early:
                await broker.startup()
            await note.kiq("first")
            async with receiving(broker):
                await note.kiq("second")

                async def last_is_in():
                    return "second" in seen

                await until(last_is_in)
        return seen

    assert await finished(early=False) == ["second"]
    assert await finished(early=True) == ["first", "second"]


async def test_max_retries_counts_every_start():
    starts = []
    broker = InMemoryBroker(await_inplace=True).with_middlewares(
        SimpleRetryMiddleware()
    )

    @broker.task(task_name="fails", retry_on_error=True, max_retries=3)
    async def fails():
        starts.append(1)
        raise ConnectionError

    await fails.kiq()
    assert len(starts) == 3


async def test_results_are_kept_until_you_give_them_a_time(valkey):
    async with Redis.from_url(valkey) as connection:
        for options, lifetime in (({}, -1), ({"result_ex_time": 60}, 60)):
            broker = InMemoryBroker(await_inplace=True).with_result_backend(
                RedisAsyncResultBackend(valkey, **options)
            )
            job = await broker.register_task(lambda: 1, "one").kiq()
            assert await connection.ttl(job.task_id) == lifetime
            await broker.shutdown()


async def test_two_postgresql_workers_take_different_rows(postgres):
    import psycopg

    async with await psycopg.AsyncConnection.connect(postgres) as first:
        await first.execute("CREATE TABLE jobs (id serial PRIMARY KEY)")
        await first.execute("INSERT INTO jobs DEFAULT VALUES")
        await first.execute("INSERT INTO jobs DEFAULT VALUES")
        await first.commit()
        take = "SELECT id FROM jobs ORDER BY id LIMIT 1 FOR UPDATE SKIP LOCKED"
        async with await psycopg.AsyncConnection.connect(postgres) as second:
            mine = await (await first.execute(take)).fetchone()
            yours = await (await second.execute(take)).fetchone()
            await first.rollback()
            again = await (await first.execute(take)).fetchone()
    assert (mine, yours, again) == ((1,), (2,), (1,))


def test_celery_forgets_a_started_job_unless_told_otherwise(celery_jobs):
    from celery import Celery

    plain = Celery().conf
    assert (plain.task_acks_late, celery_jobs.celery.conf.task_acks_late) == (
        False,
        True,
    )
    assert Channel.visibility_timeout == 3600


# One proof per gotcha


async def test_killed_worker_loses_its_job(monkeypatch, valkey, bundle_dir):
    monkeypatch.setenv("VALKEY_URL", valkey)
    sys.modules.pop("crash", None)
    crash = importlib.import_module("crash")
    async with Redis.from_url(valkey, decode_responses=True) as connection:

        async def starts(kind):
            await connection.delete("finished", "starts:fragile", "starts:later")
            broker = jobs[kind].broker
            await broker.startup()
            await jobs[kind].kiq("fragile")
            awaited = {"later"} if kind == "list" else {"fragile", "later"}

            async def finished():
                await jobs[kind].kiq("later")
                return awaited <= set(await connection.lrange("finished", 0, -1))

            with worker(f"crash:on_{kind}", cwd=bundle_dir):
                await until(finished)
            await broker.shutdown()
            return int(await connection.get("starts:fragile"))

        jobs = crash.jobs
        assert await starts("list") == 1
        assert await starts("stream") == 2


async def test_retry_charges_twice():
    async def taken(key):
        payments = Payments()
        answers = iter([TimeoutError("no answer"), None])
        broker = InMemoryBroker(await_inplace=True).with_middlewares(
            SimpleRetryMiddleware(default_retry_label=True)
        )

        @broker.task(task_name="charge")
        async def charge():
            await payments.pay(4200, key)
            if error := next(answers):
                raise error

        await charge.kiq()
        return payments.taken

    assert await taken(key=None) == [4200, 4200]
    assert await taken(key="charge-A-1") == [4200]


async def test_retries_come_at_once(valkey):
    async def waiting(later):
        async with Redis.from_url(valkey) as connection:
            await connection.flushall()
            broker = RedisStreamBroker(valkey, xread_block=50).with_middlewares(
                SmartRetryMiddleware(
                    default_delay=3600,
                    default_retry_label=True,
                    schedule_source=later,
                )
            )
            starts = []

            @broker.task(task_name="fails", max_retries=3)
            async def fails():
                starts.append(1)
                raise ConnectionError

            async with receiving(broker):
                await fails.kiq()

                async def settled():

                    return len(starts) == 3 or await connection.keys("*:data:*")

                await until(settled)
        return len(starts)

    assert await waiting(None) == 3
    assert await waiting(ListRedisScheduleSource(valkey)) == 1


async def test_job_runs_before_the_commit(client_for, real):
    async def states(before_commit):
        order = f"early-{before_commit}"
        async with real.sessions() as session:
            session.add(real.Charge(order=order, cents=1))
            await session.flush()
            if before_commit:
                async with real.sessions() as of_the_worker:
                    seen = await of_the_worker.get(real.Charge, order)
                await session.commit()
            else:
                await session.commit()
                async with real.sessions() as of_the_worker:
                    seen = await of_the_worker.get(real.Charge, order)
        return seen and seen.state

    async with client_for(real.app):
        assert await states(before_commit=True) is None
        assert await states(before_commit=False) == "queued"


async def test_two_schedulers_send_it_twice(real):
    async def sent(source_class):
        async with Redis.from_url(real.VALKEY) as valkey:
            await valkey.flushall()
            for _ in range(2):
                source = source_class(real.broker)
                await source.startup()
                [task] = await source.get_schedules()
                scheduler = TaskiqScheduler(real.broker, [source])
                await scheduler.on_ready(source, task)
            return await valkey.xlen("taskiq")

    assert await sent(LabelScheduleSource) == 2
    assert await sent(real.Cron) == 1


async def test_long_job_starts_again(valkey):
    async def starts(idle_timeout, others):
        async with Redis.from_url(valkey) as connection:
            await connection.flushall()
        running, nudged, finish = [], [], asyncio.Event()
        options = {"xread_block": 20, "idle_timeout": idle_timeout}
        brokers = [RedisStreamBroker(valkey, **options) for _ in range(2)]

        async def slow():
            running.append(1)
            await finish.wait()

        async def other():
            nudged.append(1)

        for broker in brokers:
            broker.register_task(slow, "slow")
            broker.register_task(other, "other")
        async with receiving(brokers[0]), receiving(brokers[1]):
            await brokers[0].find_task("slow").kiq()

            async def settled():
                await brokers[0].find_task("other").kiq()
                return len(running) > 1 or len(nudged) > others

            await until(settled)
            count = len(running)
            finish.set()
        return count > 1

    assert await starts(idle_timeout=50, others=5000)
    assert not await starts(idle_timeout=600_000, others=20)


async def test_a_job_read_and_not_begun_ages_as_well(valkey):
    reader, other = [
        RedisStreamBroker(valkey, idle_timeout=1, xread_block=10) for _ in range(2)
    ]
    job = reader.register_task(lambda name: name, "job")
    await reader.startup()
    await job.kiq("first")
    await job.kiq("waits in the reader")
    of_reader, of_other = reader.listen(), other.listen()
    assert b"first" in (await anext(of_reader)).data
    await asyncio.sleep(0.01)
    await job.kiq("newer")
    taken = [(await anext(of_other)).data for _ in range(3)]
    assert b"waits in the reader" in taken[2]
    assert b"waits in the reader" in (await anext(of_reader)).data
    for broker, messages in ((reader, of_reader), (other, of_other)):
        await messages.aclose()
        await broker.shutdown()


def test_errors_of_libraries_are_not_os_errors():
    import httpx2
    from redis.exceptions import ConnectionError as FromRedis
    from sqlalchemy.exc import OperationalError

    for error in (httpx2.TransportError, FromRedis, OperationalError):
        assert not issubclass(error, OSError)
    assert issubclass(TimeoutError, OSError)


def test_the_delay_of_a_retry_grows_evenly(real):
    [retry] = real.broker.middlewares
    message = SimpleNamespace(labels={})
    delays = [int(retry.make_delay(message, start)) for start in range(1, 5)]
    assert delays == [5, 10, 15, 20]


async def test_results_are_pickled_by_default(valkey):
    backend = RedisAsyncResultBackend(valkey)
    assert isinstance(backend.serializer, PickleSerializer)
    await backend.shutdown()


async def test_a_lost_job_comes_again_with_the_next_job_not_before(valkey):
    broker = RedisStreamBroker(valkey, idle_timeout=1, xread_block=10)

    async def note(name):
        return name

    broker.register_task(note, "print")
    await broker.startup()
    async with Redis.from_url(valkey) as connection:

        async def calls(command):
            stats = await connection.info("commandstats")
            return stats.get(f"cmdstat_{command}", {"calls": 0})["calls"]

        await broker.find_task("print").kiq("lost")
        await connection.xreadgroup("taskiq", "dead", {"taskiq": ">"})
        messages = broker.listen()
        first = asyncio.create_task(anext(messages))

        async def looked_often():
            return await calls("xreadgroup") > 5

        await until(looked_often)
        assert (await calls("xautoclaim"), first.done()) == (0, False)
        await broker.find_task("print").kiq("next")
        assert b"next" in (await first).data
        assert b"lost" in (await anext(messages)).data
    await messages.aclose()
    await broker.shutdown()


async def test_blocking_read_times_out(valkey):
    async def outcome(**options):
        async with Redis.from_url(valkey, **options) as connection:
            try:
                return await connection.brpop("empty", timeout=0.4)
            except NoAnswer as error:
                return str(error).split(" from ")[0]

    assert Redis().connection_pool.make_connection().socket_timeout == 5
    assert await outcome(socket_timeout=0.1) == "Timeout reading"
    assert await outcome(socket_timeout=None) is None


async def test_an_idle_list_broker_stops_listening(valkey):
    broker = ListQueueBroker(valkey, socket_timeout=0.1)
    with pytest.raises(NoAnswer):
        await anext(broker.listen())
    await broker.shutdown()


@pytest.fixture
def celery_jobs(monkeypatch, valkey):
    monkeypatch.setenv("VALKEY_URL", valkey)
    return importlib.import_module("celery_jobs")


def test_celery_does_not_await(celery_jobs, bundle_dir):
    command = ("celery", "-A", "celery_jobs", "worker", "--pool", "solo")
    with worker("--without-mingle", bundle_dir, command):
        trap, fix = [
            str(task.delay("2026-10").get(timeout=15, propagate=False))
            for task in (celery_jobs.never_awaited, celery_jobs.awaited)
        ]
    assert "Object of type coroutine is not JSON serializable" in trap
    assert fix == "report-2026-10.pdf"
