from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from typing import Annotated, Any

import httpx2
from fastapi import APIRouter, Depends, FastAPI, HTTPException, Request, WebSocket
from pydantic import BaseModel, Field
from sqlalchemy import create_engine, update
from sqlalchemy.orm import (
    DeclarativeBase,
    Mapped,
    Session,
    mapped_column,
    sessionmaker,
)

CENTS_PER_GRAM = 7


class Base(DeclarativeBase):
    pass


class Tea(Base):
    __tablename__ = "teas"
    name: Mapped[str] = mapped_column(primary_key=True)
    grams: Mapped[int]


class Stock(BaseModel):
    grams: Annotated[int, Field(ge=0)]


class Order(BaseModel):
    tea: str
    grams: Annotated[int, Field(gt=0)]


# --8<-- [start:seams]
def get_session(request: Request) -> Iterator[Session]:
    with request.state.sessions() as session:
        yield session


def get_bank() -> Iterator[httpx2.Client]:
    with httpx2.Client(base_url="https://bank.example") as bank:
        yield bank


class Till:
    def __init__(self, bank: Annotated[httpx2.Client, Depends(get_bank)]) -> None:
        self.bank = bank

    def charge(self, cents: int) -> None:
        answer = self.bank.post("/charges", json={"cents": cents})
        if answer.status_code == 402:
            raise HTTPException(402, "The bank declined")
        answer.raise_for_status()


# --8<-- [end:seams]
DB = Annotated[Session, Depends(get_session)]
router = APIRouter()


@router.put("/teas/{name}")
def stock_up(name: str, stock: Stock, db: DB) -> Stock:
    db.merge(Tea(name=name, grams=stock.grams))
    db.commit()
    return stock


@router.get("/teas/{name}")
def show_stock(name: str, db: DB) -> Stock:
    tea = db.get(Tea, name)
    if tea is None:
        raise HTTPException(404, "No such tea")
    return Stock(grams=tea.grams)


# --8<-- [start:order]
@router.post("/orders", status_code=201)
def place_order(order: Order, db: DB, till: Annotated[Till, Depends()]) -> Order:
    take = (
        update(Tea)
        .where(Tea.name == order.tea, Tea.grams >= order.grams)
        .values(grams=Tea.grams - order.grams)
        .returning(Tea.name)
    )
    if db.scalar(take) is None:
        raise HTTPException(409, "Not enough in stock")
    till.charge(order.grams * CENTS_PER_GRAM)
    db.commit()
    return order


# --8<-- [end:order]
@router.websocket("/quotes")
async def quotes(socket: WebSocket) -> None:
    await socket.accept()
    async for grams in socket.iter_text():
        if not grams.isdecimal():
            await socket.close(1003, "Send a number of grams")
            return
        await socket.send_json({"cents": int(grams) * CENTS_PER_GRAM})


# --8<-- [start:factory]
def create_app(database_url: str = "sqlite:///shop.db") -> FastAPI:
    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[dict[str, Any]]:
        engine = create_engine(database_url)
        Base.metadata.create_all(engine)
        yield {"sessions": sessionmaker(engine)}
        engine.dispose()

    app = FastAPI(lifespan=lifespan)
    app.include_router(router)
    return app


# --8<-- [end:factory]
