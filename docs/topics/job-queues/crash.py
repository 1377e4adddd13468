import os
import signal

from redis.asyncio import Redis
from taskiq_redis import ListQueueBroker, RedisStreamBroker

url = os.environ["VALKEY_URL"]
on_list = ListQueueBroker(url, queue_name="list")
on_stream = RedisStreamBroker(
    url, queue_name="stream", idle_timeout=300, xread_block=100
)


# --8<-- [start:fragile]
async def fragile(name: str) -> None:
    async with Redis.from_url(url) as valkey:
        if await valkey.incr(f"starts:{name}") == 1 and name != "later":
            os.kill(os.getpid(), signal.SIGKILL)
        await valkey.rpush("finished", name)
        # --8<-- [end:fragile]


jobs = {
    "list": on_list.register_task(fragile, "fragile"),
    "stream": on_stream.register_task(fragile, "fragile"),
}
