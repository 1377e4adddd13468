"""What the seven quick interview answers claim, seen happening."""

import asyncio
import time
from collections.abc import Callable
from typing import Annotated, Any

import anyio.to_thread
import httpx2
import pytest
from fastapi import Depends, FastAPI
from pydantic import BaseModel, ValidationError, field_validator
from sqlalchemy import ForeignKey, create_engine, event, select
from sqlalchemy.orm import (
    DeclarativeBase,
    Mapped,
    Session,
    joinedload,
    mapped_column,
    relationship,
    selectinload,
)

pytestmark = pytest.mark.anyio


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"


def browser(app: FastAPI) -> httpx2.AsyncClient:
    return httpx2.AsyncClient(transport=httpx2.ASGITransport(app=app), base_url="http://test")


async def order_of(route: Callable[[list[str]], Any]) -> list[str]:
    """Return when three simultaneous requests enter and leave the route."""
    app = FastAPI()
    seen: list[str] = []
    app.get("/")(route(seen))
    async with browser(app) as client:
        await asyncio.gather(*(client.get("/") for _ in range(3)))
    return seen


async def test_a_sleep_in_an_async_route_lets_nobody_else_in() -> None:
    def blocking(seen: list[str]) -> Any:
        async def route() -> None:
            seen.append("in")
            time.sleep(0.02)
            seen.append("out")

        return route

    def threaded(seen: list[str]) -> Any:
        def route() -> None:
            seen.append("in")
            time.sleep(0.2)
            seen.append("out")

        return route

    assert await order_of(blocking) == ["in", "out"] * 3
    assert await order_of(threaded) == ["in"] * 3 + ["out"] * 3


async def test_a_worker_has_forty_threads() -> None:
    assert anyio.to_thread.current_default_thread_limiter().total_tokens == 40


async def test_a_dependency_runs_once_a_request_unless_told_otherwise() -> None:
    app, calls = FastAPI(), []

    def session() -> object:
        calls.append(1)
        return object()

    def user(session: Annotated[object, Depends(session)]) -> object:
        return session

    @app.get("/shared")
    def shared(a: Annotated[object, Depends(session)], b: Annotated[object, Depends(user)]) -> bool:
        return a is b

    @app.get("/own")
    def own(
        a: Annotated[object, Depends(session)],
        b: Annotated[object, Depends(session, use_cache=False)],
    ) -> bool:
        return a is b

    async with browser(app) as client:
        assert ((await client.get("/shared")).json(), len(calls)) == (True, 1)
        assert ((await client.get("/own")).json(), len(calls)) == (False, 3)


async def test_an_override_reaches_sub_dependencies() -> None:
    app = FastAPI()

    def session() -> str:
        return "real"

    def user(session: Annotated[str, Depends(session)]) -> str:
        return f"user of {session}"

    @app.get("/")
    def route(user: Annotated[str, Depends(user)]) -> str:
        return user

    app.dependency_overrides[session] = lambda: "test"
    async with browser(app) as client:
        assert (await client.get("/")).json() == "user of test"
        app.dependency_overrides.pop(session, None)
        assert (await client.get("/")).json() == "user of real"


class Small(BaseModel):
    x: int = 1


class Large(Small):
    y: int = 2


async def test_response_model_wins_and_its_options_need_a_model() -> None:
    app = FastAPI()

    @app.get("/both", response_model=Small)
    def both() -> Large:
        return Large()

    @app.get("/off", response_model=None)
    def off() -> Small:
        return Large()

    @app.get("/annotated", response_model_exclude_unset=True)
    def annotated() -> Large:
        return Large(y=3)

    @app.get("/bare", response_model_exclude_unset=True)
    def bare():  # type: ignore[no-untyped-def]
        return Large(y=3)

    async with browser(app) as client:
        assert (await client.get("/both")).json() == {"x": 1}
        assert (await client.get("/off")).json() == {"x": 1, "y": 2}
        assert (await client.get("/annotated")).json() == {"y": 3}
        assert (await client.get("/bare")).json() == {"x": 1, "y": 3}


def test_a_field_validator_needs_no_classmethod_and_optional_is_required() -> None:
    class Model(BaseModel):
        n: int
        note: str | None

        @field_validator("n")
        def double(cls, value: int) -> int:  # type: ignore[misc]  # noqa: N805
            return value * 2

    assert Model(n=2, note=None).n == 4
    with pytest.raises(ValidationError, match="note"):
        Model(n=2)  # type: ignore[call-arg]
    with pytest.raises(ValidationError, match="valid string"):
        Model(n=2, note=5)


class Base(DeclarativeBase):
    pass


class User(Base):
    __tablename__ = "user"
    id: Mapped[int] = mapped_column(primary_key=True)
    orders: Mapped[list["Order"]] = relationship()


class Order(Base):
    __tablename__ = "order"
    id: Mapped[int] = mapped_column(primary_key=True)
    user_id: Mapped[int] = mapped_column(ForeignKey("user.id"))


def statements(users: int, *options: Any) -> int:
    """Return how many statements it takes to load the users and touch their orders."""
    engine = create_engine("sqlite://")
    Base.metadata.create_all(engine)
    with Session(engine) as session:
        session.add_all(User(orders=[Order()]) for _ in range(users))
        session.commit()
    sent: list[str] = []
    event.listen(engine, "before_cursor_execute", lambda *a: sent.append(a[2]))
    with Session(engine) as session:
        for user in session.scalars(select(User).options(*options)).unique():
            assert len(user.orders) == 1
    engine.dispose()
    return len(sent)


def test_the_n_plus_one_statements_become_two_or_one() -> None:
    assert statements(20) == 21
    assert statements(20, selectinload(User.orders)) == 2
    assert statements(20, joinedload(User.orders)) == 1
    assert statements(1201, selectinload(User.orders)) == 4
    assert statements(0, selectinload(User.orders)) == 1
