from datetime import date
from decimal import Decimal
from typing import Annotated

from fastapi import Body, FastAPI, Header
from pydantic import BaseModel

app = FastAPI()


# --8<-- [start:models]
class Line(BaseModel):
    product: str
    price: Decimal
    quantity: int = 1


class Order(BaseModel):
    deliver_on: date
    lines: list[Line]
    note: str | None = None
    # --8<-- [end:models]


# --8<-- [start:one]
@app.post("/orders")
def place(order: Order) -> dict[str, str]:
    total = sum(line.price * line.quantity for line in order.lines)
    return {"total": f"{total} EUR", "arrives": f"{order.deliver_on:%A}"}
    # --8<-- [end:one]


# --8<-- [start:places]
@app.put("/orders/{number}")
def replace(
    number: int,
    notify: bool,
    x_till: Annotated[str, Header()],
    order: Order,
) -> dict[str, int | bool | str | None]:
    return {"path": number, "query": notify, "header": x_till, "body": order.note}
    # --8<-- [end:places]


# --8<-- [start:several]
@app.post("/quotes")
def quote(order: Order, coupon: Annotated[str, Body()]) -> dict[str, str | int]:
    return {"coupon": coupon, "lines": len(order.lines)}


@app.post("/coupons")
def redeem(coupon: Annotated[str, Body(embed=True)]) -> dict[str, str]:
    return {"coupon": coupon}
    # --8<-- [end:several]
