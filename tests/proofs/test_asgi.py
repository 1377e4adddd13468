from __future__ import annotations

import httpx2
import pytest

from macros.proofs import asgi
from macros.proofs.asgi import App, Message, Receive, Send

heard: list[str] = []


@pytest.fixture(autouse=True)
def nothing_heard() -> None:
    heard.clear()


async def kettle(scope: Message, receive: Receive, send: Send) -> None:
    if scope["type"] == "lifespan":
        for step in ("startup", "shutdown"):
            heard.append((await receive())["type"])
            scope["state"]["degrees"] = 80
            await send({"type": f"lifespan.{step}.complete"})
        return
    text = str(scope["state"]["degrees"]).encode()
    scope["state"]["degrees"] = 20
    await send({"type": "http.response.start", "status": 200, "headers": []})
    await send({"type": "http.response.body", "body": text})


async def get(app: App, path: str = "/") -> httpx2.Response:
    async with asgi.running(app) as served:
        transport = httpx2.ASGITransport(served)
        async with httpx2.AsyncClient(transport=transport, base_url="http://test") as client:
            return await client.get(path)


async def test_an_app_is_started_before_its_requests_and_stopped_after() -> None:
    async with asgi.running(kettle):
        assert heard == ["lifespan.startup"]
    assert heard == ["lifespan.startup", "lifespan.shutdown"]


async def test_each_request_gets_its_own_copy_of_the_state() -> None:
    async with asgi.running(kettle) as served:
        transport = httpx2.ASGITransport(served)
        async with httpx2.AsyncClient(transport=transport, base_url="http://test") as client:
            assert [(await client.get("/")).text for _ in range(2)] == ["80", "80"]


async def test_an_app_that_ignores_the_protocol_runs() -> None:
    async def plain(scope: Message, receive: Receive, send: Send) -> None:
        assert scope["type"] == "http"
        await send({"type": "http.response.start", "status": 204, "headers": []})
        await send({"type": "http.response.body", "body": b""})

    assert (await get(plain)).status_code == 204


async def test_an_app_that_cannot_start_says_why() -> None:
    async def broken(scope: Message, receive: Receive, send: Send) -> None:
        await send({"type": "lifespan.startup.failed", "message": "Traceback\nno water"})
        raise ValueError("no water")

    with pytest.raises(RuntimeError, match="lifespan startup failed: no water") as caught:
        await get(broken)
    assert isinstance(caught.value.__cause__, ValueError)


async def test_an_app_that_cannot_stop_says_why() -> None:
    async def stuck(scope: Message, receive: Receive, send: Send) -> None:
        await send({"type": "lifespan.startup.complete"})
        await receive()
        await receive()
        await send({"type": "lifespan.shutdown.failed", "message": "lid is stuck"})

    with pytest.raises(RuntimeError, match="lifespan shutdown failed: lid is stuck"):
        async with asgi.running(stuck):
            pass


async def spilling(scope: Message, receive: Receive, send: Send) -> None:
    if scope["type"] != "http":
        return
    if scope["path"] == "/late":
        await send({"type": "http.response.start", "status": 200, "headers": []})
        await send({"type": "http.response.body", "body": b"half", "more_body": True})
    raise RuntimeError("hot tea everywhere")


async def test_an_exception_is_a_500_as_under_a_server(caplog: pytest.LogCaptureFixture) -> None:
    response = await get(spilling)
    assert (response.status_code, response.text) == (500, "Internal Server Error")
    assert "hot tea everywhere" in caplog.text


async def test_an_exception_within_an_answer_breaks_the_connection() -> None:
    with pytest.raises(httpx2.RemoteProtocolError, match="peer closed connection"):
        await get(spilling, "/late")


async def test_an_exception_reaches_the_test_that_wants_it() -> None:
    async with asgi.running(spilling, raise_app_exceptions=True) as served:
        transport = httpx2.ASGITransport(served)
        async with httpx2.AsyncClient(transport=transport, base_url="http://test") as client:
            with pytest.raises(RuntimeError, match="hot tea everywhere"):
                await client.get("/")
