import logging
import math
import os
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from ipaddress import IPv6Address, ip_network
from typing import Annotated, Literal

from fastapi import APIRouter, Depends, FastAPI, HTTPException, Request, Response
from fastapi.security import APIKeyHeader
from limits import parse
from limits.aio.storage import RedisStorage
from limits.aio.strategies import MovingWindowRateLimiter
from limits.errors import StorageError
from redis.asyncio import ConnectionPool

logger = logging.getLogger(__name__)
ACCOUNTS = {"key-of-ada": "ada", "key-of-bob": "bob"}


# --8<-- [start:lifespan]
@asynccontextmanager
async def lifespan(app: FastAPI) -> AsyncIterator[dict[str, object]]:
    url = os.environ["VALKEY_URL"]
    pool = ConnectionPool.from_url(
        url, socket_connect_timeout=0.2, socket_timeout=0.2
    )
    storage = RedisStorage(
        f"async+{url}",
        implementation="redispy",
        wrap_exceptions=True,
        connection_pool=pool,
    )
    yield {"limiter": MovingWindowRateLimiter(storage)}
    await pool.aclose()
    # --8<-- [end:lifespan]


# --8<-- [start:limit]
class Limit:
    def __init__(
        self, name: str, rate: str, when_down: Literal["allow", "refuse"]
    ) -> None:
        self.name, self.rate, self.when_down = name, parse(rate), when_down

    async def spend(self, request: Request, response: Response, key: str) -> None:
        limiter: MovingWindowRateLimiter = request.state.limiter
        try:
            allowed = await limiter.hit(self.rate, self.name, key)
            stats = await limiter.get_window_stats(self.rate, self.name, key)
        except StorageError:
            logger.warning("limit %s is not enforced", self.name, exc_info=True)
            if self.when_down == "allow":
                return
            raise HTTPException(
                503, "Try again later", {"Retry-After": "5"}
            ) from None
        seconds = max(1, math.ceil(stats.reset_time - time.time()))
        window = self.rate.get_expiry()
        headers = {
            "RateLimit-Policy": f'"{self.name}";q={self.rate.amount};w={window}',
            "RateLimit": f'"{self.name}";r={stats.remaining};t={seconds}',
        }
        if not allowed:
            headers["Retry-After"] = str(seconds)
            raise HTTPException(429, "Too many requests", headers)
        response.headers.update(headers)
        # --8<-- [end:limit]


def account(key: Annotated[str, Depends(APIKeyHeader(name="X-API-Key"))]) -> str:
    if key not in ACCOUNTS:
        raise HTTPException(401, "Unknown key")
    return ACCOUNTS[key]


# --8<-- [start:keys]
searches = Limit("searches", "3/minute", when_down="allow")
logins = Limit("logins", "3/minute", when_down="refuse")


def address(request: Request) -> str:
    host = request.client.host if request.client else "unknown"
    try:
        ip = IPv6Address(host)
    except ValueError:
        return host
    return str(ip.ipv4_mapped or ip_network(f"{host}/64", strict=False))


async def limit_account(
    request: Request, response: Response, name: Annotated[str, Depends(account)]
) -> None:
    await searches.spend(request, response, name)


async def limit_address(request: Request, response: Response) -> None:
    await logins.spend(request, response, address(request))
    # --8<-- [end:keys]


# --8<-- [start:routes]
app = FastAPI(lifespan=lifespan)
search = APIRouter(dependencies=[Depends(limit_account)])


@search.get("/search")
async def find(name: Annotated[str, Depends(account)]) -> dict[str, str]:
    return {"hello": name}


@app.post("/login", dependencies=[Depends(limit_address)])
async def log_in() -> dict[str, str]:
    return {"message": "Check the password here"}


app.include_router(search)
# --8<-- [end:routes]
