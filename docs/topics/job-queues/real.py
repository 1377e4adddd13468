import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta

from fastapi import FastAPI, HTTPException
from payments import Declined, Payments
from pydantic import BaseModel
from redis.asyncio import Redis
from sqlalchemy import func, select, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import async_sessionmaker, create_async_engine
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column
from taskiq import ScheduledTask, SmartRetryMiddleware, TaskiqScheduler
from taskiq.abc.schedule_source import ScheduleSource
from taskiq.exceptions import ScheduledTaskCancelledError
from taskiq.schedule_sources import LabelScheduleSource
from taskiq.serializers import JSONSerializer
from taskiq_redis import ListRedisScheduleSource, RedisStreamBroker

VALKEY = os.environ["VALKEY_URL"]
engine = create_async_engine(os.environ["DATABASE_URL"])
sessions = async_sessionmaker(engine)
payments = Payments()


class Base(DeclarativeBase):
    pass


class Charge(Base):
    __tablename__ = "charges"
    order: Mapped[str] = mapped_column(primary_key=True)
    cents: Mapped[int]
    state: Mapped[str] = mapped_column(default="queued")
    since: Mapped[datetime] = mapped_column(server_default=func.now())


# --8<-- [start:once]
class Once(ScheduleSource):
    async def pre_send(self, task: ScheduledTask) -> None:
        slot = f"{task.task_name}:{datetime.now(UTC):%Y-%m-%dT%H:%M}"
        key = f"sent:{slot if task.cron else task.schedule_id}"
        async with Redis.from_url(VALKEY) as valkey:
            if not await valkey.set(key, 1, nx=True, ex=3600):
                raise ScheduledTaskCancelledError


class Cron(Once, LabelScheduleSource):
    pass


class Later(Once, ListRedisScheduleSource):
    pass
    # --8<-- [end:once]


# --8<-- [start:broker]
later = Later(VALKEY, serializer=JSONSerializer())
broker = RedisStreamBroker(VALKEY, idle_timeout=120_000).with_middlewares(
    SmartRetryMiddleware(
        default_delay=5,
        use_delay_exponent=True,
        use_jitter=True,
        schedule_source=later,
        types_of_exceptions=(OSError,),
    )
)
scheduler = TaskiqScheduler(broker, [Cron(broker), later])
# --8<-- [end:broker]


# --8<-- [start:job]
@broker.task(retry_on_error=True, max_retries=5, timeout=60)
async def charge(order: str) -> None:
    async with sessions() as session:
        row = await session.get_one(Charge, order)
    if row.state != "queued":
        return
    try:
        await payments.pay(row.cents, key=f"charge-{order}")
        state = "paid"
    except Declined:
        state = "declined"
    async with sessions.begin() as session:
        found = update(Charge).where(Charge.order == order)
        await session.execute(found.values(state=state))
        # --8<-- [end:job]


# --8<-- [start:sweep]
@broker.task(schedule=[{"cron": "*/5 * * * *"}])
async def sweep() -> None:
    old = Charge.since < func.now() - timedelta(minutes=10)
    async with sessions() as session:
        forgotten = select(Charge.order).where(Charge.state == "queued", old)
        orders = (await session.scalars(forgotten)).all()
    for order in orders:
        await charge.kiq(order)
        # --8<-- [end:sweep]


@asynccontextmanager
async def lifespan(app: FastAPI) -> AsyncIterator[None]:
    async with engine.begin() as connection:
        await connection.run_sync(Base.metadata.create_all)
    await broker.startup()
    yield
    await broker.shutdown()
    await engine.dispose()


app = FastAPI(lifespan=lifespan)


class ChargeIn(BaseModel):
    cents: int


class ChargeOut(BaseModel):
    state: str


# --8<-- [start:routes]
@app.post("/orders/{order}/charge", status_code=202)
async def start_charge(order: str, wish: ChargeIn) -> ChargeOut:
    new = insert(Charge).values(order=order, cents=wish.cents)
    once = new.on_conflict_do_nothing().returning(Charge.order)
    async with sessions.begin() as session:
        created = await session.scalar(once)
    if created:
        await charge.kiq(order)
    return await read_charge(order)


@app.get("/orders/{order}/charge")
async def read_charge(order: str) -> ChargeOut:
    async with sessions() as session:
        row = await session.get(Charge, order)
    if row is None:
        raise HTTPException(404, "No charge for this order")
    return ChargeOut(state=row.state)
    # --8<-- [end:routes]
