from collections.abc import Iterator, Sequence
from typing import Annotated

from fastapi import Depends, FastAPI, Query
from pydantic import BaseModel
from sqlalchemy import QueuePool, create_engine, select
from sqlalchemy.orm import DeclarativeBase, Mapped, Session, mapped_column

app = FastAPI()


# --8<-- [start:table]
class Base(DeclarativeBase):
    pass


class Order(Base):
    __tablename__ = "orders"
    id: Mapped[int] = mapped_column(primary_key=True)
    customer: Mapped[str]


engine = create_engine(
    "sqlite://",
    poolclass=QueuePool,
    pool_size=1,
    max_overflow=0,
    connect_args={"check_same_thread": False},
)


def start_with_six_orders() -> None:
    Base.metadata.create_all(engine)
    with Session(engine) as session:
        names = ["Ada", "Bob", "Cleo", "Dan", "Eve", "Fay"]
        session.add_all(Order(customer=name) for name in names)
        session.commit()


start_with_six_orders()
# --8<-- [end:table]


def get_session() -> Iterator[Session]:
    with Session(engine) as session:
        yield session


SessionDep = Annotated[Session, Depends(get_session)]


class OrderIn(BaseModel):
    customer: str


class OrderOut(OrderIn):
    id: int


@app.post("/orders", status_code=201, response_model=OrderOut)
def add_order(data: OrderIn, session: SessionDep) -> Order:
    order = Order(customer=data.customer)
    session.add(order)
    session.commit()
    return order


# --8<-- [start:pages]
Limit = Annotated[int, Query(ge=1, le=100)]
newest_first = select(Order).order_by(Order.id.desc())


@app.get("/by-offset", response_model=list[OrderOut])
def by_offset(
    session: SessionDep,
    limit: Limit = 3,
    offset: Annotated[int, Query(ge=0, le=10_000)] = 0,
) -> Sequence[Order]:
    return session.scalars(newest_first.offset(offset).limit(limit)).all()


@app.get("/by-keyset", response_model=list[OrderOut])
def by_keyset(
    session: SessionDep,
    limit: Limit = 3,
    after: Annotated[int | None, Query(ge=1, lt=2**31)] = None,
) -> Sequence[Order]:
    query = newest_first
    if after is not None:
        query = query.where(Order.id < after)
    return session.scalars(query.limit(limit)).all()
    # --8<-- [end:pages]
