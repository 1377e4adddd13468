import asyncio
import logging
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

from fastapi import APIRouter, FastAPI, Request, Response
from main import Health

log = logging.getLogger("health")


# --8<-- [start:check]
@dataclass
class Check:
    """One thing that a request may need; asked at most once per `fresh` seconds."""

    name: str
    ask: Callable[[], Awaitable[object]]
    required: bool = True
    deadline: float = 1.0
    fresh: float = 2.0
    _asked: float = field(default=float("-inf"), init=False)
    _fine: bool = field(default=False, init=False)
    _turn: asyncio.Lock = field(default_factory=asyncio.Lock, init=False)

    async def is_fine(self) -> bool:
        async with self._turn:
            if time.monotonic() - self._asked >= self.fresh:
                self._fine = await self._ask_now()
                self._asked = time.monotonic()
        return self._fine

    async def _ask_now(self) -> bool:
        try:
            async with asyncio.timeout(self.deadline):
                await self.ask()
        except Exception:
            log.warning("%s is not available", self.name, exc_info=True)
            return False
        return True


# --8<-- [end:check]


# --8<-- [start:routes]
@dataclass
class Readiness:
    checks: list[Check]
    draining: bool = False

    async def failing(self) -> tuple[list[str], bool]:
        """Return what is not available, and whether we can do without it."""
        fine = await asyncio.gather(*(check.is_fine() for check in self.checks))
        bad = [check for check, ok in zip(self.checks, fine, strict=True) if not ok]
        return [check.name for check in bad], not any(
            check.required for check in bad
        )


router = APIRouter(include_in_schema=False)


@router.get("/livez")
async def live() -> Health:
    return Health(status="ok")


@router.get("/readyz")
async def ready(request: Request, response: Response) -> Health:
    readiness: Readiness = request.state.readiness
    response.headers["Cache-Control"] = "no-store"
    names, can_work = await readiness.failing()
    if readiness.draining or not can_work:
        response.status_code = 503
        return Health(status="unavailable", failing=names)
    return Health(status="ok", failing=names)


# --8<-- [end:routes]


# --8<-- [start:app]
def create_app(*checks: Check) -> FastAPI:
    readiness = Readiness(list(checks))

    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[dict[str, Readiness]]:
        yield {"readiness": readiness}

    app = FastAPI(lifespan=lifespan)
    app.state.readiness = readiness
    app.include_router(router)
    return app


# --8<-- [end:app]
