import math
import time
from typing import Annotated

from fastapi import Depends, FastAPI, HTTPException
from fastapi.security import APIKeyHeader

app = FastAPI()

BURST, PER_SECOND = 3, 0.1
ACCOUNTS = {"key-of-ada": "ada", "key-of-bob": "bob"}
buckets: dict[str, tuple[float, float]] = {}


# --8<-- [start:take]
def take(key: str, now: float) -> float:
    """Take a token; return the seconds to wait, 0 if there was one."""
    tokens, since = buckets.get(key, (BURST, now))
    tokens = min(BURST, tokens + (now - since) * PER_SECOND)
    allowed = tokens >= 1
    buckets[key] = (tokens - allowed, now)
    return 0 if allowed else (1 - tokens) / PER_SECOND
    # --8<-- [end:take]


def account(key: Annotated[str, Depends(APIKeyHeader(name="X-API-Key"))]) -> str:
    if key not in ACCOUNTS:
        raise HTTPException(401, "Unknown key")
    return ACCOUNTS[key]


async def limited(name: Annotated[str, Depends(account)]) -> str:
    if wait := take(name, time.monotonic()):
        headers = {"Retry-After": str(math.ceil(wait))}
        raise HTTPException(429, "Too many requests", headers)
    return name


@app.get("/search")
def search(name: Annotated[str, Depends(limited)]) -> dict[str, str]:
    return {"hello": name}
