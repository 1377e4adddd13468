import asyncio
from collections import Counter
from typing import Any

from fastapi import APIRouter, FastAPI
from pydantic import BaseModel, ConfigDict
from sqlalchemy import ForeignKey, StaticPool, create_engine, event, select
from sqlalchemy.orm import (
    DeclarativeBase,
    Mapped,
    Session,
    mapped_column,
    relationship,
    selectinload,
)
from sqlalchemy.orm.interfaces import ORMOption


class Base(DeclarativeBase):
    pass


class Customer(Base):
    __tablename__ = "customers"
    id: Mapped[int] = mapped_column(primary_key=True)
    name: Mapped[str]


class Order(Base):
    __tablename__ = "orders"
    id: Mapped[int] = mapped_column(primary_key=True)
    customer_id: Mapped[int] = mapped_column(ForeignKey("customers.id"))
    customer: Mapped[Customer] = relationship()


engine = create_engine(
    "sqlite://", poolclass=StaticPool, connect_args={"check_same_thread": False}
)
Base.metadata.create_all(engine)
with Session(engine) as session:
    names = [f"Customer {number}" for number in range(1, 21)]
    session.add_all(Order(customer=Customer(name=name)) for name in names)
    session.commit()


class CustomerOut(BaseModel):
    model_config = ConfigDict(from_attributes=True)
    name: str


class OrderOut(BaseModel):
    model_config = ConfigDict(from_attributes=True)
    id: int
    customer: CustomerOut


# --8<-- [start:shop]
shop = APIRouter()


def load(*options: ORMOption) -> list[OrderOut]:
    with Session(engine) as session:
        orders = session.scalars(select(Order).options(*options)).all()
        return [OrderOut.model_validate(order) for order in orders]


@shop.get("/orders")
async def as_found() -> list[OrderOut]:
    return load()


@shop.get("/orders/one-change")
async def customers_at_once() -> list[OrderOut]:
    return load(selectinload(Order.customer))


@shop.get("/orders/two-changes")
def off_the_loop() -> list[OrderOut]:
    return load(selectinload(Order.customer))
    # --8<-- [end:shop]


@shop.get("/health")
async def health() -> str:
    return "ok"


def place() -> str:
    try:
        asyncio.get_running_loop()
    except RuntimeError:
        return "in a thread"
    return "on the event loop"


# --8<-- [start:probe]
sent: Counter[tuple[str, str]] = Counter()


@event.listens_for(engine, "before_cursor_execute")
def note(_connection: Any, _cursor: Any, statement: str, *_rest: Any) -> None:
    sent[" ".join(statement.split()), place()] += 1


@shop.get("/sql")
async def sql_since_last_time() -> list[tuple[int, str, str]]:
    lines = [(times, *what) for what, times in sent.most_common()]
    sent.clear()
    return lines
    # --8<-- [end:probe]


app = FastAPI()
app.include_router(shop)
