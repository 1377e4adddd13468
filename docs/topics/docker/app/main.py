import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from fastapi import FastAPI


@asynccontextmanager
async def lifespan(app: FastAPI) -> AsyncIterator[None]:
    yield
    print("Connections closed")


app = FastAPI(title="Greeter", lifespan=lifespan)


@app.get("/greetings/{name}")
def greet(name: str) -> dict[str, str]:
    return {"greeting": f"{os.getenv('GREETING', 'Hello')}, {name}"}


@app.get("/health")
def health() -> dict[str, str]:
    return {"version": os.getenv("APP_VERSION", "dev")}
