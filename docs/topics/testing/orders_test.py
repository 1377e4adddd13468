from collections.abc import Iterator
from datetime import date

import pytest
from fastapi.testclient import TestClient
from main import app, today


@pytest.fixture
def client() -> Iterator[TestClient]:
    with TestClient(app) as client:
        yield client


@pytest.fixture
def saturday(monkeypatch: pytest.MonkeyPatch) -> None:
    overrides = app.dependency_overrides
    monkeypatch.setitem(overrides, today, lambda: date(2026, 11, 28))


def test_an_order_has_a_price(client: TestClient) -> None:
    answer = client.post("/orders", json={"tea": "assam", "grams": 100})
    assert answer.status_code == 201
    assert answer.json()["cents"] == 700


def test_an_order_of_nothing_is_refused(client: TestClient) -> None:
    answer = client.post("/orders", json={"tea": "assam", "grams": 0})
    assert answer.status_code == 422
    assert answer.json()["detail"][0]["loc"] == ["body", "grams"]


@pytest.mark.usefixtures("saturday")
def test_a_saturday_order_arrives_on_monday(client: TestClient) -> None:
    answer = client.post("/orders", json={"tea": "sencha", "grams": 50})
    assert answer.json() == {"cents": 450, "arrives": "2026-11-30"}
