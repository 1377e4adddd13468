from datetime import UTC, date, datetime, timedelta
from typing import Annotated

from fastapi import Depends, FastAPI, HTTPException
from pydantic import BaseModel, Field

app = FastAPI()
CENTS_PER_GRAM = {"assam": 7, "sencha": 9}


class Order(BaseModel):
    tea: str
    grams: Annotated[int, Field(gt=0)]


class Receipt(BaseModel):
    cents: int
    arrives: date


def today() -> date:
    return datetime.now(UTC).date()


@app.post("/orders", status_code=201)
def place_order(order: Order, day: Annotated[date, Depends(today)]) -> Receipt:
    if order.tea not in CENTS_PER_GRAM:
        raise HTTPException(404, "We do not sell this tea")
    arrives = day + timedelta(days=1)
    if arrives.isoweekday() == 7:
        arrives += timedelta(days=1)
    cents = order.grams * CENTS_PER_GRAM[order.tea]
    return Receipt(cents=cents, arrives=arrives)
