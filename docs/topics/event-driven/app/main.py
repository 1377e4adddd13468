import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from fastapi import FastAPI

from app import database, errors
from app.bookings.events import Booked, Cancelled
from app.bookings.policy import Policy
from app.bookings.router import router as bookings
from app.bookings.sql import SqlUnitOfWork
from app.bus import Bus
from app.clock import SystemClock
from app.notices import Notices
from app.relay import Relay
from app.rooms.router import router as rooms
from app.settings import Settings, get_settings


def create_app(settings: Settings | None = None) -> FastAPI:
    settings = settings or get_settings()
    # --8<-- [start:wiring]
    bus, notices = Bus(), Notices()
    for kind in (Booked, Cancelled):
        bus.on(kind, notices)

    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[None]:
        with database.opened(settings.database_url.get_secret_value()) as sessions:
            app.state.sessions = sessions
            relay = Relay(SqlUnitOfWork(sessions), bus, settings.relay_seconds)
            running = asyncio.create_task(relay.run())
            yield
            relay.stop()
            await running
            # --8<-- [end:wiring]

    app = FastAPI(title="Rooms", lifespan=lifespan)
    app.state.clock = SystemClock(settings.time_zone)
    app.state.policy = Policy(settings.opens, settings.closes, settings.longest)
    errors.register(app)
    app.include_router(rooms)
    app.include_router(bookings)
    return app


app = create_app()
