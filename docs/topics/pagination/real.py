import os
from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from datetime import datetime
from enum import StrEnum
from typing import Annotated, Any, Literal, Self

from fastapi import Depends, FastAPI, Query, Request, Response
from pydantic import (
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    TypeAdapter,
    WithJsonSchema,
    model_validator,
)
from sqlalchemy import (
    DateTime,
    Index,
    Select,
    String,
    create_engine,
    func,
    select,
    tuple_,
)
from sqlalchemy.orm import (
    DeclarativeBase,
    InstrumentedAttribute,
    Mapped,
    Session,
    mapped_column,
)


# --8<-- [start:table]
class Base(DeclarativeBase):
    pass


class Order(Base):
    __tablename__ = "orders"
    __table_args__ = (
        Index("orders_by_time", "placed_at", "id"),
        Index("orders_by_total", "total", "id"),
        Index("orders_by_status", "status", "placed_at", "id"),
    )
    id: Mapped[int] = mapped_column(primary_key=True)
    customer: Mapped[str] = mapped_column(String(80))
    status: Mapped[str] = mapped_column(String(10))
    total: Mapped[int]
    margin: Mapped[int]
    placed_at: Mapped[datetime] = mapped_column(DateTime(timezone=True))
    # --8<-- [end:table]


@asynccontextmanager
async def lifespan(_app: FastAPI) -> AsyncIterator[dict[str, Any]]:
    engine = create_engine(os.environ.get("DATABASE_URL", "sqlite:///orders.db"))
    Base.metadata.create_all(engine)
    yield {"engine": engine}
    engine.dispose()


def get_session(request: Request) -> Iterator[Session]:
    with Session(request.state.engine) as session:
        yield session


SessionDep = Annotated[Session, Depends(get_session, scope="function")]
app = FastAPI(lifespan=lifespan)


# --8<-- [start:cursor]
class Sort(StrEnum):
    NEWEST = "-placed_at"
    OLDEST = "placed_at"
    LARGEST = "-total"


Int = Annotated[int, Field(ge=0, lt=2**31)]


class ByTime(BaseModel):
    sort: Literal[Sort.NEWEST, Sort.OLDEST]
    value: datetime
    id: Int


class ByTotal(BaseModel):
    sort: Literal[Sort.LARGEST]
    value: Int
    id: Int


Position = Annotated[ByTime | ByTotal, Field(discriminator="sort")]
POSITION: TypeAdapter[ByTime | ByTotal] = TypeAdapter(Position)


def encode(position: ByTime | ByTotal) -> str:
    return urlsafe_b64encode(position.model_dump_json().encode()).decode()


def decode(text: str) -> ByTime | ByTotal:
    try:
        return POSITION.validate_json(urlsafe_b64decode(text))
    except ValueError:
        raise ValueError("not a cursor from this list") from None


Cursor = Annotated[
    Position, BeforeValidator(decode), WithJsonSchema({"type": "string"})
]
# --8<-- [end:cursor]


# --8<-- [start:query]
class Status(StrEnum):
    OPEN = "open"
    PAID = "paid"
    SHIPPED = "shipped"


Text = Annotated[str, Field(max_length=80, pattern=r"^[^\x00]*$")]


class OrderQuery(BaseModel):
    model_config = ConfigDict(extra="forbid")
    limit: Annotated[int, Field(ge=1, le=100)] = 20
    sort: Sort = Sort.NEWEST
    after: Cursor | None = None
    status: Status | None = None
    customer: Text | None = None
    count: bool = False

    @model_validator(mode="after")
    def cursor_fits_the_sort(self) -> Self:
        if self.after and self.after.sort is not self.sort:
            raise ValueError("this cursor belongs to another sort")
        return self

    def filtered(self) -> Select[Order]:
        found = select(Order)
        if self.status:
            found = found.where(Order.status == self.status)
        if self.customer:
            found = found.where(
                Order.customer.icontains(self.customer, autoescape=True)
            )
        return found
        # --8<-- [end:query]


# --8<-- [start:page]
COLUMNS: dict[Sort, tuple[InstrumentedAttribute[Any], bool]] = {
    Sort.NEWEST: (Order.placed_at, True),
    Sort.OLDEST: (Order.placed_at, False),
    Sort.LARGEST: (Order.total, True),
}


def one_page(query: OrderQuery) -> Select[Order]:
    column, descending = COLUMNS[query.sort]
    found, key = query.filtered(), tuple_(column, Order.id)
    if at := query.after:
        last = tuple_(at.value, at.id)
        found = found.where(key < last if descending else key > last)
    order = [part.desc() if descending else part for part in (column, Order.id)]
    return found.order_by(*order).limit(query.limit + 1)


def next_cursor(query: OrderQuery, last: Order) -> str:
    value = getattr(last, COLUMNS[query.sort][0].key)
    at = {"sort": query.sort, "value": value, "id": last.id}
    return encode(POSITION.validate_python(at))
    # --8<-- [end:page]


# --8<-- [start:count]
CAP = 1_000


class Total(BaseModel):
    rows: int
    exact: bool


def total_up_to_cap(session: Session, found: Select[Order]) -> Total:
    some = found.with_only_columns(Order.id).limit(CAP + 1).subquery()
    rows = session.scalar(select(func.count()).select_from(some)) or 0
    return Total(rows=min(rows, CAP), exact=rows <= CAP)
    # --8<-- [end:count]


class OrderOut(BaseModel):
    id: int
    customer: str
    status: Status
    total: int
    placed_at: datetime


class Page(BaseModel):
    items: list[OrderOut]
    next: str | None
    total: Total | None = None


# --8<-- [start:route]
@app.get("/orders", response_model=Page)
def list_orders(
    query: Annotated[OrderQuery, Query()],
    session: SessionDep,
    request: Request,
    response: Response,
) -> dict[str, Any]:
    rows = session.scalars(one_page(query)).all()
    items, after = rows[: query.limit], None
    if len(rows) > query.limit:
        after = next_cursor(query, items[-1])
        link = request.url.include_query_params(after=after).query
        response.headers["Link"] = f'<?{link}>; rel="next"'
    total = total_up_to_cap(session, query.filtered()) if query.count else None
    return {"items": items, "next": after, "total": total}
    # --8<-- [end:route]
