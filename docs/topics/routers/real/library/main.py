from os import PathLike

from fastapi import FastAPI

from . import api


def create_app(web: str | PathLike[str] = "web") -> FastAPI:
    app = FastAPI(title="Library")
    app.include_router(api.router)
    app.frontend("/", directory=web)
    return app
