from fastapi import FastAPI

from tangled.routes import router

app = FastAPI()
app.include_router(router)


def get_opening_hours() -> str:
    return "8 to 20"
