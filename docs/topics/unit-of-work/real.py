from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import asdict, replace
from typing import Annotated

from app import errors
from app.bookings.domain import Booking, Room
from app.bookings.errors import Conflict, NotFound
from app.bookings.models import BookingRow
from app.bookings.schemas import BookingIn, BookingOut
from app.database import Base
from app.rooms.models import RoomRow
from fastapi import Depends, FastAPI, Request
from sqlalchemy import select
from sqlalchemy.ext.asyncio import (
    AsyncSession,
    async_sessionmaker,
    create_async_engine,
)

Sessions = async_sessionmaker[AsyncSession]


# --8<-- [start:use-case]
async def book(sessions: Sessions, wish: Booking) -> Booking:
    async with sessions.begin() as session:
        room = await session.get(RoomRow, wish.room, with_for_update=True)
        if room is None:
            raise NotFound(f"there is no room {wish.room!r}")
        Room(room.name, room.seats).check(wish.people)
        clash = select(BookingRow.id).where(
            BookingRow.room == wish.room,
            BookingRow.day == wish.day,
            BookingRow.start < wish.end,
            BookingRow.end > wish.start,
        )
        if await session.scalar(clash.limit(1)):
            raise Conflict(f"{wish.room} is taken then")
        row = BookingRow(**{**asdict(wish), "id": None})
        session.add(row)
    return replace(wish, id=row.id)


# --8<-- [end:use-case]


# --8<-- [start:app]
def get_sessions(request: Request) -> Sessions:
    sessions: Sessions = request.app.state.sessions
    return sessions


def create_app(database_url: str) -> FastAPI:
    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[None]:
        engine = create_async_engine(database_url)
        async with engine.begin() as connection:
            await connection.run_sync(Base.metadata.create_all)
        app.state.sessions = async_sessionmaker(engine, expire_on_commit=False)
        yield
        await engine.dispose()

    app = FastAPI(lifespan=lifespan)
    errors.register(app)

    @app.post("/bookings", status_code=201)
    async def post_booking(
        wish: BookingIn, sessions: Annotated[Sessions, Depends(get_sessions)]
    ) -> BookingOut:
        return BookingOut.of(await book(sessions, Booking(**wish.model_dump())))

    return app


# --8<-- [end:app]
