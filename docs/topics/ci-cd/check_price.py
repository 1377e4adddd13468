from fastapi.testclient import TestClient
from main import app


def test_ten_grams_cost_ten_times_as_much() -> None:
    answer = TestClient(app).get("/price", params={"tea": "assam", "grams": 10})
    assert answer.json() == {"cents": 70}
