import json
from collections.abc import AsyncIterator, Callable, Iterator
from pathlib import Path

import httpx2
import pytest
from asgi_lifespan import LifespanManager
from fastapi import FastAPI
from fastapi.testclient import TestClient
from shop import create_app, get_bank


# --8<-- [start:app]
@pytest.fixture
def app(tmp_path: Path) -> FastAPI:
    return create_app(f"sqlite:///{tmp_path}/shop.db")


@pytest.fixture
def client(app: FastAPI) -> Iterator[TestClient]:
    with TestClient(app) as client:
        yield client


# --8<-- [end:app]
# --8<-- [start:bank]
@pytest.fixture
def bank_answers(app: FastAPI) -> Callable[..., None]:
    def use(answer: Callable[[httpx2.Request], httpx2.Response]) -> None:
        wire = httpx2.MockTransport(answer)
        bank = httpx2.Client(transport=wire, base_url="https://bank.example")
        app.dependency_overrides[get_bank] = lambda: bank

    return use


@pytest.fixture(autouse=True)
def charges(bank_answers: Callable[..., None]) -> list[int]:
    charges: list[int] = []

    def answer(request: httpx2.Request) -> httpx2.Response:
        if request.url.path != "/charges":
            return httpx2.Response(404)
        charges.append(json.loads(request.content)["cents"])
        return httpx2.Response(402 if charges[-1] > 10_000 else 201)

    bank_answers(answer)
    return charges


# --8<-- [end:bank]
# --8<-- [start:http]
@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"


@pytest.fixture
async def http(app: FastAPI) -> AsyncIterator[httpx2.AsyncClient]:
    async with LifespanManager(app) as running:
        transport = httpx2.ASGITransport(running.app)
        client = httpx2.AsyncClient(transport=transport, base_url="http://test")
        async with client:
            yield client


# --8<-- [end:http]
