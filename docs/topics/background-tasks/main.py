from typing import Annotated

from fastapi import BackgroundTasks, FastAPI
from pydantic import BaseModel, Field

app = FastAPI()
orders: list[str] = []
mailbox: list[str] = []


class Order(BaseModel):
    dish: Annotated[str, Field(min_length=1)]
    email: str


class Placed(BaseModel):
    number: int
    receipt: str


def send_receipt(email: str, number: int) -> None:
    mailbox.append(f"to {email}: receipt for order {number}, {orders[number - 1]}")


@app.post("/orders", status_code=201)
async def place(order: Order, tasks: BackgroundTasks) -> Placed:
    orders.append(order.dish)
    number = len(orders)
    tasks.add_task(send_receipt, order.email, number)
    return Placed(number=number, receipt="on its way")


@app.get("/mailbox")
async def read_mailbox() -> list[str]:
    return mailbox
