# --8<-- [start:settings]
from typing import Annotated

from pydantic import Field, SecretStr
from pydantic_settings import BaseSettings, SettingsConfigDict


class Settings(BaseSettings):
    model_config = SettingsConfigDict(env_prefix="PARCELS_", frozen=True)

    carrier_key: SecretStr
    page_size: Annotated[int, Field(ge=1, le=100)] = 20
    # --8<-- [end:settings]
