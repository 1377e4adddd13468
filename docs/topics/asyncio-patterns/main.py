import asyncio
from typing import Annotated

from fastapi import FastAPI, HTTPException, Query

app = FastAPI()
PRICES = {"soup": 450, "bread": 300, "salad": 620}


async def ask_kitchen(dish: str) -> bool:
    await asyncio.sleep(0.01)
    return dish != "salad"


async def ask_till(dish: str) -> int:
    await asyncio.sleep(0.02)
    return PRICES[dish]


@app.get("/dishes/{dish}")
async def read_dish(
    dish: str, patience: Annotated[float, Query(gt=0, le=5)] = 1.0
) -> dict[str, int | bool]:
    if dish not in PRICES:
        raise HTTPException(404, "no such dish")
    try:
        async with asyncio.timeout(patience), asyncio.TaskGroup() as group:
            available = group.create_task(ask_kitchen(dish))
            price = group.create_task(ask_till(dish))
    except TimeoutError:
        raise HTTPException(504, "the kitchen did not answer in time") from None
    return {"available": available.result(), "price": price.result()}
