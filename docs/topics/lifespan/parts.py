"""An app made of parts, each with something to open and to close."""

from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager

from fastapi import APIRouter, FastAPI, Request

events: list[str] = []


def opening(
    name: str,
) -> Callable[[FastAPI], AbstractAsyncContextManager[dict[str, str]]]:
    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[dict[str, str]]:
        events.append(f"{name} opens")
        try:
            yield {name: "open"}
        finally:
            events.append(f"{name} closes")

    return lifespan


# --8<-- [start:parts]
orders = APIRouter(prefix="/orders", lifespan=opening("router"))
admin = FastAPI(lifespan=opening("mounted"))


@orders.get("/")
@admin.get("/")
async def what_is_open(request: Request) -> list[str]:
    return sorted(request.state)
    # --8<-- [end:parts]


# --8<-- [start:whole]
@asynccontextmanager
async def lifespan(app: FastAPI) -> AsyncIterator[dict[str, str]]:
    async with (
        opening("app")(app) as own,
        admin.router.lifespan_context(admin) as mounted,
    ):
        yield {**own, **mounted}


app = FastAPI(lifespan=lifespan)
app.include_router(orders)
app.mount("/admin", admin)
# --8<-- [end:whole]
