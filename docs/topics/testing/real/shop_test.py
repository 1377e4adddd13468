import asyncio
from collections.abc import Callable
from contextlib import suppress
from threading import Barrier, BrokenBarrierError

import httpx2
import pytest
from fastapi.testclient import TestClient
from starlette.websockets import WebSocketDisconnect


# --8<-- [start:orders]
def test_an_order_is_paid_and_leaves_the_stock(
    client: TestClient, charges: list[int]
) -> None:
    client.put("/teas/assam", json={"grams": 500})
    answer = client.post("/orders", json={"tea": "assam", "grams": 200})
    assert answer.status_code == 201
    assert charges == [1400]
    assert client.get("/teas/assam").json() == {"grams": 300}


def test_a_declined_order_leaves_the_stock_alone(client: TestClient) -> None:
    client.put("/teas/assam", json={"grams": 9000})
    answer = client.post("/orders", json={"tea": "assam", "grams": 9000})
    assert answer.status_code == 402
    assert client.get("/teas/assam").json() == {"grams": 9000}


# --8<-- [end:orders]
def test_the_shop_starts_empty(client: TestClient) -> None:
    assert client.get("/teas/assam").status_code == 404


# --8<-- [start:race]
async def test_the_last_tea_is_sold_once(
    http: httpx2.AsyncClient, bank_answers: Callable[..., None]
) -> None:
    both = Barrier(2, timeout=2)

    def wait_for_the_other(request: httpx2.Request) -> httpx2.Response:
        with suppress(BrokenBarrierError):
            both.wait()
        return httpx2.Response(201)

    bank_answers(wait_for_the_other)
    await http.put("/teas/assam", json={"grams": 100})
    order = {"tea": "assam", "grams": 100}
    answers = await asyncio.gather(
        http.post("/orders", json=order), http.post("/orders", json=order)
    )
    assert sorted(answer.status_code for answer in answers) == [201, 409]


# --8<-- [end:race]
# --8<-- [start:quotes]
def test_a_quote_for_a_weight_and_the_end_for_a_word(client: TestClient) -> None:
    with client.websocket_connect("/quotes") as socket:
        socket.send_text("50")
        assert socket.receive_json() == {"cents": 350}
        socket.send_text("a handful")
        with pytest.raises(WebSocketDisconnect) as closed:
            socket.receive_json()
    assert closed.value.code == 1003


# --8<-- [end:quotes]
