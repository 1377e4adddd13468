import asyncio
import logging
import os
import random
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import Annotated
from uuid import uuid4

from fastapi import Body, Depends, FastAPI, HTTPException, Request
from pydantic import BaseModel, TypeAdapter
from redis.asyncio import Redis
from redis.exceptions import RedisError

logger = logging.getLogger(__name__)

# --8<-- [start:fill]
FILL = """
if redis.call('GET', KEYS[2]) ~= ARGV[1] then return 0 end
redis.call('SET', KEYS[1], ARGV[2], 'EX', ARGV[3])
return redis.call('DEL', KEYS[2])
"""
# --8<-- [end:fill]


# --8<-- [start:cache]
class Cache:
    def __init__(self, valkey: Redis) -> None:
        self.valkey, self.fill = valkey, valkey.register_script(FILL)

    async def get(
        self, key: str, seconds: int, load: Callable[[], Awaitable[str]]
    ) -> str:
        lease, ticket = f"{key}:lease", uuid4().hex
        try:
            for _ in range(40):
                if (value := await self.valkey.get(key)) is not None:
                    return value
                if await self.valkey.set(lease, ticket, nx=True, ex=2):
                    break
                await asyncio.sleep(0.05)
        except RedisError:
            logger.warning("no cache for %s", key, exc_info=True)
            return await load()
        value = await load()
        expiry = seconds + random.randint(0, seconds // 10)
        try:
            await self.fill(keys=[key, lease], args=[ticket, value, expiry])
        except RedisError:
            logger.warning("%s is not cached", key, exc_info=True)
        return value

    async def forget(self, key: str) -> None:
        try:
            await self.valkey.delete(key, f"{key}:lease")
        except RedisError:
            logger.exception("%s stays until it expires", key)
            # --8<-- [end:cache]


# --8<-- [start:lifespan]
@asynccontextmanager
async def lifespan(app: FastAPI) -> AsyncIterator[dict[str, object]]:
    async with Redis.from_url(
        os.environ["VALKEY_URL"],
        decode_responses=True,
        socket_timeout=0.2,
        socket_connect_timeout=0.2,
    ) as valkey:
        yield {"cache": Cache(valkey)}


async def get_cache(request: Request) -> Cache:
    return request.state.cache
    # --8<-- [end:lifespan]


# --8<-- [start:routes]
class Price(BaseModel):
    name: str
    cents: int


Found = TypeAdapter(Price | None)
Shared = Annotated[Cache, Depends(get_cache)]
app = FastAPI(lifespan=lifespan)
table = {"tea": 320}


def price_key(name: str) -> str:
    return f"shop:price:v1:{name}"


async def load_price(name: str) -> str:
    row = Price(name=name, cents=table[name]) if name in table else None
    return Found.dump_json(row).decode()


@app.get("/prices/{name}")
async def read_price(name: str, cache: Shared) -> Price:
    text = await cache.get(price_key(name), 60, lambda: load_price(name))
    if (price := Found.validate_json(text)) is None:
        raise HTTPException(404)
    return price


@app.put("/prices/{name}")
async def change_price(
    name: str, cents: Annotated[int, Body(embed=True)], cache: Shared
) -> None:
    table[name] = cents
    await cache.forget(price_key(name))
    # --8<-- [end:routes]
