import asyncio
from collections.abc import Callable
from typing import Annotated, Any

import main
import pytest
import real
from fastapi import APIRouter, Depends, FastAPI, Header, HTTPException
from real import Check, create_app
from starlette.middleware.trustedhost import TrustedHostMiddleware


@pytest.fixture(autouse=True)
def plugged():
    main.database.is_up = True


async def nothing() -> None: ...


async def away() -> None:
    raise ConnectionError("password=hunter2 host=db.internal refused")


async def test_a_lost_database_takes_readiness_and_leaves_liveness(client):
    assert (await client.get("/readyz")).json() == {"status": "ok", "failing": []}
    await client.post("/unplug")
    unready = await client.get("/readyz")
    assert (unready.status_code, unready.json()) == (
        503,
        {"status": "unavailable", "failing": ["database"]},
    )
    assert (await client.get("/livez")).status_code == 200
    await client.post("/unplug", params={"plugged": True})
    assert (await client.get("/readyz")).status_code == 200


# --- real.py


async def test_a_draining_process_is_alive_and_not_ready(client_for):
    app = create_app(Check("database", nothing))
    async with client_for(app) as http:
        assert (await http.get("/readyz")).status_code == 200
        app.state.readiness.draining = True
        assert (await http.get("/readyz")).status_code == 503
        assert (await http.get("/livez")).status_code == 200


async def test_no_cache_may_keep_the_answer(client_for):
    async with client_for(create_app()) as http:
        assert (await http.get("/readyz")).headers["cache-control"] == "no-store"


async def test_checks_are_asked_at_once(client_for):
    meeting = asyncio.Barrier(2)

    async def meets() -> None:
        await meeting.wait()

    checks = Check("first", meets), Check("second", meets)
    async with client_for(create_app(*checks)) as http:
        assert (await http.get("/readyz")).status_code == 200


async def test_a_service_that_is_back_is_noticed(client_for):
    state = {"ask": away}

    async def ask() -> None:
        await state["ask"]()

    async with client_for(create_app(Check("database", ask, fresh=0))) as http:
        assert (await http.get("/readyz")).status_code == 503
        state["ask"] = nothing
        assert (await http.get("/readyz")).status_code == 200


# --- gotchas

THRESHOLD = 3


async def restarts(http: Any, path: str, probes: int = 12) -> int:
    """What an orchestrator does that restarts after three failures in a row."""
    restarted = failed = 0
    for _ in range(probes):
        failed = 0 if (await http.get(path)).is_success else failed + 1
        if failed == THRESHOLD:
            restarted, failed = restarted + 1, 0
    return restarted


async def test_liveness_that_asks_the_database_restarts_everything(client, shown):
    await client.post("/unplug")
    trap, fix = await restarts(client, "/readyz"), await restarts(client, "/livez")
    shown(
        "restarts",
        f"liveness asks the database   {trap} restarts in 12 probes\n"
        f"liveness answers by itself   {fix} restarts in 12 probes",
    )
    assert trap == 4
    assert fix == 0


async def test_optional_thing_takes_the_service_down(client_for):
    async def status(*, required: bool) -> int:
        checks = Check("database", nothing), Check("mail", away, required=required)
        async with client_for(create_app(*checks)) as http:
            return (await http.get("/readyz")).status_code

    assert await status(required=True) == 503
    assert await status(required=False) == 200


async def test_check_without_a_deadline_never_answers(client_for):
    asked = asyncio.Event()

    async def silent() -> None:
        asked.set()
        await asyncio.Event().wait()

    async def status(deadline: float) -> int:
        app = create_app(Check("database", silent, deadline=deadline))
        async with client_for(app) as http:
            return (await http.get("/readyz")).status_code

    trap = asyncio.create_task(status(deadline=3600))
    await asked.wait()
    assert await status(deadline=0.01) == 503
    assert not trap.done()
    trap.cancel()
    await asyncio.wait([trap])


async def test_every_probe_is_a_query():
    async def queries_of_ten_probes(fresh: float) -> int:
        asked, answer = 0, asyncio.Event()

        async def ask() -> None:
            nonlocal asked
            asked += 1
            await answer.wait()

        check = Check("database", ask, fresh=fresh)
        probes = [asyncio.create_task(check.is_fine()) for _ in range(10)]
        await asyncio.sleep(0)  # now all ten have begun, and nobody has an answer
        answer.set()
        assert all(await asyncio.gather(*probes))
        return asked

    assert await queries_of_ten_probes(fresh=0) == 10
    assert await queries_of_ten_probes(fresh=60) == 1


async def test_health_page_tells_secrets(client_for, caplog):
    async def told(app: FastAPI) -> str:
        async with client_for(app) as http:
            return (await http.get("/readyz")).text

    chatty = FastAPI()

    @chatty.get("/readyz")
    async def ready() -> dict[str, str]:
        try:
            await away()
        except ConnectionError as error:
            return {"database": str(error)}
        return {}

    assert "hunter2" in await told(chatty)
    assert "hunter2" not in await told(create_app(Check("database", away)))
    assert "hunter2" in caplog.text


async def test_guarded_app_fails_its_own_probe(client_for):
    def needs_key(x_key: Annotated[str | None, Header()] = None) -> None:
        if x_key is None:
            raise HTTPException(401)

    async def status(build: Callable[[], FastAPI]) -> int:
        async with client_for(build()) as http:
            return (await http.get("/livez")).status_code

    def trap() -> FastAPI:
        app = FastAPI(dependencies=[Depends(needs_key)])
        app.include_router(real.router)
        return app

    def fix() -> FastAPI:
        app = FastAPI()
        app.include_router(real.router)
        app.include_router(APIRouter(), dependencies=[Depends(needs_key)])
        return app

    assert await status(trap) == 401
    assert await status(fix) == 200


async def test_probe_by_address_is_an_unknown_host(client_for):
    async def status(*hosts: str) -> int:
        """What a probe gets that calls the container by its address."""
        app = create_app()
        app.add_middleware(TrustedHostMiddleware, allowed_hosts=list(hosts))
        async with client_for(app, base_url="http://10.1.2.3:8000") as http:
            sent = {"Host": "health.internal"} if len(hosts) > 1 else {}
            return (await http.get("/livez", headers=sent)).status_code

    assert await status("example.com") == 400
    assert await status("example.com", "health.internal") == 200
