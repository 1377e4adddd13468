from functools import lru_cache
from typing import Annotated, Self

from pydantic import Field, SecretStr, model_validator
from pydantic_settings import BaseSettings, SettingsConfigDict

Hour = Annotated[int, Field(ge=0, le=24)]


class Settings(BaseSettings):
    model_config = SettingsConfigDict(
        env_prefix="ROOMS_",
        env_file=".env",
        extra="ignore",
        frozen=True,
        hide_input_in_errors=True,
    )

    database_url: SecretStr = SecretStr("sqlite://")
    opens: Hour = 8
    closes: Hour = 20
    longest: Annotated[int, Field(ge=1, description="hours a booking may last")] = 8

    time_zone: str = "UTC"

    @model_validator(mode="after")
    def opens_before_it_closes(self) -> Self:
        if self.closes <= self.opens:
            raise ValueError("ROOMS_CLOSES must be later than ROOMS_OPENS")
        return self


@lru_cache
def get_settings() -> Settings:
    return Settings()
