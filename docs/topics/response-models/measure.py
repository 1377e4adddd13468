import asyncio
import json
import statistics
import time
from dataclasses import dataclass

from fastapi import FastAPI, Response
from fastapi.encoders import jsonable_encoder
from fastapi.responses import JSONResponse
from pydantic import BaseModel, TypeAdapter


class Item(BaseModel):
    id: int
    name: str
    price: float
    tags: list[str]


@dataclass
class Row:
    id: int
    name: str
    price: float
    tags: list[str]


MODELS = [
    Item(id=n, name=f"Item {n}", price=n / 4, tags=["new", "red"])
    for n in range(2000)
]
DICTS = [item.model_dump() for item in MODELS]
ROWS = [Row(**each) for each in DICTS]
ADAPTER = TypeAdapter(list[Item])


async def models():
    return MODELS


async def dicts():
    return DICTS


async def rows():
    return ROWS


async def built():
    return [Item(**each) for each in DICTS]


async def encoded_by_hand():
    return JSONResponse(jsonable_encoder(MODELS))


async def plain_json_response():
    return JSONResponse(DICTS)


async def dumped_by_hand():
    return Response(ADAPTER.dump_json(MODELS), media_type="application/json")


TYPED = {"response_model": list[Item]}
CASES = {
    "declared; returns models": (models, TYPED),
    "returns `Response(adapter.dump_json(models))`": (dumped_by_hand, {}),
    "returns `JSONResponse(dicts)`": (plain_json_response, {}),
    "declared; returns dicts": (dicts, TYPED),
    "declared, `response_class=JSONResponse`; returns models": (
        models,
        TYPED | {"response_class": JSONResponse},
    ),
    "declared; returns rows (dataclass objects)": (rows, TYPED),
    "declared; builds the models, returns them": (built, TYPED),
    "nothing declared; returns dicts": (dicts, {}),
    "nothing declared; returns models": (models, {}),
    "returns `JSONResponse(jsonable_encoder(models))`": (encoded_by_hand, {}),
}


def build() -> FastAPI:
    app = FastAPI(openapi_url=None)
    for number, (endpoint, options) in enumerate(CASES.values()):
        app.add_api_route(f"/{number}", endpoint, **options)
    return app


async def seconds(app: FastAPI, path: str) -> float:
    scope = {"type": "http", "method": "GET", "path": path}
    scope |= {"query_string": b"", "headers": []}
    body = bytearray()

    async def receive():
        return {"type": "http.request", "body": b"", "more_body": False}

    async def send(message):
        body.extend(message.get("body", b""))

    start = time.perf_counter()
    await app(scope, receive, send)
    took = time.perf_counter() - start
    assert json.loads(body) == DICTS
    return took


async def ratios(rounds: int) -> dict[str, float]:
    app = build()
    taken = {name: [] for name in CASES}
    for _ in range(rounds):
        for number, name in enumerate(CASES):
            taken[name].append(await seconds(app, f"/{number}"))
    middle = {name: statistics.median(times) for name, times in taken.items()}
    typed = next(iter(middle.values()))
    return {name: value / typed for name, value in middle.items()}


if __name__ == "__main__":
    measured = asyncio.run(ratios(rounds=31))
    table = [
        {"name": name, "value": round(value, 1)} for name, value in measured.items()
    ]
    title = "One response with 2,000 small objects, from the call to the last byte"
    print(
        json.dumps(
            {"title": title, "unit": "times the typed endpoint", "rows": table}
        )
    )
