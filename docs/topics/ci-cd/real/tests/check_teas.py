from collections.abc import Iterator

import pytest
from fastapi.testclient import TestClient
from sqlalchemy import delete
from sqlalchemy.orm import Session

from app.main import app, engine, valkey
from app.models import Tea


@pytest.fixture
def client() -> Iterator[TestClient]:
    with TestClient(app) as client:
        yield client
    with Session(engine) as session:
        session.execute(delete(Tea))
        session.commit()


# --8<-- [start:tests]
def test_a_new_tea_can_be_read(client: TestClient) -> None:
    tea = {"name": "Darjeeling First Flush", "cents": 1290}
    assert client.post("/teas", json=tea).status_code == 201
    assert client.get("/teas").json()[0].items() >= tea.items()


def test_reading_a_tea_counts_a_view(client: TestClient) -> None:
    valkey.delete("views:Assam")
    client.post("/teas", json={"name": "Assam", "cents": 700})
    client.get("/teas/Assam")
    assert valkey.get("views:Assam") == b"1"


# --8<-- [end:tests]
def test_an_unknown_tea_is_not_found(client: TestClient) -> None:
    assert client.get("/teas/Cola").status_code == 404
