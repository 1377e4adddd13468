from fastapi import FastAPI, Request
from fastapi.responses import JSONResponse

from app.bookings.errors import BookingError, Conflict, Impossible, NotFound

STATUS = {NotFound: 404, Conflict: 409, Impossible: 422, BookingError: 400}


def register(app: FastAPI) -> None:
    @app.exception_handler(BookingError)
    async def answer(request: Request, error: BookingError) -> JSONResponse:
        kind = next(kind for kind in type(error).__mro__ if kind in STATUS)
        return JSONResponse({"detail": str(error)}, STATUS[kind])
