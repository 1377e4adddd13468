from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from functools import lru_cache
from typing import Annotated

from fastapi import Depends, FastAPI
from pydantic import Field, SecretStr
from pydantic_settings import BaseSettings, SettingsConfigDict


class Settings(BaseSettings):
    model_config = SettingsConfigDict(env_prefix="ROOMS_", env_file=".env")

    house: str = "Main Street 1"
    opens: Annotated[int, Field(ge=0, le=23)] = 8
    door_code: SecretStr


@lru_cache
def get_settings() -> Settings:
    return Settings()


@asynccontextmanager
async def lifespan(app: FastAPI) -> AsyncIterator[None]:
    get_settings()
    yield


app = FastAPI(lifespan=lifespan)


@app.get("/house")
def house(settings: Annotated[Settings, Depends(get_settings)]) -> str:
    return f"{settings.house}, opens at {settings.opens}"
