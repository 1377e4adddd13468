from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from fastapi import FastAPI

from app import database, errors
from app.bookings.router import router as bookings
from app.rooms.router import router as rooms


def create_app(database_url: str = "sqlite://") -> FastAPI:
    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[None]:
        with database.opened(database_url) as sessions:
            app.state.sessions = sessions
            yield

    app = FastAPI(title="Rooms", lifespan=lifespan)
    errors.register(app)
    app.include_router(rooms)
    app.include_router(bookings)
    return app


app = create_app()
