from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from fastapi import FastAPI

from app import database, errors
from app.bookings.policy import Policy
from app.bookings.router import router as bookings
from app.clock import SystemClock
from app.notices import LogNotifier
from app.rooms.router import router as rooms
from app.settings import Settings, get_settings


def create_app(settings: Settings | None = None) -> FastAPI:
    settings = settings or get_settings()

    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[None]:
        with database.opened(settings.database_url.get_secret_value()) as sessions:
            app.state.sessions = sessions
            yield

    app = FastAPI(title="Rooms", lifespan=lifespan)
    app.state.clock = SystemClock(settings.time_zone)
    app.state.notifier = LogNotifier()
    app.state.policy = Policy(settings.opens, settings.closes, settings.longest)
    errors.register(app)
    app.include_router(rooms)
    app.include_router(bookings)
    return app


app = create_app()
